import { MemoryDatastore } from 'datastore-core'
import type { Key, Pair } from 'interface-datastore'
import { copyFileSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CrashOptions } from './scenario.ts'
import { tearLog } from './torn-log.ts'

/** What SQLite has written beside its file and not moved into it yet. The index (-shm) is made anew from it. */
const STORE_FILE_ENDS = ['', '-wal']

/** Of what a torn disk can have lost. */
const LOST_SHARE = 0.5

/** Why nothing can be written. */
export type DiskProblem = 'full' | 'read-only'

/** What is wrong with a disk; of what overlaps, each lasts until its own end. */
export class DiskProblems {
  readonly #begun = new Set<{ readonly problem: DiskProblem }>()

  /** Returns the way to end it. */
  begin(problem: DiskProblem): () => void {
    const own = { problem }
    this.#begun.add(own)
    return () => void this.#begun.delete(own)
  }

  /** Of those that go on. */
  get latest(): DiskProblem | undefined {
    return [...this.#begun].at(-1)?.problem
  }
}

/** Refuses to write while its disk does. */
class DiskDatastore extends MemoryDatastore {
  readonly #problems: DiskProblems

  constructor(problems: DiskProblems) {
    super()
    this.#problems = problems
  }

  /** Keeps a copy, as a disk does: the bytes that it is given lie in a pool that would stay in memory with them. */
  override put(key: Key, value: Uint8Array): Promise<Key> | Key {
    const problem = this.#problems.latest
    if (problem !== undefined) throw diskError(problem)
    return super.put(key, Uint8Array.from(value))
  }

  /** A full disk has no room for more; what there is can go. */
  override delete(...parameters: [Key]): Promise<void> | void {
    if (this.#problems.latest === 'read-only') throw diskError('read-only')
    return super.delete(...parameters)
  }

  copy(): DiskDatastore {
    const copy = new DiskDatastore(this.#problems)
    // In memory both are done when they return; the types speak for all datastores.
    for (const { key, value } of this._all({}) as Iterable<Pair>) copy.#keep(key, value)
    return copy
  }

  /** On a disk that refuses to write, too. */
  #keep(key: Key, value: Uint8Array): void {
    void super.put(key, value)
  }
}

function diskError(problem: DiskProblem): Error {
  return problem === 'full'
    ? Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
    : Object.assign(new Error('EROFS: read-only file system, open'), { code: 'EROFS' })
}

interface DiskInit {
  readonly folder: string
  readonly host: string
}

/**
 * What of a host outlives its process: its files, and its libp2p datastore. A crashed host goes on with a copy, so that
 * what its dead process, which lives on in ours, still writes goes nowhere.
 */
export class Disk {
  readonly datastore: DiskDatastore
  /** A crash ends none of them. */
  readonly problems: DiskProblems
  /** File of an issue server's store. */
  readonly storePath: string
  /** File of those that it does not serve; the operator's, and there after any crash. */
  readonly denyListPath: string
  readonly #init: DiskInit
  readonly #copies: number

  constructor(
    init: DiskInit,
    copies = 0,
    problems = new DiskProblems(),
    datastore = new DiskDatastore(problems),
  ) {
    this.#init = init
    this.#copies = copies
    this.problems = problems
    this.datastore = datastore
    const number = copies === 0 ? '' : `-${copies}`
    this.denyListPath = join(init.folder, `${init.host}.deny`)
    this.storePath = join(init.folder, `${init.host}${number}.sqlite`)
  }

  writeDenyList(peerIds: readonly string[]): void {
    writeFileSync(this.denyListPath, peerIds.map((peerId) => `${peerId}\n`).join(''))
  }

  /** The disk as a crash leaves it (see {@link CrashOptions}). Synchronous: nothing is written while it is made. */
  copy({ disk: what = 'kept', lostShare = LOST_SHARE }: Omit<CrashOptions, 'powerCut'> = {}): Disk {
    const copies = this.#copies + 1
    if (what === 'lost') return new Disk(this.#init, copies, this.problems)
    const disk = new Disk(this.#init, copies, this.problems, this.datastore.copy())
    for (const end of STORE_FILE_ENDS) {
      const file = `${this.storePath}${end}`
      if (existsSync(file)) copyFileSync(file, `${disk.storePath}${end}`)
    }
    if (what === 'torn') tearLog(this.storePath, { logPath: `${disk.storePath}-wal`, lostShare })
    return disk
  }
}
