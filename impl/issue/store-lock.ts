import { chmodSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/**
 * Keeps a second process from a store that is in use: two servers with one account would each count only their own
 * orders, and take up each other's. The lock is the system's, on a file beside the store, so it ends with the process
 * that holds it, however that ends; the store itself stays open to readers.
 */
export class StoreLock {
  readonly #database: DatabaseSync | undefined

  /** @throws {Error} when another process holds the lock, or the file cannot be made. */
  constructor(storePath: string) {
    // Nobody else can see a store in memory.
    if (storePath === ':memory:') return
    const path = `${storePath}-lock`
    let database: DatabaseSync | undefined
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
      database = new DatabaseSync(path)
      database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
      chmodSync(path, 0o600)
    } catch (cause) {
      database?.close()
      const inUse = (cause as { errcode?: number }).errcode === SQLITE_BUSY
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new Error(`cannot open the store "${storePath}": ${inUse ? IN_USE : reason}`, { cause })
    }
    this.#database = database
  }

  release(): void {
    this.#database?.close()
  }
}

const SQLITE_BUSY = 5
const IN_USE = 'another issue server is using it; end that one, or give this one a store of its own'
