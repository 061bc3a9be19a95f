import type { Logger } from '@libp2p/interface'
import { orAbort, sleep } from './abort.ts'
import { AcmeError, type AcmeClient } from './acme/index.ts'
import type { RenewalResponse } from '../wire/messages.ts'
import type { CaPause } from './ca-pause.ts'
import { askIntervalMs, notTooEarly } from './certificates.ts'
import type { RenewalRow, RenewalRows } from './renewal-rows.ts'

/** The CA has said when it wants a certificate renewed, or has changed its mind. Times are in ms since 1970. */
export interface RenewalSuggested {
  readonly peer: string
  readonly names: readonly string[]
  readonly serial: string
  /** The window of the CA. */
  readonly from: number
  readonly until: number
  /** What the peer is told: a time drawn from the window. */
  readonly renewAt: number
  /** Where the CA explains it to people. */
  readonly explanationUrl?: string
}

export interface RenewalsInit {
  readonly acme: Pick<AcmeClient, 'renewalInfo'>
  readonly rows: RenewalRows
  readonly pause: Pick<CaPause, 'until' | 'note'>
  readonly suggested: (detail: RenewalSuggested) => void
  readonly log: Logger
}

/** Between two questions while there are more, in ms: at most so many a second reach the CA. */
const PACE_MS = 200
/** The longest wait for what is to be asked next, in ms: timers do not notice when the clock is set. */
const LOOK_MS_MAX = 600_000
/** After a look that the store did not allow, in ms. */
const LOOK_AGAIN_MS = 1_000
/** After a failure of the CA, in ms: doubled each time, until one succeeds. */
const BACK_OFF_MS_MIN = 1_000
const BACK_OFF_MS_MAX = 600_000
/** The longest that a CA which fails is left alone because it asks for that, in ms. */
const FAILURE_RETRY_AFTER_MS_MAX = 3_600_000
/** The bounds that RFC 9773 section 4.3.2 gives as an example for Retry-After. */
const RETRY_AFTER_MS_MIN = 60_000
const RETRY_AFTER_MS_MAX = 24 * 3_600_000

/**
 * Asks the CA about each certificate that we have issued when it wants that renewed (RFC 9773), again and again: it may
 * change its mind, as when it must revoke. What it says is kept in the store, and told to the peer when it asks.
 */
export class Renewals {
  readonly #init: RenewalsInit
  readonly #stopping = new AbortController()
  #failures = 0
  #running: Promise<void> | undefined

  constructor(init: RenewalsInit) {
    this.#init = init
  }

  start(): void {
    this.#running ??= this.#run().catch((error: unknown) => {
      if (!this.#stopping.signal.aborted) this.#init.log.error('asks no more - %e', error)
    })
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the issue server is stopping'))
    await this.#running
  }

  /** What a peer is told about a certificate of its own. */
  advice(peer: string, serial: string): Pick<RenewalResponse, 'renewAt' | 'askAfter'> {
    const row = this.#init.rows.find({ peer, serial })
    if (row === undefined) return {}
    const askAfter = row.askAt - Date.now()
    return {
      ...(row.renewAt === undefined ? {} : { renewAt: Math.round(notTooEarly(row.renewAt, row)) }),
      // The CA is not asked before. Where that is overdue, or does not come any more, nobody can say.
      ...(askAfter > 0 ? { askAfter } : {}),
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    for (;;) {
      let waitMs = LOOK_AGAIN_MS
      try {
        waitMs = await this.#turn(signal)
      } catch (error) {
        signal.throwIfAborted()
        // The store, full or locked: it is there again when it is.
        this.#init.log.error('cannot look after renewals - %e', error)
      }
      await sleep(waitMs, signal)
    }
  }

  /** One question, or the wait for its time. Returns how long to wait before the next turn, in ms. */
  async #turn(signal: AbortSignal): Promise<number> {
    const { rows, pause, acme } = this.#init
    const now = Date.now()
    const row = rows.next(now)
    const earlyMs = Math.max(row?.askAt ?? now + LOOK_MS_MAX, pause.until(now) ?? 0) - now
    if (row === undefined || earlyMs > 0) {
      await this.#added(Math.min(earlyMs, LOOK_MS_MAX), signal)
      return 0
    }
    const retryMs = askIntervalMs(row)
    try {
      const info = await acme.renewalInfo(row.certificate, { signal })
      this.#failures = 0
      if (info === undefined) rows.save(row, now + retryMs)
      else this.#note(row, info, now)
      return PACE_MS
    } catch (error) {
      signal.throwIfAborted()
      this.#init.log('no renewal info for %s - %e', row.serial, error)
      // Orders would be limited as well, and would make the CA angrier.
      pause.note(error, Date.now())
      rows.save(row, now + retryMs)
      // What is wrong with one certificate alone does not hold up the others.
      if (!(error instanceof AcmeError) || error.action !== 'retry') return PACE_MS
      this.#failures += 1
      const backOffMs = BACK_OFF_MS_MIN * 2 ** Math.min(this.#failures - 1, 30)
      return Math.max(
        Math.min(backOffMs, BACK_OFF_MS_MAX),
        Math.min(error.retryAfterMs ?? 0, FAILURE_RETRY_AFTER_MS_MAX),
      )
    }
  }

  /** Waits for one more certificate, which may be the first to be asked about; for so long at most. */
  async #added(durationMs: number, signal: AbortSignal): Promise<void> {
    const over = Promise.withResolvers<void>()
    this.#init.rows.onAdded = over.resolve
    const timer = setTimeout(over.resolve, durationMs)
    try {
      await orAbort(over.promise, signal)
    } finally {
      clearTimeout(timer)
    }
  }

  #note(
    row: RenewalRow,
    info: NonNullable<Awaited<ReturnType<AcmeClient['renewalInfo']>>>,
    now: number,
  ): void {
    const { startMs: from, endMs: until, explanationUrl, retryAfterMs } = info
    // A short-lived certificate would have lapsed before a minute is over.
    const waitMsMin = Math.min(RETRY_AFTER_MS_MIN, askIntervalMs(row))
    const waitMs = Math.max(retryAfterMs ?? askIntervalMs(row), waitMsMin)
    const askAt = now + Math.min(waitMs, RETRY_AFTER_MS_MAX)
    // The time stays as it was drawn while the window stays where it is.
    if (row.renewFrom === from && row.renewUntil === until) {
      this.#init.rows.save(row, askAt)
      return
    }
    // RFC 9773 section 4.2: a uniformly random time within the window.
    const renewAt = Math.round(from + (until - from) * Math.random())
    this.#init.rows.save(row, askAt, { renewFrom: from, renewUntil: until, renewAt })
    const { peer, names, serial } = row
    this.#init.suggested({
      peer,
      names,
      serial,
      from,
      until,
      renewAt: Math.round(notTooEarly(renewAt, row)),
      ...(explanationUrl === undefined ? {} : { explanationUrl }),
    })
  }
}
