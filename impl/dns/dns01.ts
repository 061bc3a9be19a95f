import type { Connection, PeerId } from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'
import { peerIdFromString } from '@libp2p/peer-id'
import { ERROR_CODES } from '../wire/errors.ts'
import { DNS01Request, DNS01Response } from '../wire/messages.ts'
import { DNS01_PROTOCOL, DNS01_REMOVE_PROTOCOL } from '../wire/protocols.ts'
import { streamServer, type StreamLimits, type StreamServer } from '../wire/serve.ts'
import type { FrameStream } from '../wire/stream.ts'
import { parseChallenge } from './challenge-request.ts'
import type { Challenge, ChallengeStore } from './challenges.ts'

/** What happened to a challenge, or who was refused. */
export interface Dns01Report {
  set(detail: Challenge & { readonly writer: string; readonly renewed: boolean }): void
  removed(detail: Challenge & { readonly writer: string }): void
  refused(detail: { readonly writer: string; readonly code: number; readonly reason: string }): void
}

/** What the dns-01 protocol works with. */
export interface Dns01Init {
  readonly registrar: Pick<Registrar, 'handle' | 'unhandle'>
  /** Lower case, without a dot at its ends. */
  readonly zone: string
  readonly challenges: ChallengeStore
  readonly writers: readonly (PeerId | string)[]
  /** The clock of the challenges, in ms. */
  readonly now: () => number
  readonly report: Dns01Report
  readonly streams?: StreamLimits | undefined
  readonly requestTimeoutMs?: number | undefined
}

type Operation = 'set' | 'remove'

/**
 * Lets writers set and remove challenge values (NT-DNS01-001 … 011, 014). A value is what DNS answers before the
 * request for it is: the store is the one that UDP and TCP read (NT-DNS01-003).
 */
export class Dns01 {
  readonly #init: Dns01Init
  readonly #writers: ReadonlySet<string>
  #servers: StreamServer[] = []

  /** @throws {RangeError} when a writer is no peer id. */
  constructor(init: Dns01Init) {
    this.#init = init
    this.#writers = new Set(init.writers.map((writer) => peerKey(parseWriter(writer))))
  }

  async start(): Promise<void> {
    await this.#handle(DNS01_PROTOCOL, 'set')
    await this.#handle(DNS01_REMOVE_PROTOCOL, 'remove')
  }

  async stop(): Promise<void> {
    await this.#init.registrar.unhandle(DNS01_PROTOCOL)
    await this.#init.registrar.unhandle(DNS01_REMOVE_PROTOCOL)
    const servers = this.#servers
    this.#servers = []
    for (const server of servers) server.stop()
    await Promise.all(servers.map((server) => server.idle()))
  }

  async #handle(protocol: string, operation: Operation): Promise<void> {
    const server = streamServer({
      limits: this.#init.streams,
      requestTimeoutMs: this.#init.requestTimeoutMs,
      failed: ({ peer, reason, code }) => this.#init.report.refused({ writer: peer, reason, code }),
      serve: (frames, connection, requestSignal) =>
        this.#serve(operation, { frames, connection, requestSignal }),
    })
    this.#servers.push(server)
    await this.#init.registrar.handle(protocol, server.handler)
  }

  async #serve(
    operation: Operation,
    stream: {
      readonly frames: FrameStream
      readonly connection: Connection
      readonly requestSignal: () => AbortSignal
    },
  ): Promise<void> {
    const { frames, connection, requestSignal } = stream
    const respond = (error: number): Promise<void> =>
      frames.write(DNS01Response.encode({ error }), requestSignal)

    const writer = connection.remotePeer.toString()
    if (!this.#writers.has(peerKey(connection.remotePeer))) {
      // The server of 2018 said nothing, and the other side waited for ever.
      const code = ERROR_CODES.NOT_AUTHORIZED
      this.#init.report.refused({ writer, code, reason: 'the peer is no writer of this zone' })
      await respond(code)
      return
    }
    for (;;) {
      const message = await frames.read(requestSignal)
      if (message === undefined) return
      await respond(this.#apply(operation, DNS01Request.decode(message), writer))
    }
  }

  /** Carries out one request, returns the error number for the answer. */
  #apply(operation: Operation, request: DNS01Request, writer: string): number {
    const { challenges, report, zone } = this.#init
    const refuse = (code: number, reason: string): number => {
      report.refused({ writer, code, reason })
      return code
    }
    const verdict = parseChallenge(request, zone)
    if (verdict.kind === 'refused') return refuse(ERROR_CODES[verdict.code], verdict.reason)

    const { challenge } = verdict
    const now = this.#init.now()
    if (operation === 'remove') {
      // What is not there needs no removing: a writer that asks twice is told the same twice.
      if (challenges.remove(challenge, now)) report.removed({ ...challenge, writer })
      return ERROR_CODES.OK
    }
    const outcome = challenges.set(challenge, now)
    if (outcome === 'too many names' || outcome === 'too many values') {
      return refuse(ERROR_CODES.RATE_LIMIT, `"${challenge.name}" was not set: ${outcome}`)
    }
    report.set({ ...challenge, writer, renewed: outcome === 'renewed' })
    return ERROR_CODES.OK
  }
}

/** A peer id has several texts (base58, CIDv1 in several bases) but only one form in bytes. */
function peerKey(peer: PeerId): string {
  return Buffer.from(peer.toMultihash().bytes).toString('hex')
}

function parseWriter(writer: PeerId | string): PeerId {
  if (typeof writer !== 'string') return writer
  try {
    return peerIdFromString(writer)
  } catch (cause) {
    throw new RangeError(`writer "${writer}" is not a peer id, wanted "12D3…", "Qm…" or a CIDv1`, {
      cause,
    })
  }
}
