import { CHALLENGE_LIFETIME_MS } from '../wire/protocols.ts'
import { orAbort, sleep } from './abort.ts'
import type { DnsWriter } from './dns-writer.ts'
import type { ChallengeValue } from './records.ts'

/** Is told what could be done later, when it could not be done at once. */
export interface CopyReport {
  caughtUp(value: ChallengeValue, done: 'set' | 'removed'): void
}

/** Wait after the first failure; doubles up to the other. Of each wait the second half is drawn at random. */
const BACK_OFF_MS_MIN = 100
const BACK_OFF_MS_MAX = 5_000
/**
 * How long a value may stand on a server that was sent it and did not answer: one that is stopped reads the request
 * when it goes on, and the value's lifetime begins then. Past that nobody tries to remove it any more.
 */
export const UNANSWERED_AGE_MS_MAX = 3_600_000
/** Values that wait for their removal; past that the oldest are left to expire. As many as our DNS server has names. */
const VALUES_MAX = 10_000
/** Made once: the DOMException of an abort() without a reason costs as much as a request. */
const SERVER_IS_BACK = new Error('the dns server is back')
/** Requests at once for what is behind: far less than a stream takes, so that those of orders find room. */
const REQUESTS_AT_ONCE_MAX = 256

/**
 * The challenges as one DNS server has them, kept as the orders want them: what could not be set or removed because the
 * server was away is set or removed when it is back, and what it may have lost is set again (NT-DNS01-013).
 */
export class ChallengeCopy {
  readonly #writer: Pick<DnsWriter, 'set' | 'remove'>
  readonly #report: CopyReport
  readonly #closing = new AbortController()
  /** Those that are wanted, and those that are not and may still be there; oldest first. */
  readonly #entries = new Map<string, Entry>()
  #catchingUp = false
  #pause = new AbortController()

  constructor(writer: Pick<DnsWriter, 'set' | 'remove'>, report: CopyReport) {
    this.#writer = writer
    this.#report = report
  }

  /**
   * Sets a value, and keeps it set until it is removed.
   * @throws what the writer throws; it is then tried again in the background.
   */
  async set(value: ChallengeValue, signal: AbortSignal): Promise<void> {
    const entry = this.#entry(value, 'no')
    entry.wanted = true
    // Set again although it is there: it lives a whole lifetime from now on.
    if (entry.held === 'yes') entry.held = 'unknown'
    await this.#now(entry, signal)
  }

  /**
   * Removes a value. False where the server cannot do that, or was never sent it.
   * @throws what the writer throws; it is then tried again in the background, as long as the value can be there.
   */
  async remove(value: ChallengeValue, signal: AbortSignal): Promise<boolean> {
    const entry = this.#entry(value, 'no')
    unwant(entry)
    return (await this.#now(entry, signal)) === 'removed'
  }

  /** Removes values in the background that the server may have from before us. */
  sweep(values: readonly ChallengeValue[]): void {
    for (const value of values) {
      const entry = this.#entry(value, 'unknown')
      if (!entry.wanted) unwant(entry)
    }
    this.#keepUp()
  }

  /** To be called when a connection to the server has ended: it may have been restarted, with nothing of what it had. */
  dropped(): void {
    for (const entry of this.#entries.values()) {
      if (entry.held === 'yes') entry.held = 'unknown'
    }
    this.#keepUp()
  }

  close(): void {
    this.#closing.abort(new Error('the issue server is stopping'))
  }

  async #now(entry: Entry, signal: AbortSignal): Promise<Done | undefined> {
    try {
      const done = await this.#settle(entry, signal)
      // It is back: whatever else waits for it need not wait longer.
      this.#pause.abort(SERVER_IS_BACK)
      return done
    } finally {
      this.#forget()
      this.#keepUp()
    }
  }

