import { AsyncLocalStorage } from 'node:async_hooks'
import type { Clock, Timer } from '../clock.ts'
import { runOutside } from '../host-context.ts'
import type { Random } from '../random.ts'
import { isLoopback } from './address.ts'
import { NetworkFaults } from './faults.ts'
import { NetworkHost, type HostOptions } from './host.ts'
import { Link, type LinkOptions, USUAL_LINK } from './link.ts'
import { Nat, type NatOptions } from './nat.ts'
import type { Packet, PacketLog } from './packet.ts'
import { Segment } from './segment.ts'
import { TcpSocket } from './tcp.ts'

export interface NetworkOptions {
  readonly clock: Pick<Clock, 'nowMs' | 'schedule' | 'cancel'>
  readonly random: Random
  /** Of links that nobody has said anything about. */
  readonly link?: LinkOptions
  readonly log?: PacketLog
}

interface Held {
  readonly from: NetworkHost
  readonly packet: Packet
}

/**
 * A network of hosts, NATs and the ways between them, as their operating systems see it. It knows nothing of Node: a
 * model over a clock and a stream of random values.
 */
export class Network {
  readonly internet = new Segment()
  readonly faults = new NetworkFaults(this)
  readonly #clock: NetworkOptions['clock']
  readonly #random: Random
  readonly #link: LinkOptions
  readonly #log: PacketLog | undefined
  readonly #hosts = new Map<string, NetworkHost>()
  /** By source and by target. */
  readonly #links = new Map<string, Map<string, Link>>()
  readonly #said = new Map<string, LinkOptions>()
  #held: Held[] = []
  /** What is on its way belongs to no host, whoever sent it: it arrives even when that one has died. */
  readonly #outside = runOutside(() => AsyncLocalStorage.snapshot())

  constructor({ clock, random, link = {}, log }: NetworkOptions) {
    this.#clock = clock
    this.#random = random
    this.#link = link
    this.#log = log
  }

  get hosts(): Iterable<NetworkHost> {
    return this.#hosts.values()
  }

