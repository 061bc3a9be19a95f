import type { Random } from '../random.ts'
import {
  canonicalAddress,
  endpoint,
  familyOf,
  isLoopback,
  isPrivate,
  isWildcard,
  type Endpoint,
  type IpFamily,
} from './address.ts'
import { NetworkError } from './errors.ts'
import { Firewall, type FirewallOptions, type FirewallPolicy, type Judgement } from './firewall.ts'
import type { Nat } from './nat.ts'
import type { Network } from './network.ts'
import { NO_BYTES, isUdp, type Packet } from './packet.ts'
import type { Segment } from './segment.ts'
import { TcpSocket, type TcpSink } from './tcp.ts'
import { UdpSocket, unreachable, type UdpSink } from './udp.ts'

export interface HostOptions {
  readonly name: string
  /** IPv4 and IPv6. Behind a NAT those that are private are its, and others are the internet's all the same. */
  readonly addresses: readonly string[]
  readonly nat?: Nat
  readonly firewall?: FirewallOptions
}

/** A socket that takes connections. */
export interface TcpListener {
  readonly local: Endpoint
  close(): void
}

interface Listening extends TcpListener {
  readonly keys: readonly string[]
  readonly backlog: number
  /** In the handshake. */
  waiting: number
  readonly accept: (socket: TcpSocket) => void
}

const EPHEMERAL_PORT_FIRST = 32_768
const EPHEMERAL_PORT_LAST = 60_999

/** A machine with its addresses, as its operating system keeps them; what runs on it comes and goes. */
export class NetworkHost {
  readonly name: string
  readonly network: Network
  /** Its own, if it has one, and those that faults have closed. */
  readonly #firewalls: Firewall[] = []
  #nat: Nat | undefined
  #addresses: readonly string[] = []
  #up = true
  #nextPort: number
  readonly #listeners = new Map<string, Listening>()
  /** By local and by remote socket. */
  readonly #connections = new Map<string, Map<string, TcpSocket>>()
  readonly #udp = new Map<string, UdpSocket>()

  constructor(network: Network, options: HostOptions, random: Random) {
    this.network = network
    this.name = options.name
    this.#nat = options.nat
    if (options.firewall !== undefined) this.#firewalls.push(new Firewall(options.firewall))
    this.#nextPort = random.integer(EPHEMERAL_PORT_FIRST, EPHEMERAL_PORT_LAST)
    this.move(options.addresses)
  }

  get nat(): Nat | undefined {
    return this.#nat
  }

  get addresses(): readonly string[] {
    return this.#addresses
  }

  get up(): boolean {
    return this.#up
  }

