import { TimeoutError, type Connection, type Logger } from '@libp2p/interface'
import {
  ISSUE_INFO_PROTOCOL,
  ISSUE_PROTOCOL,
  PROOF_PROTOCOL,
  RENEWAL_PROTOCOL,
} from '../wire/protocols.ts'
import type { Server } from './exchange.ts'
import { reasonOf } from './errors.ts'

/** After the first attempt that brought nobody, in ms; doubled each time, and drawn from the upper half of that. */
const BACK_OFF_MS_MIN = 1_000
const BACK_OFF_MS_MAX = 300_000
/** For all servers of one attempt together, in ms. */
const CONNECT_TIMEOUT_MS = 10_000
/** Time for pubsub to meet on a connection, in ms. */
const MEET_MS = 10_000

const QUESTIONS: readonly string[] = [
  PROOF_PROTOCOL,
  ISSUE_INFO_PROTOCOL,
  ISSUE_PROTOCOL,
  RENEWAL_PROTOCOL,
]

/** Options of {@link MeetingPoints}. */
export interface MeetingPointsInit {
  readonly issueServers: readonly Server[]
  /** Connects unless there is a connection. */
  readonly connect: (server: Server, signal: AbortSignal) => Promise<unknown>
  /** Those that there are. */
  readonly connections: (server: Server) => readonly Connection[]
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
  /** When it was first noticed that a connection is of no use to pubsub, in ms of performance.now(). */
  #unheardSince = new WeakMap<Connection, number>()

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
    this.#unheardSince = new WeakMap()
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new DOMException('the client is stopping', 'AbortError'))
    await this.#attempt
  }

  async #connect(): Promise<void> {
    const { issueServers, log } = this.#init
    const timeout = new AbortController()
    const timer = setTimeout(() => {
      timeout.abort(new TimeoutError(`no connection within ${CONNECT_TIMEOUT_MS} ms`))
    }, CONNECT_TIMEOUT_MS)
    const signal = AbortSignal.any([this.#stopping.signal, timeout.signal])
    try {
      await Promise.all(
        issueServers.map((server) =>
          this.#meet(server, signal).catch((error: unknown) => {
            log('cannot reach issue server %p - %s', server.id, reasonOf(error))
          }),
        ),
      )
    } finally {
      clearTimeout(timer)
    }
  }

  /**
   * A server that has not noticed the end of our former process yet has pubsub's streams on its dead connection; when
   * it does, pubsub forgets us there, and would not think of us again before all connections are gone.
   */
  async #meet(server: Server, signal: AbortSignal): Promise<void> {
    const { connect, connections } = this.#init
    const open = connections(server)
    const useful = open.filter((connection) => !this.#isInVain(connection))
    if (useful.length === 0 && !open.some(isAsking)) {
      await Promise.all(open.map((connection) => hangUp(connection, signal)))
    }
    await connect(server, signal)
  }

  #isInVain(connection: Connection): boolean {
    const now = performance.now()
    const since = this.#unheardSince.get(connection) ?? now
    this.#unheardSince.set(connection, since)
    return now - since >= MEET_MS
  }
}

/** Whether we wait for an answer. */
function isAsking({ streams }: Connection): boolean {
  return streams.some(({ protocol }) => QUESTIONS.includes(protocol))
}

async function hangUp(connection: Connection, signal: AbortSignal): Promise<void> {
  await connection.close({ signal }).catch((error: Error) => connection.abort(error))
}
