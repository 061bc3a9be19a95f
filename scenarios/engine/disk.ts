import { MemoryDatastore } from 'datastore-core'
import type { Pair } from 'interface-datastore'
import { copyFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'

/** What SQLite has written beside its file and not moved into it yet. The index (-shm) is made anew from it. */
const STORE_FILE_ENDS = ['', '-wal']

/**
 * What of a host outlives its process: its files, and its libp2p datastore. A crashed host goes on with a copy, so that
 * what its dead process, which lives on in ours, still writes goes nowhere.
 */
export class Disk {
  readonly datastore: MemoryDatastore
  /** File of an issue server's store. */
  readonly storePath: string
  readonly #folder: string
  readonly #host: string
  readonly #copies: number

  constructor(
    init: { readonly folder: string; readonly host: string },
    copies = 0,
    datastore = new MemoryDatastore(),
  ) {
    this.#folder = init.folder
    this.#host = init.host
    this.#copies = copies
    this.datastore = datastore
    const number = copies === 0 ? '' : `-${copies}`
    this.storePath = join(init.folder, `${init.host}${number}.sqlite`)
  }

  /** The disk as it is now. Synchronous: nothing is written while it is made. */
  copy(): Disk {
    const datastore = new MemoryDatastore()
    // In memory both are done when they return; the types speak for all datastores.
    for (const { key, value } of this.datastore._all({}) as Iterable<Pair>) {
      void datastore.put(key, value)
    }
    const init = { folder: this.#folder, host: this.#host }
    const disk = new Disk(init, this.#copies + 1, datastore)
    for (const end of STORE_FILE_ENDS) {
      const file = `${this.storePath}${end}`
      if (existsSync(file)) copyFileSync(file, `${disk.storePath}${end}`)
    }
    return disk
  }
}
