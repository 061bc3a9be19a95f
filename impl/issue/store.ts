import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import type { Certificate } from './certificates.ts'
import type { CertificateRequest } from './csr.ts'
import {
  canonicalNames,
  toAccount,
  toCertificate,
  toOrder,
  type ChallengeValue,
  type OrderState,
  type StoredAccount,
  type StoredCertificate,
  type StoredOrder,
  type Want,
} from './records.ts'
import { MIGRATIONS } from './schema.ts'

/** Part of an order that changes. `orderUrl: null` forgets it. */
export interface OrderChange {
  readonly state?: OrderState
  readonly orderUrl?: string | null
  readonly challenges?: readonly ChallengeValue[]
  readonly error?: string
  readonly attempts?: number
}

/** A finished order is kept this long, for people who look for what happened. */
const FINISHED_ORDER_AGE_MS_MAX = 30 * 24 * 3_600_000
/** An unfinished order that nobody asked for again: CAs forget theirs after at most 7 days. */
const UNFINISHED_ORDER_AGE_MS_MAX = 7 * 24 * 3_600_000
/** How long another process may hold the file, in ms. */
const BUSY_TIMEOUT_MS = 2_000

/**
 * The orders, certificates and accounts of an issue server, in SQLite. Every write is on its own and done when the
 * method returns, so a killed process finds what it had written (a power cut can lose the last writes, but breaks
 * nothing: WAL with synchronous=NORMAL).
 */
export class Store {
  readonly #database: DatabaseSync
  readonly #directoryUrl: string
  /** What was written last, so that it is written once. */
  #accountUrl: string | undefined
  readonly #statements = new Map<string, StatementSync>()

  /**
   * @param init.path - file, or `:memory:`. Its folder is made with mode 0700 when missing; the file has 0600.
   * @throws {Error} when the file is not ours to read, or of a newer version.
   */
  constructor({ path, directoryUrl }: { readonly path: string; readonly directoryUrl: string }) {
    this.#directoryUrl = directoryUrl
    try {
      if (path !== ':memory:') makePrivate(path)
      this.#database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS })
      this.#database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
      this.#migrate()
    } catch (cause) {
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

  account(): StoredAccount | undefined {
    const row = this.#get('SELECT key, url FROM accounts WHERE directory_url = ?', [
      this.#directoryUrl,
    ])
    return row === undefined ? undefined : toAccount(row)
  }

