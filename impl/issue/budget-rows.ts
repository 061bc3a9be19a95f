import type { Failures } from './budgets.ts'
import type { Database, Row } from './database.ts'

/** As much of a database as is needed: readers of a store have another than its server. */
export type BudgetDatabase = Pick<Database, 'get' | 'all' | 'run'>

interface UsedBudget {
  readonly key: string
  readonly fullAt: number
}

/** A name that has not failed for so long begins anew. */
const FAILURE_AGE_MS_MAX = 7 * 24 * 3_600_000

/** What ledger.ts remembers, for one CA. */
export class BudgetRows {
  readonly #database: BudgetDatabase
  readonly #directoryUrl: string

  constructor(database: BudgetDatabase, directoryUrl: string) {
    this.#database = database
    this.#directoryUrl = directoryUrl
  }

  /** When a budget will be full again, in ms since 1970; `undefined` where it is. */
  fullAt(budget: string, key: string): number | undefined {
    const row = this.#database.get(
      'SELECT full_at FROM budgets WHERE directory_url = ? AND budget = ? AND key = ?',
      [this.#directoryUrl, budget, key],
    )
    return row === undefined ? undefined : Number(row['full_at'])
  }

  /** Of all keys of a budget those that are used most. */
  mostUsed(budget: string, { countMax }: { readonly countMax: number }): readonly UsedBudget[] {
    return this.#database
      .all(
        `SELECT key, full_at FROM budgets WHERE directory_url = ? AND budget = ?
         ORDER BY full_at DESC LIMIT ?`,
        [this.#directoryUrl, budget, countMax],
      )
      .map(toUsed)
  }

  /** The keys of a budget that will be full again later than `time` (ms since 1970). */
  fullAfter(budget: string, time: number): readonly UsedBudget[] {
    return this.#database
      .all(
        'SELECT key, full_at FROM budgets WHERE directory_url = ? AND budget = ? AND full_at > ?',
        [this.#directoryUrl, budget, time],
      )
      .map(toUsed)
  }

  save(budget: string, key: string, fullAt: number | undefined): void {
    const identity = [this.#directoryUrl, budget, key]
    if (fullAt === undefined) {
      this.#database.run(
        'DELETE FROM budgets WHERE directory_url = ? AND budget = ? AND key = ?',
        identity,
      )
    } else {
      this.#database.run('INSERT OR REPLACE INTO budgets VALUES (?, ?, ?, ?)', [
        ...identity,
        fullAt,
      ])
    }
  }

  failures(name: string): Failures {
    const row = this.#database.get(
      'SELECT failures, failed_at FROM failed_validations WHERE directory_url = ? AND name = ?',
      [this.#directoryUrl, name],
    )
    return { failures: Number(row?.['failures'] ?? 0), failedAt: Number(row?.['failed_at'] ?? 0) }
  }

  /** The names whose last validation failed later than `time` (ms since 1970). */
  failedAfter(time: number): readonly (Failures & { readonly name: string })[] {
    return this.#database
      .all(
        `SELECT name, failures, failed_at FROM failed_validations
         WHERE directory_url = ? AND failed_at > ?`,
        [this.#directoryUrl, time],
      )
      .map((row) => ({
        name: String(row['name']),
        failures: Number(row['failures']),
        failedAt: Number(row['failed_at']),
      }))
  }

  addFailure(name: string, now: number): void {
    this.#database.run(
      `INSERT INTO failed_validations VALUES (?, ?, 1, ?)
       ON CONFLICT DO UPDATE SET failures = failures + 1, failed_at = excluded.failed_at`,
      [this.#directoryUrl, name, now],
    )
  }

  forgetFailures(name: string): void {
    this.#database.run('DELETE FROM failed_validations WHERE directory_url = ? AND name = ?', [
      this.#directoryUrl,
      name,
    ])
  }

  prune(now: number): void {
    this.#database.run('DELETE FROM budgets WHERE full_at <= ?', [now])
    this.#database.run('DELETE FROM failed_validations WHERE failed_at < ?', [
      now - FAILURE_AGE_MS_MAX,
    ])
  }
}

function toUsed(row: Row): UsedBudget {
  return { key: String(row['key']), fullAt: Number(row['full_at']) }
}
