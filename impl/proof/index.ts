import {
  serviceCapabilities,
  type ComponentLogger,
  type Connection,
  type Logger,
  type PrivateKey,
  type Startable,
} from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'
import { TypedEventEmitter } from 'main-event'
import { DenyFile, refuseDenied } from '../denied/index.ts'
import { limitKeyOf, observedAddress, type IpAddress } from '../wire/addresses.ts'
import { ERROR_CODES, errorCode, RefusalError } from '../wire/errors.ts'
import { ProofResponse } from '../wire/messages.ts'
import { signProof } from '../wire/proofs.ts'
import { PROOF_PROTOCOL } from '../wire/protocols.ts'
import { RateLimiter, type RateLimit } from '../wire/rate-limiter.ts'
import { streamServer, type StreamLimits, type StreamServer } from '../wire/serve.ts'

/** Options of {@link proofServer}. */
export interface ProofServerInit {
  /** Signs the proofs: the key whose public half issue servers trust. @default the node's own key (NT-PROOF-006) */
  readonly proofKey?: PrivateKey
  /** Proofs that one peer, and one IPv4 address or IPv6 /64, may ask for. @default 20 at once, then 1 every 3 s (NT-PROOF-011) */
  readonly rateLimit?: RateLimit
  /** File of peer ids, addresses and networks that get no proof; read again when it changes. */
  readonly denyListFile?: string
  readonly streams?: StreamLimits
  /** Total time for one request, in ms. @default 10 s (NT-WIRE-009) */
  readonly requestTimeoutMs?: number
}

/** What a proof server tells those who watch it. */
export interface ProofServerEvents {
  'proof:signed': CustomEvent<{ readonly peer: string; readonly addresses: readonly string[] }>
  'proof:refused': CustomEvent<{
    readonly peer: string
    readonly code: number
    readonly reason: string
  }>
  'denylist:loaded': CustomEvent<{ readonly file: string; readonly entries: number }>
  /** What the file said before holds. */
  'denylist:broken': CustomEvent<{ readonly file: string; readonly reason: string }>
}

/** What a proof server takes from its libp2p node. */
export interface ProofServerComponents {
  readonly registrar: Registrar
  readonly privateKey: PrivateKey
  readonly logger: ComponentLogger
}

const RATE_LIMIT_DEFAULT = { burst: 20, intervalMs: 3_000 }

/**
 * A libp2p service that tells every peer, signed, at which IP address it sees it (NT-PROOF-001 … 014).
 *
 * @example
 * const node = await createLibp2p({ …, services: { proof: proofServer() } })
 */
export function proofServer(
  init: ProofServerInit = {},
): (components: ProofServerComponents) => ProofServer {
  return (components) => new ProofServer(components, init)
}

/** The service that {@link proofServer} makes. */
export class ProofServer extends TypedEventEmitter<ProofServerEvents> implements Startable {
  readonly [serviceCapabilities]: string[] = ['nodetrust/proof']
  readonly [Symbol.toStringTag] = 'nodetrust/proof'
  readonly #components: ProofServerComponents
  readonly #init: ProofServerInit
  readonly #log: Logger
  #limiter: RateLimiter | undefined
  #denied: DenyFile | undefined
  #streams: StreamServer | undefined

  constructor(components: ProofServerComponents, init: ProofServerInit) {
    super()
    this.#components = components
    this.#init = init
    this.#log = components.logger.forComponent('nodetrust:proof')
  }

  /** @throws {Error} when the deny list cannot be used. */
  async start(): Promise<void> {
    if (this.#init.denyListFile !== undefined) {
      this.#denied = new DenyFile(this.#init.denyListFile, {
        loaded: (detail) => this.safeDispatchEvent('denylist:loaded', { detail }),
        broken: (detail) => this.safeDispatchEvent('denylist:broken', { detail }),
      })
      await this.#denied.start()
    }
    this.#limiter = new RateLimiter(this.#init.rateLimit ?? RATE_LIMIT_DEFAULT)
    this.#streams = streamServer({
      limits: this.#init.streams,
      requestTimeoutMs: this.#init.requestTimeoutMs,
      failed: (failure) => this.safeDispatchEvent('proof:refused', { detail: failure }),
      // The client sends nothing and may have closed its side already: answer at once (NT-WIRE-004).
      serve: async (frames, connection, requestSignal) => {
        await frames.write(ProofResponse.encode(await this.#answer(connection)), requestSignal)
      },
    })
    await this.#components.registrar.handle(PROOF_PROTOCOL, this.#streams.handler, {
      // A relayed connection may be a limited one: it gets its refusal and not silence (NT-PROOF-007).
      runOnLimitedConnection: true,
    })
  }

  async stop(): Promise<void> {
    this.#denied?.stop()
    await this.#components.registrar.unhandle(PROOF_PROTOCOL)
    this.#streams?.stop()
    await this.#streams?.idle()
    this.#streams = undefined
  }

  /** Signs a proof of no address for nobody. @throws {Error} when it cannot. */
  async probe(): Promise<void> {
    if (this.#streams === undefined) throw new Error('the proof server does not run')
    const { privateKey } = this.#components
    await signProof({
      id: privateKey.publicKey.toMultihash().bytes,
      addresses: [],
      now: Date.now(),
      key: this.#init.proofKey ?? privateKey,
    })
  }

  async #answer(connection: Connection): Promise<ProofResponse> {
    const peer = connection.remotePeer.toString()
    try {
      refuseDenied(this.#denied?.list, connection)
      const address = this.#provenAddress(connection)
      const proof = await signProof({
        id: connection.remotePeer.toMultihash().bytes,
        addresses: [address],
        now: Date.now(),
        key: this.#init.proofKey ?? this.#components.privateKey,
      })
      this.safeDispatchEvent('proof:signed', { detail: { peer, addresses: [address.address] } })
      return { error: ERROR_CODES.OK, proof }
    } catch (error) {
      // The reason stays here; the peer gets the code (NT-PROOF-012).
      this.#log.error('no proof for %s - %e', peer, error)
      const code = errorCode(error)
      const reason = error instanceof Error ? error.message : String(error)
      this.safeDispatchEvent('proof:refused', { detail: { peer, code, reason } })
      return { error: code }
    }
  }

  #provenAddress(connection: Connection): IpAddress {
    const address = observedAddress(connection.remoteAddr)
    if (address === undefined) {
      throw new RefusalError(
        'OTHER',
        `a connection from ${connection.remoteAddr.toString()} proves no IP address`,
      )
    }
    const now = performance.now()
    for (const key of [connection.remotePeer.toString(), limitKeyOf(address.address)]) {
      if (this.#limiter?.take(key, now) === false) {
        throw new RefusalError(
          'RATE_LIMIT',
          `${key} asks for more proofs than its rate limit allows`,
        )
      }
    }
    return address
  }
}