  /** What links are like that nobody has said anything about, in full. */
  get usualLink(): Required<Omit<LinkOptions, 'bytesPerSecond'>> & LinkOptions {
    return { ...USUAL_LINK, bytesPerSecond: undefined, ...this.#link }
  }

  /** What is held back by faults and by hosts that are down. */
  get held(): number {
    return this.#held.length
  }

  host(options: HostOptions): NetworkHost {
    if (this.#hosts.has(options.name)) throw new Error(`there is a host "${options.name}" already`)
    const host = new NetworkHost(this, options, this.#random.fork(`host ${options.name}`))
    this.#hosts.set(options.name, host)
    return host
  }

  /** A NAT on the internet, or behind another one. */
  nat(options: NatOptions & { readonly behind?: Nat }): Nat {
    const outside = options.behind?.inside ?? this.internet
    const inside = new Segment()
    const nat = new Nat(options, outside, inside)
    inside.gateway = nat
    outside.add(nat.publicAddress, nat)
    return nat
  }

  /** Says what the way between two hosts (or NATs) is like, in both directions or in one. */
  link(one: string, other: string, options: LinkOptions & { readonly oneWay?: boolean }): void {
    const { oneWay = false, ...link } = options
    for (const [from, to] of oneWay
      ? [[one, other] as const]
      : [[one, other] as const, [other, one] as const]) {
      const said = { ...this.#said.get(`${from}>${to}`), ...link }
      this.#said.set(`${from}>${to}`, said)
      this.#links.get(from)?.get(to)?.change(link)
    }
  }

  after(delayMs: number, work: () => void): Timer {
    return this.#outside(() => this.#clock.schedule(delayMs, work))
  }

  soon(work: () => void): void {
    this.after(0, work)
  }

  cancel(timer: Timer): void {
    this.#clock.cancel(timer)
  }

  /** Sends a packet of a host on its way. */
  send(from: NetworkHost, original: Packet): void {
    if (!from.up) return
    const { nowMs } = this.#clock
    from.leaves(original, nowMs)
    if (from.isOwn(original.target.address)) return this.#within(from, original)
    if (isLoopback(original.source.address)) return
    let packet = original
    let segment = from.segmentOf(packet.source.address)
    let owner = segment.ownerOf(packet.target.address)
    while (owner === undefined && segment.gateway !== undefined) {
      const nat = segment.gateway
      packet = nat.outbound(packet, nowMs)
      segment = nat.outside
      owner = segment.ownerOf(packet.target.address)
      if (owner === nat && !nat.hairpin) return this.#lost(from, nat.name, packet)
    }
    if (this.faults.hasNoRoute(packet.target.address)) return this.#refusedByRouter(from, original)
    if (owner === undefined) return this.#nowhere(from, packet)
    const to = hostOf(owner, packet, nowMs)?.name ?? owner.name
    if (this.#meetsBarrier(from, to, original)) return
    const { flow } = packet
    if (packet.kind === 'data' && flow instanceof TcpSocket) {
      if (this.faults.breaks(flow, to, packet.bytes.length)) return this.#lost(from, to, packet)
    }
    const link = this.#linkBetween(from.name, to)
    if (packet.kind === 'datagram') {
      const carried = link.carry(nowMs, packet.bytes)
      if (carried.length === 0) this.#lost(from, to, packet)
      for (const { bytes, delayMs } of carried) {
        this.#travel({ from, owner, original, to, packet: { ...packet, bytes }, delayMs })
      }
      return
    }
    let delayMs = link.delayMs(nowMs, packet.bytes.length)
    if (flow !== undefined) {
      flow.arrivalMs = Math.max(flow.arrivalMs, nowMs + delayMs)
      delayMs = flow.arrivalMs - nowMs
    }
    this.#travel({ from, owner, original, to, packet, delayMs })
  }

  /** Sends again what was held: a fault is over, or a host is back. */
  release(): void {
    const held = this.#held
    this.#held = []
    for (const { from, packet } of held) {
      if (packet.flow?.dead === true) continue
      packet.flow?.released()
      this.send(from, packet)
    }
  }

  #within(host: NetworkHost, packet: Packet): void {
    const { nowMs } = this.#clock
    this.#log?.sent({ atMs: nowMs, arrivalMs: nowMs, from: host.name, to: host.name, packet })
    this.soon(() => {
      if (host.up) host.receive(packet, host.name)
    })
  }

  #travel(journey: {
    readonly from: NetworkHost
    readonly owner: NetworkHost | Nat
    /** Before any NAT. */
    readonly original: Packet
    readonly packet: Packet
    readonly to: string
    readonly delayMs: number
  }): void {
    const { from, owner, original, packet, to, delayMs } = journey
    const { nowMs } = this.#clock
    this.#log?.sent({ atMs: nowMs, arrivalMs: nowMs + delayMs, from: from.name, to, packet })
    this.after(delayMs, () => this.#arrive(from, owner, original, packet))
  }

  #arrive(from: NetworkHost, owner: NetworkHost | Nat, original: Packet, sent: Packet): void {
    const { nowMs } = this.#clock
    let packet = sent
    let at: NetworkHost | Nat | undefined = owner
    while (at instanceof Nat) {
      const inside: Packet | undefined = at.inbound(packet, nowMs)
      // A connection that comes here no more repeats what it sends until it gives up.
      if (inside === undefined) return packet.flow?.held()
      packet = inside
      at = at.inside.ownerOf(packet.target.address)
    }
    if (at === undefined) return packet.flow?.held()
    if (this.#meetsBarrier(from, at.name, original)) return
    if (!at.up) return this.#hold(from, original)
    switch (at.judge(packet, nowMs)) {
      case 'drop':
        return packet.flow?.held()
      case 'refuse':
        return at.refuse(packet)
      case 'admit':
        at.receive(packet, from.name)
    }
  }

  #meetsBarrier(from: NetworkHost, to: string, packet: Packet): boolean {
    const barrier = this.faults.barrier(from.name, to)
    if (barrier === undefined) return false
    if (barrier === 'hold') this.#held.push({ from, packet })
    else this.#hold(from, packet)
    return true
  }

  /** What TCP repeats until it arrives is held; the rest is lost. A SYN is repeated by its socket. */
  #hold(from: NetworkHost, packet: Packet): void {
    const { kind, flow } = packet
    if (flow === undefined || kind === 'syn' || kind === 'syn-ack') {
      return this.#lost(from, packet.target.key, packet)
    }
    flow.held()
    this.#held.push({ from, packet })
  }

  #nowhere(from: NetworkHost, packet: Packet): void {
    this.#lost(from, packet.target.address, packet)
    if (packet.kind !== 'syn') packet.flow?.held()
  }

  #refusedByRouter(from: NetworkHost, packet: Packet): void {
    // What has been open is repeated until there is a way again.
    this.#hold(from, packet)
    const { kind, flow } = packet
    if (kind !== 'syn' || !(flow instanceof TcpSocket)) return
    const link = this.#linkBetween(from.name, 'internet')
    this.after(2 * link.delayMs(this.#clock.nowMs, 0), () => {
      if (!flow.isOpen) flow.fail('EHOSTUNREACH')
    })
  }

  #lost(from: NetworkHost, to: string, packet: Packet): void {
    this.#log?.sent({
      atMs: this.#clock.nowMs,
      arrivalMs: undefined,
      from: from.name,
      to,
      packet,
    })
  }

  #linkBetween(from: string, to: string): Link {
    let links = this.#links.get(from)
    if (links === undefined) {
      links = new Map()
      this.#links.set(from, links)
    }
    let link = links.get(to)
    if (link === undefined) {
      const options = { ...this.#link, ...this.#said.get(`${from}>${to}`) }
      link = new Link(this.#random.fork(`link ${from}>${to}`), options)
      links.set(to, link)
    }
    return link
  }
}

/** The host that a packet would come to now, through every NAT on its way. */
function hostOf(owner: NetworkHost | Nat, packet: Packet, nowMs: number): NetworkHost | undefined {
  if (owner instanceof NetworkHost) return owner
  const target = owner.insideOf(packet, nowMs)
  if (target === undefined) return undefined
  const inner = owner.inside.ownerOf(target.address)
  return inner === undefined ? undefined : hostOf(inner, { ...packet, target }, nowMs)
}
