import type { SQLInputValue } from 'node:sqlite'
import { BudgetRows } from './budget-rows.ts'
import { askIntervalMs, type Certificate } from './certificates.ts'
import type { CertificateRequest } from './csr.ts'
import { Database } from './database.ts'
import { RenewalRows } from './renewal-rows.ts'
import {
  canonicalNames,
  toAccount,
  toCertificate,
  toChallenges,
  toOrder,
  type ChallengeValue,
  type OrderState,
  type StoredAccount,
  type StoredCertificate,
  type StoredOrder,
  type Want,
} from './records.ts'

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

/**
 * The orders, certificates and accounts of an issue server, in SQLite. Every write is on its own and done when the
 * method returns, so a killed process finds what it had written (a power cut can lose the last writes, but breaks
 * nothing: WAL with synchronous=NORMAL).
 */
export class Store {
  /** What is used of the CA's limits. */
  readonly budgets: BudgetRows
  /** When certificates are to be renewed. */
  readonly renewals: RenewalRows
  readonly #database: Database
  readonly #directoryUrl: string
  /** What was written last, so that it is written once. */
  #accountUrl: string | undefined

  /** See {@link Database} for the file and what can be wrong with it. */
  constructor({ path, directoryUrl }: { readonly path: string; readonly directoryUrl: string }) {
    this.#directoryUrl = directoryUrl
    this.#database = new Database(path)
    this.budgets = new BudgetRows(this.#database, directoryUrl)
    this.renewals = new RenewalRows(this.#database, directoryUrl)
  }

  /**
   * Writes what is there already, to learn whether anything can be written.
   * @throws {Error} such as for a full disk.
   */
  probe(): void {
    this.#database.probe()
  }

  close(): void {
    this.#database.close()
  }

  /** Writes all that `write` writes, or nothing of it when it throws. */
  transaction<T>(write: () => T): T {
    return this.#database.transaction(write)
  }

  account(): StoredAccount | undefined {
    const row = this.#database.get('SELECT key, url FROM accounts WHERE directory_url = ?', [
      this.#directoryUrl,
    ])
    return row === undefined ? undefined : toAccount(row)
  }

  /** Called before the CA hears of the key. */
  saveAccountKey(key: string, now: number): void {
    this.#database.run('INSERT INTO accounts (directory_url, key, created_at) VALUES (?, ?, ?)', [
      this.#directoryUrl,
      key,
      now,
    ])
  }

  saveAccountUrl(url: string): void {
    if (url === this.#accountUrl) return
    this.#database.run('UPDATE accounts SET url = ? WHERE directory_url = ?', [
      url,
      this.#directoryUrl,
    ])
    this.#accountUrl = url
  }

  createOrder(want: Want, request: CertificateRequest, now: number): StoredOrder {
    const renewal = this.isRenewal(want, now)
    const result = this.#database.run(
      `INSERT INTO orders
       (directory_url, peer, names, key_choice, state, renewal, csr, crypto_type, key_id, key, created_at, updated_at)
       VALUES (?, ?, ?, ?, 'created', ?, ?, ?, ?, ?, ?, ?)`,
      [
        ...this.#wantKey(want),
        renewal ? 1 : 0,
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
      renewal,
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
    this.#database.run(
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
    this.#database.run('UPDATE orders SET error = ? WHERE id = ?', [error, id])
  }

  /** The order under way for a want, from this process or one before it. */
  unfinishedOrder(want: Want): StoredOrder | undefined {
    const row = this.#database.get(
      `SELECT * FROM orders WHERE directory_url = ? AND peer = ? AND names = ? AND key_choice = ?
       AND state NOT IN ('valid', 'failed')`,
      this.#wantKey(want),
    )
    return row === undefined ? undefined : toOrder(row)
  }

  /** Every order under way, oldest first. */
  unfinishedOrders(): readonly StoredOrder[] {
    return this.#database
      .all(
        `SELECT * FROM orders WHERE directory_url = ? AND state NOT IN ('valid', 'failed') ORDER BY id`,
        [this.#directoryUrl],
      )
      .map((row) => toOrder(row))
  }

  /** Challenges of the orders that have ended since then, the latest orders first. */
  endedChallenges(options: {
    /** In ms since 1970. */
    readonly since: number
    readonly ordersMax: number
  }): readonly ChallengeValue[] {
    return this.#database
      .all(
        `SELECT challenges FROM orders
         WHERE directory_url = ? AND state IN ('valid', 'failed') AND updated_at >= ?
         ORDER BY updated_at DESC LIMIT ?`,
        [this.#directoryUrl, options.since, options.ordersMax],
      )
      .flatMap((row) => toChallenges(row))
  }

  certificate(want: Want): StoredCertificate | undefined {
    const row = this.#database.get(
      `SELECT * FROM certificates
       WHERE directory_url = ? AND peer = ? AND names = ? AND key_choice = ?`,
      this.#wantKey(want),
    )
    return row === undefined ? undefined : toCertificate(row)
  }

  /** Ends an order with its certificate: both or neither. The server-made key moves along. */
  finishOrder(order: StoredOrder, certificate: Certificate, now: number): StoredCertificate {
    const { key, cryptoType } = order.request
    this.transaction(() => {
      this.renewals.supersede(order)
      this.#database.run(
        `INSERT OR REPLACE INTO certificates
         (directory_url, peer, names, key_choice, crypto_type, certificate, ca, key, serial, not_before, not_after, ask_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        [
          ...this.#wantKey(order),
          cryptoType,
          certificate.certificate,
          certificate.ca,
          key ?? null,
          certificate.serial,
          certificate.notBefore,
          certificate.notAfter,
          now + askIntervalMs(certificate),
        ],
      )
      this.#database.run(
        `UPDATE orders SET state = 'valid', key = NULL, updated_at = ? WHERE id = ?`,
        [now, order.id],
      )
    })
    this.renewals.onAdded()
    return { ...certificate, cryptoType, key, renewFrom: undefined }
  }

  /**
   * PEM of the certificate that a new one for exactly these names takes the place of: the newest that has not ended,
   * for whatever key.
   */
  predecessor({ peer, names }: Pick<Want, 'peer' | 'names'>, now: number): string | undefined {
    const row = this.#database.get(
      `SELECT certificate FROM certificates
       WHERE directory_url = ? AND peer = ? AND names = ? AND not_after > ?
       ORDER BY not_before DESC LIMIT 1`,
      [this.#directoryUrl, peer, JSON.stringify(canonicalNames(names)), now],
    )
    return row === undefined ? undefined : String(row['certificate'])
  }

  /** Whether there is a certificate for exactly these names that has not ended, for whatever key. */
  isRenewal(want: Pick<Want, 'peer' | 'names'>, now: number): boolean {
    return this.predecessor(want, now) !== undefined
  }

  /** Deletes what has no use any more, keys first of all. */
  prune(now: number): void {
    this.#database.run('DELETE FROM certificates WHERE not_after < ?', [now])
    this.#database.run(
      `DELETE FROM orders WHERE updated_at < CASE WHEN state IN ('valid', 'failed') THEN ? ELSE ? END`,
      [now - FINISHED_ORDER_AGE_MS_MAX, now - UNFINISHED_ORDER_AGE_MS_MAX],
    )
    this.budgets.prune(now)
  }

  #wantKey({ peer, names, keyChoice }: Want): readonly SQLInputValue[] {
    return [this.#directoryUrl, peer, JSON.stringify(canonicalNames(names)), keyChoice]
  }
}
