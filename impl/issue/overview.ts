import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { BudgetRows, type BudgetDatabase } from './budget-rows.ts'
import {
  blockedNames,
  budgetStates,
  budgetTotals,
  type BlockedName,
  type BudgetScope,
  type BudgetState,
  type BudgetTotal,
} from './budget-state.ts'
import type { BudgetRules } from './budgets.ts'
import { pausedUntil } from './ca-pause.ts'
import { expectedRenewal } from './certificates.ts'
import { MIGRATIONS } from './schema.ts'

// What an operator asks of the store, read beside the server that writes it.

/** What a store holds for one CA. Times are in ms since 1970. */
export interface StoreOverview {
  readonly certificates: {
    /** Not ended yet. */
    readonly valid: number
    /** Of these, those that a newer one for the same peer and names has taken the place of. */
    readonly replaced: number
    /** Of the others, those past the time at which clients renew: their peers have not renewed them. */
    readonly renewalDue: number
    /** When the first of those that were not replaced ends. */
    readonly firstEnd: number | undefined
  }
  readonly orders: { readonly unfinished: number }
  /** The CA limits us, and no order goes on before; undefined while it does not. */
  readonly pausedUntil: number | undefined
}

/** One certificate of a peer. */
export interface CertificateRow {
  readonly peer: string
  readonly names: readonly string[]
  readonly serial: string
  readonly notBefore: number
  readonly notAfter: number
  /** When clients renew: as the CA has said, or after the usual time, give or take their jitter. */
  readonly renewAt: number
  /** Its peer has a newer one for the same names, and lets this one end. */
  readonly replaced: boolean
}

/** An order under way, or one that waits for somebody to ask again. */
export interface OrderRow {
  readonly peer: string
  readonly names: readonly string[]
  readonly state: string
  readonly createdAt: number
  /** Why it does not go on. */
  readonly error?: string
}

/** A name that is not ordered for a while, and who asked for it last. */
export interface BlockedNameRow extends BlockedName {
  readonly peer?: string
}

/** How long a writer may keep a reader waiting, in ms. */
const BUSY_TIMEOUT_MS = 1_000

/**
 * A store opened for reading only: in SQLite's WAL mode a reader neither waits for the server that writes nor keeps
 * it waiting, and it cannot change anything.
 */
export class StoreReader implements Disposable {
  readonly #database: DatabaseSync
  readonly #directoryUrl: string
  readonly #budgets: BudgetRows
  /** In SQL, when clients renew, and whether they have. */
  readonly #renewAt: string
  readonly #replaced: string

