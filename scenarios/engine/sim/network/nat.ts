import { endpoint, type Endpoint } from './address.ts'
import { isUdp, type Packet } from './packet.ts'
import type { Segment } from './segment.ts'

/**
 * - `full-cone`: a host's socket has one public port, and anybody may answer at it
 * - `restricted`: only addresses that the socket has sent to
 * - `port-restricted`: only the very sockets that it has sent to
 * - `symmetric`: a public port of its own for each socket that it sends to, and only that one may answer
 */
export type NatKind = 'full-cone' | 'restricted' | 'port-restricted' | 'symmetric'

export interface NatOptions {
  readonly name: string
  readonly publicAddress: string
  readonly kind: NatKind
  /** A datagram mapping that nothing leaves by for so long is forgotten. @default 120000 (RFC 4787 section 4.3) */
  readonly udpMappingMs?: number
  /** @default 7440000 (RFC 5382 section 5) */
  readonly tcpMappingMs?: number
  /** Whether hosts behind it reach one another by its public address. @default false */
  readonly hairpin?: boolean
}

interface Mapping {
  readonly inside: Endpoint
  readonly outside: Endpoint
  /** Whom the host has sent to: addresses or sockets, as the kind of NAT asks. */
  readonly allowed: Set<string>
  untilMs: number
}

const UDP_MAPPING_MS = 120_000
const TCP_MAPPING_MS = 7_440_000
const PORT_FIRST = 20_000
const PORT_LAST = 65_535

/** A router that lends its public address to the hosts behind it. */
export class Nat {
  readonly name: string
  readonly outside: Segment
  readonly inside: Segment
  readonly hairpin: boolean
  readonly kind: NatKind
  readonly #udpMappingMs: number
  readonly #tcpMappingMs: number
  /** By inside socket (and whom it sends to, where the NAT is symmetric), and by public one. */
  readonly #byInside = new Map<string, Mapping>()
  readonly #byOutside = new Map<string, Mapping>()
  readonly #forwards = new Map<string, Endpoint>()
  #publicAddress: string
  #nextPort = PORT_FIRST

  constructor(options: NatOptions, outside: Segment, inside: Segment) {
    this.name = options.name
    this.kind = options.kind
    this.hairpin = options.hairpin ?? false
    this.#publicAddress = options.publicAddress
    this.#udpMappingMs = options.udpMappingMs ?? UDP_MAPPING_MS
    this.#tcpMappingMs = options.tcpMappingMs ?? TCP_MAPPING_MS
    this.outside = outside
    this.inside = inside
  }

  get publicAddress(): string {
    return this.#publicAddress
  }

  /** Sends what comes to a public port on to a host behind the NAT, whoever it comes from. */
  forward(rule: {
    readonly protocol: 'tcp' | 'udp'
    readonly port: number
    readonly to: { readonly address: string; readonly port: number }
  }): void {
    const key = `${rule.protocol} ${rule.port}`
    this.#forwards.set(key, endpoint(rule.to.address, rule.to.port))
  }

  /** Forgets every mapping, as a router that was started again; with another address when its provider gave it one. */
  rebind(publicAddress: string = this.#publicAddress): void {
    this.#byInside.clear()
    this.#byOutside.clear()
    if (publicAddress === this.#publicAddress) return
    this.outside.remove(this.#publicAddress)
    this.#publicAddress = publicAddress
    this.outside.add(publicAddress, this)
  }

  /** A packet of a host behind it, as the world outside sees it. */
  outbound(packet: Packet, nowMs: number): Packet {
    const { kind, source, target } = packet
    const forwarded = this.#forwardedFrom(kind, source)
    if (forwarded !== undefined) return { ...packet, source: forwarded }
    const protocol = protocolOf(kind)
    const key =
      this.kind === 'symmetric'
        ? `${protocol} ${source.key} ${target.key}`
        : `${protocol} ${source.key}`
    let mapping = this.#byInside.get(key)
    if (mapping === undefined || mapping.untilMs < nowMs) {
      if (mapping !== undefined) this.#byOutside.delete(`${protocol} ${mapping.outside.port}`)
      mapping = {
        inside: source,
        outside: endpoint(this.#publicAddress, this.#freePort(protocol, nowMs)),
        allowed: new Set(),
        untilMs: 0,
      }
      this.#byInside.set(key, mapping)
      this.#byOutside.set(`${protocol} ${mapping.outside.port}`, mapping)
    }
    mapping.untilMs = nowMs + (isUdp(kind) ? this.#udpMappingMs : this.#tcpMappingMs)
    mapping.allowed.add(this.kind === 'restricted' ? target.address : target.key)
    return { ...packet, source: mapping.outside }
  }

  /** A packet from outside, as the host behind the NAT gets it; undefined: it ends here. */
  inbound(packet: Packet, nowMs: number): Packet | undefined {
    const mapping = this.#mappingFor(packet, nowMs)
    // TCP acknowledges what it gets, which the model leaves out: something leaves by the mapping.
    if (mapping !== undefined && !isUdp(packet.kind)) {
      mapping.untilMs = Math.max(mapping.untilMs, nowMs + this.#tcpMappingMs)
    }
    const target = mapping?.inside ?? this.#forwardedTo(packet)
    return target === undefined ? undefined : { ...packet, target }
  }

  /** Where a packet from outside goes. */
  insideOf(packet: Packet, nowMs: number): Endpoint | undefined {
    return this.#mappingFor(packet, nowMs)?.inside ?? this.#forwardedTo(packet)
  }

  #mappingFor({ kind, source, target }: Packet, nowMs: number): Mapping | undefined {
    const mapping = this.#byOutside.get(`${protocolOf(kind)} ${target.port}`)
    if (mapping === undefined || mapping.untilMs < nowMs) return undefined
    return this.#admits(mapping, source) ? mapping : undefined
  }

  #forwardedTo({ kind, target }: Packet): Endpoint | undefined {
    return this.#forwards.get(`${protocolOf(kind)} ${target.port}`)
  }

  #admits(mapping: Mapping, source: Endpoint): boolean {
    if (this.kind === 'full-cone') return true
    return mapping.allowed.has(this.kind === 'restricted' ? source.address : source.key)
  }

  /** The public socket of a forwarded one: what it answers must come from where it was asked. */
  #forwardedFrom(kind: Packet['kind'], source: Endpoint): Endpoint | undefined {
    if (this.#forwards.size === 0) return undefined
    const protocol = protocolOf(kind)
    for (const [key, { key: inside }] of this.#forwards) {
      const [of, port] = key.split(' ')
      if (of === protocol && inside === source.key)
        return endpoint(this.#publicAddress, Number(port))
    }
    return undefined
  }

  #freePort(protocol: string, nowMs: number): number {
    for (let tried = PORT_FIRST; tried <= PORT_LAST; tried++) {
      const port = this.#nextPort
      this.#nextPort = port === PORT_LAST ? PORT_FIRST : port + 1
      const taken = this.#byOutside.get(`${protocol} ${port}`)
      if (taken !== undefined && taken.untilMs >= nowMs) continue
      if (!this.#forwards.has(`${protocol} ${port}`)) return port
    }
    throw new RangeError(`NAT "${this.name}" has no free port`)
  }
}

function protocolOf(kind: Packet['kind']): 'tcp' | 'udp' {
  return isUdp(kind) ? 'udp' : 'tcp'
}
