import { ERROR_CODES, refusalFromErrorCode } from '../wire/errors.ts'
import { RenewalRequest, RenewalResponse } from '../wire/messages.ts'
import { RENEWAL_PROTOCOL } from '../wire/protocols.ts'
import { Alarm } from './alarm.ts'
import type { Certificate } from './check.ts'
import type { Server } from './exchange.ts'
import type { ObtainContext } from './obtain.ts'

/** How often we ask: every hundredth of the lifetime, at most 6 h, and at least 1 s, give or take a tenth. */
const ASK_INTERVAL_PART = 1 / 100
const ASK_INTERVAL_MS_MAX = 6 * 3_600_000
const ASK_INTERVAL_MS_MIN = 1_000
const ASK_JITTER_SHARE = 1 / 5
/**
 * A server that says when it will know more is asked then, or up to a tenth later: whoever comes before that comes
 * twice. It is believed for a day at most (RFC 9773 section 4.3.2) or a tenth of the lifetime, and for a minute at least.
 */
const ASK_AFTER_JITTER_SHARE = 1 / 10
const ASK_AFTER_MS_MAX = 24 * 3_600_000
const ASK_AFTER_PART_MAX = 1 / 10
const ASK_AFTER_MS_MIN = 60_000

/** Options and callbacks of a {@link RenewalAdvice}. */
export interface RenewalAdviceInit {
  readonly issueServers: readonly Server[]
  readonly context: (signal: AbortSignal) => Pick<ObtainContext, 'ask' | 'requestTimeoutMs'>
  /** When to renew, in ms since 1970; `undefined` when all servers were heard and none knows a better time than ours. */
  readonly onAdvice: (certificate: Certificate, renewAt: number | undefined) => void
}

/**
 * Asks the issue servers now and then whether a certificate should be renewed at another time than the usual one: the
 * CA can want that at any moment, as before it revokes. The question costs nobody an order.
 */
export class RenewalAdvice {
  readonly #init: RenewalAdviceInit
  readonly #stopping = new AbortController()
  readonly #next = new Alarm(() => void this.#ask())
  #certificate: Certificate | undefined
  #asking: Promise<unknown> = Promise.resolve()

  constructor(init: RenewalAdviceInit) {
    this.#init = init
  }

  /** From now on it is about this certificate; `now` asks at once, as after a long sleep. */
  follow(certificate: Certificate, { now }: { readonly now: boolean }): void {
    this.#certificate = certificate
    if (now) this.#next.set(Date.now())
    else this.#later(certificate)
  }

  /** Until there is another certificate. */
  pause(): void {
    this.#certificate = undefined
    this.#next.clear()
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new DOMException('the client is stopping', 'AbortError'))
    this.pause()
    await this.#asking
  }

  #later(certificate: Certificate, askAfterMs?: number): void {
    this.#next.set(Date.now() + askDelayMs(certificate, { askAfterMs, random: Math.random() }))
  }

  async #ask(): Promise<void> {
    const certificate = this.#certificate
    if (certificate === undefined) return
    const asking = this.#askAll(certificate)
    this.#asking = asking
    const askAfterMs = await asking
    if (this.#certificate === certificate) this.#later(certificate, askAfterMs)
  }

  /**
   * The first server that knows something is believed; of one that does not answer we know nothing.
   *
   * @returns how many ms it says to wait with the next question
   */
  async #askAll(certificate: Certificate): Promise<number | undefined> {
    let unheard = 0
    let soonestMs: number | undefined
    for (const server of this.#init.issueServers) {
      try {
        const { renewAt, askAfter } = await this.#askOne(server, certificate)
        if (this.#certificate !== certificate) return undefined
        if (renewAt === undefined) {
          if (askAfter !== undefined) soonestMs = Math.min(askAfter, soonestMs ?? askAfter)
          continue
        }
        this.#init.onAdvice(certificate, renewAt)
        return askAfter
      } catch (error) {
        if (this.#stopping.signal.aborted) return undefined
        // A server of 2018, or one of another make, has no such protocol: it knows nothing.
        if (!(error instanceof Error) || error.name !== 'UnsupportedProtocolError') unheard += 1
      }
    }
    if (unheard > 0 || this.#certificate !== certificate) return undefined
    this.#init.onAdvice(certificate, undefined)
    return soonestMs
  }

  async #askOne(server: Server, { serial }: Certificate): Promise<RenewalResponse> {
    const { ask, requestTimeoutMs } = this.#init.context(this.#stopping.signal)
    const answer = RenewalResponse.decode(
      await ask(server, {
        protocol: RENEWAL_PROTOCOL,
        request: RenewalRequest.encode({ serial }),
        timeoutMs: requestTimeoutMs,
      }),
    )
    if (answer.error !== ERROR_CODES.OK) throw refusalFromErrorCode(answer.error, 'an answer')
    return answer
  }
}

/** How long to wait with the next question, in ms. `random` is from 0 to 1. */
function askDelayMs(
  { notBefore, notAfter }: Pick<Certificate, 'notBefore' | 'notAfter'>,
  { askAfterMs, random }: { readonly askAfterMs: number | undefined; readonly random: number },
): number {
  const lifetimeMs = notAfter - notBefore
  const usualMs = Math.max(
    Math.min(lifetimeMs * ASK_INTERVAL_PART, ASK_INTERVAL_MS_MAX),
    ASK_INTERVAL_MS_MIN,
  )
  if (askAfterMs === undefined) return usualMs * (1 + (random - 0.5) * ASK_JITTER_SHARE)
  const longestMs = Math.min(lifetimeMs * ASK_AFTER_PART_MAX, ASK_AFTER_MS_MAX)
  const shortestMs = Math.min(usualMs, ASK_AFTER_MS_MIN)
  return (
    Math.max(Math.min(askAfterMs, longestMs), shortestMs) * (1 + random * ASK_AFTER_JITTER_SHARE)
  )
}