  /** Called before the CA hears of the key. */
  saveAccountKey(key: string, now: number): void {
    this.#run('INSERT INTO accounts (directory_url, key, created_at) VALUES (?, ?, ?)', [
      this.#directoryUrl,
      key,
      now,
    ])
  }

  saveAccountUrl(url: string): void {
    if (url === this.#accountUrl) return
    this.#run('UPDATE accounts SET url = ? WHERE directory_url = ?', [url, this.#directoryUrl])
    this.#accountUrl = url
  }

  createOrder(want: Want, request: CertificateRequest, now: number): StoredOrder {
    const result = this.#run(
      `INSERT INTO orders
       (directory_url, peer, names, key_choice, state, csr, crypto_type, key_id, key, created_at, updated_at)
       VALUES (?, ?, ?, ?, 'created', ?, ?, ?, ?, ?, ?)`,
      [
        ...this.#wantKey(want),
        request.csr,
        request.cryptoType,
        request.keyId,
        request.key ?? null,
        now,
        now,
      ],
    )
    return {
      ...want,
      id: Number(result.lastInsertRowid),
      state: 'created',
      request,
      orderUrl: undefined,
      challenges: [],
      attempts: 0,
      createdAt: now,
    }
  }

  /** Writes a step; returns the order as it is then. */
  updateOrder(order: StoredOrder, change: OrderChange, now: number): StoredOrder {
    const { orderUrl, error, ...rest } = change
    const changed: StoredOrder = {
      ...order,
      ...rest,
      orderUrl: orderUrl === undefined ? order.orderUrl : (orderUrl ?? undefined),
    }
    this.#run(
      `UPDATE orders SET state = ?, order_url = ?, challenges = ?, attempts = ?,
       error = coalesce(?, error), key = CASE WHEN ? = 'failed' THEN NULL ELSE key END, updated_at = ?
       WHERE id = ?`,
      [
        changed.state,
        changed.orderUrl ?? null,
        JSON.stringify(changed.challenges),
        changed.attempts,
        error ?? null,
        // No certificate will ever need the key of a failed order.
        changed.state,
        now,
        order.id,
      ],
    )
    return changed
  }

  /** Notes why an order does not go on, and nothing else of it. */
  noteError({ id }: StoredOrder, error: string): void {
    this.#run('UPDATE orders SET error = ? WHERE id = ?', [error, id])
  }

  /** The order under way for a want, from this process or one before it. */
  unfinishedOrder(want: Want): StoredOrder | undefined {
    const row = this.#get(
      `SELECT * FROM orders WHERE directory_url = ? AND peer = ? AND names = ? AND key_choice = ?
       AND state NOT IN ('valid', 'failed')`,
      this.#wantKey(want),
    )
    return row === undefined ? undefined : toOrder(row)
  }

  /** Every order under way, oldest first. */
  unfinishedOrders(): readonly StoredOrder[] {
    return this.#statement(
      `SELECT * FROM orders WHERE directory_url = ? AND state NOT IN ('valid', 'failed') ORDER BY id`,
    )
      .all(this.#directoryUrl)
      .map((row) => toOrder(row))
  }

  certificate(want: Want): StoredCertificate | undefined {
    const row = this.#get(
      `SELECT * FROM certificates
       WHERE directory_url = ? AND peer = ? AND names = ? AND key_choice = ?`,
      this.#wantKey(want),
    )
    return row === undefined ? undefined : toCertificate(row)
  }

  /** Ends an order with its certificate: both or neither. The server-made key moves along. */
  finishOrder(order: StoredOrder, certificate: Certificate, now: number): StoredCertificate {
    const { key, cryptoType } = order.request
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      this.#run(
        `INSERT OR REPLACE INTO certificates
         (directory_url, peer, names, key_choice, crypto_type, certificate, ca, key, serial, not_before, not_after)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        [
          ...this.#wantKey(order),
          cryptoType,
          certificate.certificate,
          certificate.ca,
          key ?? null,
          certificate.serial,
          certificate.notBefore,
          certificate.notAfter,
        ],
      )
      this.#run(`UPDATE orders SET state = 'valid', key = NULL, updated_at = ? WHERE id = ?`, [
        now,
        order.id,
      ])
      this.#database.exec('COMMIT')
    } catch (error) {
      this.#database.exec('ROLLBACK')
      throw error
    }
    return { ...certificate, cryptoType, key }
  }

  /** Deletes what has no use any more, keys first of all. */
  prune(now: number): void {
    this.#run('DELETE FROM certificates WHERE not_after < ?', [now])
    this.#run(
      `DELETE FROM orders WHERE updated_at < CASE WHEN state IN ('valid', 'failed') THEN ? ELSE ? END`,
      [now - FINISHED_ORDER_AGE_MS_MAX, now - UNFINISHED_ORDER_AGE_MS_MAX],
    )
  }

  #wantKey({ peer, names, keyChoice }: Want): readonly SQLInputValue[] {
    return [this.#directoryUrl, peer, JSON.stringify(canonicalNames(names)), keyChoice]
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

  #get(sql: string, values: readonly SQLInputValue[]): Record<string, unknown> | undefined {
    return this.#statement(sql).get(...values)
  }

  #run(sql: string, values: readonly SQLInputValue[]): { lastInsertRowid: number | bigint } {
    return this.#statement(sql).run(...values)
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
