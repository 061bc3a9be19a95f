import { MemoryDatastore } from 'datastore-core'
import type { Key, Pair } from 'interface-datastore'
import { appendFileSync, copyFileSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What SQLite has written beside its file and not moved into it yet. The index (-shm) is made anew from it. */
const STORE_FILE_ENDS = ['', '-wal']

/** What a log of SQLite is cut off at when the power fails: less than a frame of it. */
const TORN_BYTES = 1_000

/** Refuses to write while its disk does. */
class DiskDatastore extends MemoryDatastore {
  problem: DiskProblem | undefined

  override put(...parameters: [Key, Uint8Array]): Promise<Key> | Key {
    if (this.problem !== undefined) throw diskError(this.problem)
    return super.put(...parameters)
  }
}

/** Why nothing can be written. */
export type DiskProblem = 'full' | 'read-only'

function diskError(problem: DiskProblem): Error {
  return problem === 'full'
    ? Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
    : Object.assign(new Error('EROFS: read-only file system, open'), { code: 'EROFS' })
}

/**
 * What of a host outlives its process: its files, and its libp2p datastore. A crashed host goes on with a copy, so that
 * what its dead process, which lives on in ours, still writes goes nowhere.
 */
export class Disk {
  readonly datastore: DiskDatastore
  /** File of an issue server's store. */
  readonly storePath: string
  /** File of those that it does not serve; the operator's, and there after any crash. */
  readonly denyListPath: string
  readonly #folder: string
  readonly #host: string
  readonly #copies: number

  constructor(
    init: { readonly folder: string; readonly host: string },
    copies = 0,
    datastore = new DiskDatastore(),
  ) {
    this.#folder = init.folder
    this.#host = init.host
    this.#copies = copies
    this.datastore = datastore
    const number = copies === 0 ? '' : `-${copies}`
    this.denyListPath = join(init.folder, `${init.host}.deny`)
    this.storePath = join(init.folder, `${init.host}${number}.sqlite`)
  }

  writeDenyList(peerIds: readonly string[]): void {
    writeFileSync(this.denyListPath, peerIds.map((peerId) => `${peerId}\n`).join(''))
  }

  /**
   * The disk as it is now: all of it, or none, or with a write at its end that was not finished. Synchronous: nothing is
   * written while it is made.
   */
  copy(what: 'kept' | 'lost' | 'torn' = 'kept'): Disk {
    const datastore = new DiskDatastore()
    if (what === 'lost') {
      return new Disk({ folder: this.#folder, host: this.#host }, this.#copies + 1, datastore)
    }
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
    const log = `${disk.storePath}-wal`
    if (what === 'torn' && existsSync(log)) appendFileSync(log, new Uint8Array(TORN_BYTES).fill(7))
    return disk
  }
}