  /** How many sockets its processes have. */
  get sockets(): number {
    let connections = 0
    for (const ends of this.#connections.values()) connections += ends.size
    return this.#listeners.size + this.#udp.size + connections
  }

  /** Gives the host other addresses, behind another NAT too. Sockets at the old ones stay, and are reached no more. */
  move(addresses: readonly string[], nat: Nat | undefined = this.#nat): void {
    const canonical = addresses.map(canonicalAddress)
    for (const address of this.#addresses) this.segmentOf(address).remove(address)
    this.#nat = nat
    for (const address of canonical) this.segmentOf(address).add(address, this)
    this.#addresses = canonical
  }

  /** Power fails: nobody hears a word, and all sockets are gone. */
  powerOff(): void {
    this.#up = false
    for (const ends of this.#connections.values()) for (const socket of ends.values()) socket.kill()
    this.#connections.clear()
    this.#listeners.clear()
    this.#udp.clear()
  }

  /** Its processes end at once, and its operating system says so: connections break, ports refuse. */
  killProcesses(): void {
    for (const ends of this.#connections.values()) {
      for (const socket of ends.values()) socket.reset()
    }
    this.powerOff()
    this.powerOn()
  }

  powerOn(): void {
    if (this.#up) return
    this.#up = true
    this.network.release()
  }

  /**
   * Lets nobody in any more, but the connections that there are and the answers to what the host asks.
   *
   * @returns the way to open it again
   */
  closeFirewall(policy: FirewallPolicy, nowMs: number): () => void {
    const closed = new Firewall({ policy })
    for (const { local, remote } of this.connections()) {
      closed.leaves({ kind: 'data', source: local, target: remote }, nowMs)
    }
    this.#firewalls.push(closed)
    return () => {
      const index = this.#firewalls.indexOf(closed)
      if (index !== -1) this.#firewalls.splice(index, 1)
    }
  }

  /** A packet leaves the host: its firewalls let the answer in. */
  leaves(packet: Packet, nowMs: number): void {
    for (const firewall of this.#firewalls) firewall.leaves(packet, nowMs)
  }

  /** What its firewalls make of a packet that comes to it. */
  judge(packet: Packet, nowMs: number): Judgement {
    for (const firewall of this.#firewalls) {
      const judgement = firewall.judge(packet, nowMs)
      if (judgement !== 'admit') return judgement
    }
    return 'admit'
  }

  /** The network in which an address of this host is. */
  segmentOf(address: string): Segment {
    return this.#nat !== undefined && isPrivate(address) ? this.#nat.inside : this.network.internet
  }

  /**
   * @throws {NetworkError} EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT
   */
  listen(init: {
    readonly address: string
    readonly port: number
    readonly backlog: number
    /** Whether `::` takes IPv4 too. @default true */
    readonly dualStack?: boolean
    readonly accept: (socket: TcpSocket) => void
  }): TcpListener {
    const bound = this.#bind(init.address, init.port, this.#listeners, init.dualStack ?? true)
    const { backlog, accept } = init
    const listening: Listening = {
      ...bound,
      backlog,
      accept,
      waiting: 0,
      close: () => {
        for (const key of listening.keys) {
          if (this.#listeners.get(key) === listening) this.#listeners.delete(key)
        }
      },
    }
    for (const key of bound.keys) this.#listeners.set(key, listening)
    return listening
  }

  /**
   * Begins to connect; the sink hears how it went.
   *
   * @throws {NetworkError} ENETUNREACH, EADDRINUSE, EADDRNOTAVAIL
   */
  connect(init: {
    readonly to: { readonly address: string; readonly port: number }
    readonly from?: { readonly address: string; readonly port: number } | undefined
    readonly sink: TcpSink
  }): TcpSocket {
    const address = isWildcard(init.to.address) ? loopbackOf(init.to.address) : init.to.address
    const remote = endpoint(canonicalAddress(address), init.to.port)
    const local = this.#localFor(init.from ?? { address: '', port: 0 }, remote)
    const socket = new TcpSocket({ host: this, local, remote })
    socket.sink = init.sink
    this.#remember(socket)
    socket.greet()
    return socket
  }

  /** @throws {NetworkError} EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT */
  bindUdp(init: {
    readonly address: string
    readonly port: number
    readonly dualStack?: boolean
    readonly sink: UdpSink
  }): UdpSocket {
    const bound = this.#bind(init.address, init.port, this.#udp, init.dualStack ?? true)
    const socket = new UdpSocket({ host: this, ...bound, sink: init.sink })
    for (const key of bound.keys) this.#udp.set(key, socket)
    return socket
  }

  /** The socket that a packet from `local` to `to` leaves by, as others see it. */
  sourceFor(local: Endpoint, to: Endpoint): Endpoint {
    if (!isWildcard(local.address)) return local
    const address = this.#addressTowards(to.address)
    if (address === undefined) throw new NetworkError('ENETUNREACH')
    return endpoint(address, local.port)
  }

  /** Whether a packet to this address never leaves the host. */
  isOwn(address: string): boolean {
    return isLoopback(address) || this.#addresses.includes(address)
  }

  receive(packet: Packet, from: string): void {
    if (isUdp(packet.kind)) return this.#receiveUdp(packet)
    const { source, target } = packet
    const known = this.#connections.get(target.key)?.get(source.key)
    if (known !== undefined) return known.receive(packet)
    if (packet.kind === 'syn') return this.#greeted(packet, from)
    // What a socket that is gone has read, nobody needs to know; a broken one was told.
    if (packet.kind === 'rst' || packet.taken > 0) return
    this.refuse(packet)
  }

  /** Answers that nothing is there. */
  refuse(packet: Packet): void {
    if (packet.kind === 'datagram') this.network.send(this, unreachable(packet))
    else if (packet.kind !== 'rst' && packet.kind !== 'unreachable') {
      this.network.send(this, {
        kind: 'rst',
        source: packet.target,
        target: packet.source,
        sequence: 0,
        bytes: NO_BYTES,
        taken: 0,
        flow: undefined,
      })
    }
  }

  forget(socket: TcpSocket): void {
    const ends = this.#connections.get(socket.local.key)
    if (ends?.get(socket.remote.key) !== socket) return
    ends.delete(socket.remote.key)
    if (ends.size === 0) this.#connections.delete(socket.local.key)
  }

  forgetUdp(socket: UdpSocket): void {
    for (const key of socket.keys) if (this.#udp.get(key) === socket) this.#udp.delete(key)
  }

  /** Every connection, for faults that break them. */
  *connections(): Iterable<TcpSocket> {
    for (const ends of this.#connections.values()) yield* ends.values()
  }

  #greeted(packet: Packet, from: string): void {
    const { source, target } = packet
    const listening = this.#listeners.get(target.key) ?? this.#listenerOnAll(target)
    if (listening === undefined) return this.refuse(packet)
    // A SYN that finds the queue full is dropped; it is repeated soon.
    if (listening.waiting >= listening.backlog) return
    listening.waiting += 1
    const socket = new TcpSocket({
      host: this,
      local: target,
      remote: source,
      accepted: (opened) => {
        listening.waiting -= 1
        if (opened === undefined) return
        if (listening.keys.some((key) => this.#listeners.get(key) === listening)) {
          listening.accept(opened)
        } else opened.reset()
      },
    })
    this.#remember(socket)
    socket.greet()
    if (this.network.faults.resetsHandshake(from, this.name)) socket.reset()
  }

  #listenerOnAll({ address, port }: Endpoint): Listening | undefined {
    return this.#listeners.get(familyOf(address) === 4 ? `0.0.0.0:${port}` : `[::]:${port}`)
  }

  #receiveUdp(packet: Packet): void {
    const { address, port, key } = packet.target
    const all = familyOf(address) === 4 ? `0.0.0.0:${port}` : `[::]:${port}`
    const socket = this.#udp.get(key) ?? this.#udp.get(all)
    if (socket !== undefined) socket.receive(packet)
    else this.refuse(packet)
  }

  #remember(socket: TcpSocket): void {
    let ends = this.#connections.get(socket.local.key)
    if (ends === undefined) {
      ends = new Map()
      this.#connections.set(socket.local.key, ends)
    }
    ends.set(socket.remote.key, socket)
  }

  #bind(
    given: string,
    port: number,
    table: ReadonlyMap<string, unknown>,
    dualStack: boolean,
  ): { readonly local: Endpoint; readonly keys: readonly string[] } {
    const address = canonicalAddress(given)
    this.#checkBindable(address)
    const attempts = port === 0 ? EPHEMERAL_PORT_LAST - EPHEMERAL_PORT_FIRST + 1 : 1
    for (let attempt = 0; attempt < attempts; attempt++) {
      const tried = port === 0 ? this.#ephemeralPort() : port
      const local = endpoint(address, tried)
      const keys = address === '::' && dualStack ? [local.key, `0.0.0.0:${tried}`] : [local.key]
      if (!this.#isTaken(table, address, tried) && (port !== 0 || !this.#isDialledFrom(tried))) {
        return { local, keys }
      }
    }
    throw new NetworkError('EADDRINUSE')
  }

  #checkBindable(address: string): void {
    const family = familyOf(address)
    if (family === 6 && !this.#addresses.some((own) => familyOf(own) === 6)) {
      throw new NetworkError(isWildcard(address) ? 'EAFNOSUPPORT' : 'EADDRNOTAVAIL')
    }
    if (!isWildcard(address) && !this.isOwn(address)) throw new NetworkError('EADDRNOTAVAIL')
  }

  #isTaken(table: ReadonlyMap<string, unknown>, address: string, port: number): boolean {
    const all = familyOf(address) === 4 ? `0.0.0.0:${port}` : `[::]:${port}`
    if (table.has(all) || table.has(endpoint(address, port).key)) return true
    if (!isWildcard(address)) return false
    return [...this.#addresses, '127.0.0.1', '::1'].some(
      (own) => (address === '::' || familyOf(own) === 4) && table.has(endpoint(own, port).key),
    )
  }

  /** Whether a connection of this host's own leaves by a port. */
  #isDialledFrom(port: number): boolean {
    return this.#addresses.some((address) => this.#connections.has(endpoint(address, port).key))
  }

  #localFor(from: { readonly address: string; readonly port: number }, remote: Endpoint): Endpoint {
    const given = canonicalAddress(from.address)
    const isGiven = given !== '' && !isWildcard(given)
    if (isGiven) this.#checkBindable(given)
    const address = isGiven ? given : this.#addressTowards(remote.address)
    if (address === undefined || familyOf(address) !== familyOf(remote.address)) {
      throw new NetworkError('ENETUNREACH')
    }
    if (from.port !== 0) {
      const local = endpoint(address, from.port)
      if (this.#connections.get(local.key)?.has(remote.key)) throw new NetworkError('EADDRINUSE')
      return local
    }
    for (let port = EPHEMERAL_PORT_FIRST; port <= EPHEMERAL_PORT_LAST; port++) {
      const local = endpoint(address, this.#ephemeralPort())
      if (!this.#connections.has(local.key) && !this.#isTaken(this.#listeners, address, local.port))
        return local
    }
    throw new NetworkError('EADDRNOTAVAIL')
  }

  #addressTowards(target: string): string | undefined {
    if (isLoopback(target)) return loopbackOf(target)
    if (this.#addresses.includes(target)) return target
    const family: IpFamily = familyOf(target)
    const own = this.#addresses.filter((address) => familyOf(address) === family)
    if (own.length < 2) return own[0]
    const isLocal = isPrivate(target)
    return own.find((address) => isPrivate(address) === isLocal) ?? own[0]
  }

  #ephemeralPort(): number {
    const port = this.#nextPort
    this.#nextPort = port === EPHEMERAL_PORT_LAST ? EPHEMERAL_PORT_FIRST : port + 1
    return port
  }
}

function loopbackOf(address: string): string {
  return familyOf(address) === 6 ? '::1' : '127.0.0.1'
}
