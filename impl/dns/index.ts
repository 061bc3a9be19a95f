import {
  serviceCapabilities,
  type ComponentLogger,
  type Logger,
  type PeerId,
  type Startable,
} from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'
import { TypedEventEmitter } from 'main-event'
import type { StreamLimits } from '../wire/serve.ts'
import { answer } from './answer.ts'
import { ChallengeStore, type Challenge, type ChallengeStoreInit } from './challenges.ts'
import { DnsCounters } from './counters.ts'
import { Dns01 } from './dns01.ts'
import { RateBound } from '../wire/rate-bound.ts'
import {
  openSockets,
  type BoundAddress,
  type DnsSockets,
  type ListenAddress,
  type Transport,
} from './sockets.ts'
import type { TcpLimits } from './tcp.ts'
import { createZone, type Zone, type ZoneInit } from './zone.ts'

export { ListenError, type BoundAddress, type ListenAddress } from './sockets.ts'
export type { CertificationAuthority, NameServer, ZoneInit, ZoneTtls } from './zone.ts'

/** Options of {@link dnsServer}. */
export interface DnsServerInit extends ZoneInit {
  /** Where to answer queries, on UDP and TCP. */
  readonly listen: readonly ListenAddress[]
  /** Peers that may set challenges: peer ids, or their text in base58 or as CIDv1. */
  readonly writers: readonly (PeerId | string)[]
  readonly challenges?: ChallengeStoreInit
  readonly tcp?: TcpLimits
  readonly streams?: StreamLimits
  /** Total time for one dns-01 request, in ms. @default 10 s (NT-WIRE-009) */
  readonly requestTimeoutMs?: number
  /** The clock that challenges expire by, in ms; must not go back. @default performance.now() */
  readonly now?: () => number
}

/** What a DNS server tells those who watch it. */
export interface DnsServerEvents {
  /** DNS answers it from now on. `renewed`: the value was there, and lives a whole lifetime longer. */
  'challenge:set': CustomEvent<Challenge & { readonly writer: string; readonly renewed: boolean }>
  'challenge:removed': CustomEvent<Challenge & { readonly writer: string }>
  /** At most 10 a second; `suppressed` counts those left out before this one. */
  'writer:refused': CustomEvent<{
    readonly writer: string
    readonly code: number
    readonly reason: string
    readonly suppressed: number
  }>
  /** A socket failed once or was over its bounds. At most 10 a second. */
  'dns:error': CustomEvent<{ readonly reason: string; readonly suppressed: number }>
}

/** What a DNS server takes from its libp2p node. */
export interface DnsServerComponents {
  readonly registrar: Pick<Registrar, 'handle' | 'unhandle'>
  readonly logger: ComponentLogger
}

/** Strangers cause these events, so they are bounded: as many a second. */
const STRANGER_EVENTS_PER_SECOND_MAX = 10

/**
 * A libp2p service that is an authoritative DNS server of a nodetrust zone (NT-DNS-*), with the dns-01 protocol for
 * those who set challenges in it (NT-DNS01-*).
 *
 * @example
 * const node = await createLibp2p({ …, services: { dns: dnsServer({
 *   zone: 'nt.example.org',
 *   listen: [{ address: '198.51.100.1' }],
 *   nameServers: [{ name: 'ns1.nt.example.org', addresses: ['198.51.100.1'] }],
 *   writers: ['12D3Koo…']
 * }) } })
 *
 * @throws {RangeError} when the zone or a writer cannot be used.
 */
export function dnsServer(init: DnsServerInit): (components: DnsServerComponents) => DnsServer {
  return (components) => new DnsServer(components, init)
}

/** The service that {@link dnsServer} makes. */
export class DnsServer extends TypedEventEmitter<DnsServerEvents> implements Startable {
  readonly [serviceCapabilities]: string[] = ['nodetrust/dns']
  readonly [Symbol.toStringTag] = 'nodetrust/dns'
  /** What was asked and answered since the server was made. */
  readonly counters = new DnsCounters()
  readonly #init: DnsServerInit
  readonly #log: Logger
  readonly #zone: Zone
  readonly #challenges: ChallengeStore
  readonly #dns01: Dns01
  readonly #now: () => number
  readonly #refusals = new RateBound({ perSecond: STRANGER_EVENTS_PER_SECOND_MAX })
  readonly #errors = new RateBound({ perSecond: STRANGER_EVENTS_PER_SECOND_MAX })
  #sockets: DnsSockets | undefined

  constructor(components: DnsServerComponents, init: DnsServerInit) {
    super()
    this.#init = init
    this.#log = components.logger.forComponent('nodetrust:dns')
    this.#zone = createZone(init)
    this.#challenges = new ChallengeStore(init.challenges)
    this.#now = init.now ?? (() => performance.now())
    this.#dns01 = new Dns01({
      registrar: components.registrar,
      zone: this.#zone.name,
      challenges: this.#challenges,
      writers: init.writers,
      now: this.#now,
      report: {
        set: (detail) => this.safeDispatchEvent('challenge:set', { detail }),
        removed: (detail) => this.safeDispatchEvent('challenge:removed', { detail }),
        refused: (detail) => {
          this.#refusals.run(this.#now(), (suppressed) => {
            this.safeDispatchEvent('writer:refused', { detail: { ...detail, suppressed } })
          })
        },
      },
      streams: init.streams,
      requestTimeoutMs: init.requestTimeoutMs,
    })
  }

  /** Where queries are answered; empty while the service is not started. */
  get addresses(): readonly BoundAddress[] {
    return this.#sockets?.addresses ?? []
  }

  /** How many challenge values are live; some may have expired since the last query. */
  get challengeCount(): number {
    return this.#challenges.size
  }

  /** @throws {ListenError} when a port cannot be had: then none is held. */
  async start(): Promise<void> {
    if (this.#sockets !== undefined) return
    this.#sockets = await openSockets(this.#init.listen, {
      respond: (packet, transport) => this.#respond(packet, transport),
      report: {
        dropped: (transport) => {
          this.counters.dropped += 1
          this.#error(`${transport} is over its bounds`)
        },
        failed: (error) => this.#error(error.message),
      },
      limits: this.#init.tcp,
    })
    const at = this.addresses.map(({ address, port }) => `${address} port ${port}`)
    this.#log('answers for %s at %s', this.#zone.name, at.join(', '))
    // Last: what is set has to be visible before the answer says so (NT-DNS01-003).
    try {
      await this.#dns01.start()
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  async stop(): Promise<void> {
    await this.#dns01.stop()
    const sockets = this.#sockets
    this.#sockets = undefined
    await sockets?.close()
  }

  #respond(packet: Uint8Array, transport: Transport): Uint8Array | undefined {
    const response = answer(packet, {
      zone: this.#zone,
      challenges: this.#challenges,
      now: this.#now(),
      transport,
    })
    this.counters.count(response, transport)
    return response
  }

  #error(reason: string): void {
    this.#errors.run(this.#now(), (suppressed) => {
      this.safeDispatchEvent('dns:error', { detail: { reason, suppressed } })
    })
  }
}