  /** Brings the server in step with one value. */
  async #settle(entry: Entry, signal: AbortSignal): Promise<Done | undefined> {
    // One after the other: a removal and what sets the value again go on two streams, and could overtake each other.
    const before = entry.turn
    const turn = Promise.withResolvers<void>()
    entry.turn = turn.promise
    const request = { fqdn: entry.value.name, value: entry.value.value }
    let done: Done | undefined
    try {
      await orAbort(before, signal)
      while (!isInStep(entry)) {
        if (entry.wanted) {
          const onSend = (): void => void (entry.held = 'unknown')
          await this.#writer.set(request, { signal, onSend })
          entry.held = 'yes'
          done = 'set'
        } else {
          const removed = await this.#writer.remove(request, signal)
          // Where there is no way to remove it, it expires by itself.
          entry.held = 'no'
          done = removed ? 'removed' : undefined
        }
      }
      return done
    } finally {
      before.then(turn.resolve, turn.resolve)
    }
  }

  #keepUp(): void {
    if (this.#catchingUp || this.#closing.signal.aborted || this.#behind().length === 0) return
    this.#catchingUp = true
    void this.#catchUp().finally(() => {
      this.#catchingUp = false
    })
  }

  async #catchUp(): Promise<void> {
    const { signal } = this.#closing
    for (let failures = 0; !signal.aborted;) {
      this.#pause = new AbortController()
      await sleep(backOffMs(failures), AbortSignal.any([signal, this.#pause.signal])).catch(() => {
        failures = 0
      })
      this.#forget()
      const behind = this.#behind()
      if (behind.length === 0) return
      const results = await Promise.allSettled(
        behind.slice(0, REQUESTS_AT_ONCE_MAX).map(async (entry) => {
          const done = await this.#settle(entry, signal)
          if (done !== undefined) this.#report.caughtUp(entry.value, done)
        }),
      )
      failures = results.some(({ status }) => status === 'rejected') ? failures + 1 : 0
    }
  }

  /** What is wanted comes first: somebody waits for it. */
  #behind(): readonly Entry[] {
    return [...this.#entries.values()]
      .filter((entry) => !isInStep(entry))
      .toSorted((a, b) => Number(b.wanted) - Number(a.wanted))
  }

  /** Lets go of what is neither wanted nor there, or has expired there, or is one too many. */
  #forget(): void {
    const now = performance.now()
    for (const [key, { wanted, held, expiresAt }] of this.#entries) {
      if (wanted) continue
      if (held === 'no' || expiresAt <= now || this.#entries.size > VALUES_MAX) {
        this.#entries.delete(key)
      }
    }
  }

  /** The entry of a value, or a new one; moved to the end. */
  #entry(value: ChallengeValue, held: Held): Entry {
    const key = `${value.name} ${value.value}`
    const entry = this.#entries.get(key) ?? {
      value,
      wanted: false,
      held,
      expiresAt: 0,
      turn: Promise.resolve(),
    }
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    return entry
  }
}

/** Whether a server has a value, as far as is known. */
type Held = 'no' | 'unknown' | 'yes'
type Done = 'set' | 'removed'

interface Entry {
  readonly value: ChallengeValue
  wanted: boolean
  held: Held
  /** Of one that is not wanted: when the server has forgotten it by itself, in ms of performance.now(). */
  expiresAt: number
  /** Resolves when the requests for it so far have ended. */
  turn: Promise<void>
}

function isInStep({ wanted, held }: Entry): boolean {
  return wanted ? held === 'yes' : held === 'no'
}

function unwant(entry: Entry): void {
  entry.wanted = false
  const ageMs = entry.held === 'yes' ? CHALLENGE_LIFETIME_MS : UNANSWERED_AGE_MS_MAX
  entry.expiresAt = performance.now() + ageMs
}

function backOffMs(failures: number): number {
  const grown = Math.min(BACK_OFF_MS_MIN * 2 ** Math.min(failures, 30), BACK_OFF_MS_MAX)
  return grown * (0.5 + Math.random() / 2)
}
