import { RefusalError } from '../wire/errors.ts'
import { AcmeProblemError } from './acme/index.ts'
import type { BudgetRows } from './budget-rows.ts'

/** The CA has had enough of us for a while. */
export interface CaPaused {
  /** In ms since 1970. */
  readonly until: number
  /** What the CA said. */
  readonly reason: string
}

export interface CaPauseInit {
  readonly rows: Pick<BudgetRows, 'fullAt' | 'save'>
  /** Told when a pause begins, and not for each order that runs into it. */
  readonly paused: (detail: CaPaused) => void
}

/** Under this name, beside the budgets that we count ourselves: it is one that the CA has closed. */
const ROW = 'pausedByCa'
/** For a CA that names no time, in ms. */
const PAUSE_MS_DEFAULT = 60_000
/**
 * The longest pause, in ms. A limit of one set of names can last for days, and does not concern the others: after an
 * hour they are tried again.
 */
const PAUSE_MS_MAX = 3_600_000

/**
 * After a 429 the CA is left alone for as long as it asks: whoever goes on is locked out for longer. Kept in the
 * store, so that a restart, which takes up all unfinished orders at once, does not end it.
 */
export class CaPause {
  readonly #init: CaPauseInit
  /** The end of a pause that the store had no room for, in ms since 1970. */
  #unsaved: number | undefined

  constructor(init: CaPauseInit) {
    this.#init = init
  }

  /** When the pause ends, in ms since 1970; undefined while there is none. */
  until(now: number): number | undefined {
    return bounded(this.#unsaved, now) ?? pausedUntil(this.#init.rows, now)
  }

  /** @throws {RefusalError} RATE_LIMIT while the pause lasts. */
  check(now: number): void {
    const until = this.until(now)
    if (until === undefined) return
    throw new RefusalError(
      'RATE_LIMIT',
      `the ca has limited us: no order goes on before ${new Date(until).toISOString()}`,
    )
  }

  /** Begins a pause, or makes it longer, when something failed because the CA limits us. Never throws for the store. */
  note(error: unknown, now: number): void {
    if (!isRateLimit(error)) return
    const before = this.until(now)
    const waitMs = Math.min(error.retryAfterMs ?? PAUSE_MS_DEFAULT, PAUSE_MS_MAX)
    const until = now + waitMs
    if (before !== undefined && before >= until) return
    try {
      this.#init.rows.save(ROW, '', until)
      this.#unsaved = undefined
    } catch {
      // Such as for a full disk. What failed is told all the same, and this process remembers why.
      this.#unsaved = until
    }
    if (before === undefined) this.#init.paused({ until, reason: error.message })
  }
}

/** When the pause that a store knows of ends, in ms since 1970; undefined while there is none. */
export function pausedUntil(rows: Pick<BudgetRows, 'fullAt'>, now: number): number | undefined {
  return bounded(rows.fullAt(ROW, ''), now)
}

/** A clock that was set back must not make a pause longer. */
function bounded(until: number | undefined, now: number): number | undefined {
  return until === undefined || until <= now ? undefined : Math.min(until, now + PAUSE_MS_MAX)
}

/** Whether the CA says that a limit is reached. */
export function isRateLimit(error: unknown): error is AcmeProblemError {
  return error instanceof AcmeProblemError && (error.type === 'rateLimited' || error.status === 429)
}
