import { TimeoutError, type Logger } from '@libp2p/interface'
import type { Server } from './exchange.ts'
import { reasonOf } from './errors.ts'

/** After the first attempt that brought nobody, in ms; doubled each time, and drawn from the upper half of that. */
const BACK_OFF_MS_MIN = 1_000
const BACK_OFF_MS_MAX = 300_000
/** For all servers of one attempt together, in ms. */
const CONNECT_TIMEOUT_MS = 10_000

/** Options of {@link MeetingPoints}. */
export interface MeetingPointsInit {
  readonly issueServers: readonly Server[]
  /** Connects unless there is a connection. */
  readonly connect: (server: Server, signal: AbortSignal) => Promise<unknown>
  readonly log: Logger
}

/**
 * The issue servers of a zone pass announcements on (NT-DISC-009), so they are where a peer without neighbours finds
 * some. Nobody else connects to them again: when one has been restarted, a certificate may be good for months.
 */
export class MeetingPoints {
  readonly #init: MeetingPointsInit
  readonly #stopping = new AbortController()
  #attempts = 0
  #nextAt = -Infinity
  #attempt: Promise<void> | undefined

  constructor(init: MeetingPointsInit) {
    this.#init = init
  }

  /** Nobody hears us: goes where others are, unless it is too soon after the last attempt. */
  seek(): void {
    if (this.#stopping.signal.aborted || this.#attempt !== undefined) return
    if (performance.now() < this.#nextAt) return
    this.#attempt = this.#connect().finally(() => {
      this.#attempt = undefined
      this.#attempts += 1
      const grown = BACK_OFF_MS_MIN * 2 ** Math.min(this.#attempts - 1, 30)
      const waitMs = Math.min(grown, BACK_OFF_MS_MAX) * (0.5 + Math.random() / 2)
      this.#nextAt = performance.now() + waitMs
    })
  }

  /** Somebody hears us. */
  found(): void {
    this.#attempts = 0
    this.#nextAt = -Infinity
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new DOMException('the client is stopping', 'AbortError'))
    await this.#attempt
  }

  async #connect(): Promise<void> {
    const { issueServers, connect, log } = this.#init
    const timeout = new AbortController()
    const timer = setTimeout(() => {
      timeout.abort(new TimeoutError(`no connection within ${CONNECT_TIMEOUT_MS} ms`))
    }, CONNECT_TIMEOUT_MS)
    const signal = AbortSignal.any([this.#stopping.signal, timeout.signal])
    try {
      await Promise.all(
        issueServers.map((server) =>
          connect(server, signal).catch((error: unknown) => {
            log('cannot reach issue server %p - %s', server.id, reasonOf(error))
          }),
        ),
      )
    } finally {
      clearTimeout(timer)
    }
  }
}
