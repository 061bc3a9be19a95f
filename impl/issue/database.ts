import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { MIGRATIONS } from './schema.ts'

export type Row = Readonly<Record<string, unknown>>

/** How long another process may hold the file, in ms. */
const BUSY_TIMEOUT_MS = 2_000

/** The SQLite file of an issue server, brought to the newest schema. */
export class Database {
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()
  #inTransaction = false

  /**
   * @param path - file, or `:memory:`. Its folder is made with mode 0700 when missing; the file has 0600.
   * @throws {Error} when the file is not ours to read, or of a newer version.
   */
  constructor(path: string) {
    let database: DatabaseSync | undefined
    try {
      if (path !== ':memory:') makePrivate(path)
      database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS })
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
      this.#database = database
      this.#migrate()
    } catch (cause) {
      // Whoever tries again must not find it locked by us.
      database?.close()
      throw new Error(
        `cannot open the store "${path}": ${cause instanceof Error ? cause.message : String(cause)}`,
        { cause },
      )
    }
  }

  /**
   * Writes what is there already, to learn whether anything can be written.
   * @throws {Error} such as for a full disk.
   */
  probe(): void {
    this.#database.exec(`PRAGMA user_version = ${MIGRATIONS.length}`)
  }

  close(): void {
    this.#statements.clear()
    this.#database.close()
  }

  /** Writes all that `write` writes, or nothing of it when it throws. One in another is part of it. */
  transaction<T>(write: () => T): T {
    if (this.#inTransaction) return write()
    this.#database.exec('BEGIN IMMEDIATE')
    this.#inTransaction = true
    try {
      const result = write()
      this.#database.exec('COMMIT')
      return result
    } catch (error) {
      // SQLite has rolled back by itself where the disk is full.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw error
    } finally {
      this.#inTransaction = false
    }
  }

  get(sql: string, values: readonly SQLInputValue[]): Row | undefined {
    return this.#statement(sql).get(...values)
  }

  all(sql: string, values: readonly SQLInputValue[]): readonly Row[] {
    return this.#statement(sql).all(...values)
  }

  run(sql: string, values: readonly SQLInputValue[]): { lastInsertRowid: number | bigint } {
    return this.#statement(sql).run(...values)
  }

  #migrate(): void {
    const version = Number(this.#database.prepare('PRAGMA user_version').get()?.['user_version'])
    if (version > MIGRATIONS.length) {
      throw new Error(
        `it is of version ${version}, this program knows ${MIGRATIONS.length}: use a newer program`,
      )
    }
    for (const [index, migration] of MIGRATIONS.entries()) {
      if (index < version) continue
      this.#database.exec(
        `BEGIN IMMEDIATE; ${migration}; PRAGMA user_version = ${index + 1}; COMMIT`,
      )
    }
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#database.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }
}

/** Keys stand in the file, so only its owner may read it; SQLite gives its -wal and -shm files the same mode. */
function makePrivate(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  closeSync(openSync(path, 'a', 0o600))
  chmodSync(path, 0o600)
}