  /** @throws {Error} when the file is missing, not to be read, or of a newer version. */
  constructor({ path, directoryUrl }: { readonly path: string; readonly directoryUrl: string }) {
    this.#directoryUrl = directoryUrl
    if (!existsSync(path)) throw new Error(`no store "${path}" yet`)
    let database: DatabaseSync | undefined
    try {
      database = new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MS })
      const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version'])
      if (version > MIGRATIONS.length || version === 0) {
        throw new Error(`it is of version ${version}, this program knows 1 to ${MIGRATIONS.length}`)
      }
      this.#budgets = new BudgetRows(budgetsOf(database, version), directoryUrl)
      database.function('expected_renewal', (notBefore, notAfter, wanted) =>
        expectedRenewal(
          { notBefore: Number(notBefore), notAfter: Number(notAfter) },
          wanted === null ? undefined : Number(wanted),
        ),
      )
      // What the CA says, and that it need not be asked any more, is in the store since its third version.
      const wanted = version < 3 ? 'NULL' : 'renew_at'
      this.#renewAt = `expected_renewal(not_before, not_after, ${wanted})`
      this.#replaced = version < 3 ? 'FALSE' : '(ask_at IS NULL)'
    } catch (cause) {
      database?.close()
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new Error(`cannot read the store "${path}": ${reason}`, { cause })
    }
    this.#database = database
  }

  overview(now: number): StoreOverview {
    const found = this.#database
      .prepare(
        `SELECT count(*) AS valid, coalesce(sum(${this.#replaced}), 0) AS replaced,
         min(iif(${this.#replaced}, NULL, not_after)) AS first_end,
         coalesce(sum(NOT ${this.#replaced} AND ${this.#renewAt} <= ?), 0) AS due
         FROM certificates WHERE directory_url = ? AND not_after > ?`,
      )
      .get(now, this.#directoryUrl, now)
    const orders = this.#database
      .prepare(
        `SELECT count(*) AS unfinished FROM orders
         WHERE directory_url = ? AND state NOT IN ('valid', 'failed')`,
      )
      .get(this.#directoryUrl)
    const firstEnd = found?.['first_end']
    return {
      certificates: {
        valid: Number(found?.['valid']),
        replaced: Number(found?.['replaced']),
        renewalDue: Number(found?.['due']),
        firstEnd: typeof firstEnd === 'number' ? firstEnd : undefined,
      },
      orders: { unfinished: Number(orders?.['unfinished']) },
      pausedUntil: pausedUntil(this.#budgets, now),
    }
  }

  /** The certificates that have not ended, those that end first first; those that were replaced after the others. */
  certificates(now: number, { max }: { readonly max: number }): readonly CertificateRow[] {
    return this.#database
      .prepare(
        `SELECT peer, names, serial, not_before, not_after, ${this.#renewAt} AS renew_at,
         ${this.#replaced} AS replaced FROM certificates
         WHERE directory_url = ? AND not_after > ? ORDER BY replaced, not_after, peer LIMIT ?`,
      )
      .all(this.#directoryUrl, now, max)
      .map((row) => ({
        peer: String(row['peer']),
        names: JSON.parse(String(row['names'])) as string[],
        serial: String(row['serial']),
        notBefore: Number(row['not_before']),
        notAfter: Number(row['not_after']),
        renewAt: Math.round(Number(row['renew_at'])),
        replaced: row['replaced'] === 1,
      }))
  }

  /** The orders that have neither a certificate nor failed, oldest first. */
  unfinishedOrders({ max }: { readonly max: number }): readonly OrderRow[] {
    return this.#database
      .prepare(
        `SELECT peer, names, state, created_at, error FROM orders
         WHERE directory_url = ? AND state NOT IN ('valid', 'failed') ORDER BY id LIMIT ?`,
      )
      .all(this.#directoryUrl, max)
      .map((row) => ({
        peer: String(row['peer']),
        names: JSON.parse(String(row['names'])) as string[],
        state: String(row['state']),
        createdAt: Number(row['created_at']),
        ...(typeof row['error'] === 'string' ? { error: row['error'] } : {}),
      }))
  }

  budgets(scope: BudgetScope, now: number): readonly BudgetState[] {
    return budgetStates(this.#budgets, scope, now)
  }

  budgetTotals(rules: BudgetRules, now: number): readonly BudgetTotal[] {
    return budgetTotals(this.#budgets, rules, now)
  }

  /** Those that wait longest first. */
  blockedNames(rules: BudgetRules, now: number): readonly BlockedNameRow[] {
    const blocked = blockedNames(this.#budgets, rules, now)
    if (blocked.length === 0) return []
    const peers = new Map(
      this.#database
        .prepare(
          `SELECT name.value AS name, peer FROM orders, json_each(orders.names) AS name
           WHERE directory_url = ? AND state <> 'valid'
           AND name.value IN (SELECT value FROM json_each(?)) ORDER BY updated_at`,
        )
        .all(this.#directoryUrl, JSON.stringify(blocked.map(({ name }) => name)))
        .map((row) => [String(row['name']), String(row['peer'])]),
    )
    return blocked.map((row) => {
      const peer = peers.get(row.name)
      return peer === undefined ? row : { ...row, peer }
    })
  }

  close(): void {
    this.#database.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

/** The budgets are in the store since its second version: nothing of them is used in one before that. */
function budgetsOf(database: DatabaseSync, version: number): BudgetDatabase {
  const none = version < 2
  return {
    get: (sql, values) => (none ? undefined : database.prepare(sql).get(...values)),
    all: (sql, values) => (none ? [] : database.prepare(sql).all(...values)),
    run: (sql, values) => database.prepare(sql).run(...values),
  }
}
