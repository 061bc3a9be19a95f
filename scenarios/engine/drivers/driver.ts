import type { VirtualClock } from '../sim/clock.ts'
import type { HostClock } from '../sim/host-clock.ts'
import type { FirewallPolicy, NatKind, Network, NetworkHost } from '../sim/network/index.ts'
import type { TraceDigest } from '../sim/hashes.ts'
import type { TraceEntry } from '../trace.ts'
import type { ComponentLogger, PeerId, Transport, Upgrader } from '@libp2p/interface'

/** IP versions that a host speaks. */
export type Family = 4 | 6

/** What a driver is told of a host that it shall place. */
export interface PlaceInit {
  /** Unique in a world. */
  readonly name: string
  readonly families: readonly Family[]
  /** Its IPv4 address is private, and others see its router's; an IPv6 address is its own. @default none */
  readonly nat?: NatPlan
  /** @default none */
  readonly firewall?: FirewallPlan
}

/** A router between a host and the internet. */
export interface NatPlan {
  readonly kind: NatKind
  /** Hosts that name the same one are neighbours, and share its public address and its kind. @default one of its own */
  readonly router?: string
  /** What nothing goes by for so many ms is forgotten. @default for TCP 7440000, for UDP 120000 */
  readonly mappingMs?: number
  /** TCP ports of the public address that lead to ports of the host. @default none */
  readonly forwards?: readonly { readonly port: number; readonly to: number }[]
}

/** What lets in only the answers to what its host asks, and whoever comes to these ports. */
export interface FirewallPlan {
  /** Of TCP. @default none */
  readonly open?: readonly number[]
  /** What becomes of the rest. @default 'drop' */
  readonly policy?: FirewallPolicy
}

/** Where a driver has put a host. The same place names other addresses after {@link Driver.move}. */
export interface Place {
  /** The host's address as others see it: what proofs state and names encode. */
  readonly addresses: Readonly<Partial<Record<Family, string>>>
  /**
   * Where the host's own sockets stand (DNS, secure WebSockets): the same addresses, stand-ins for them, or private ones
   * behind a NAT.
   */
  readonly socketAddresses: Readonly<Partial<Record<Family, string>>>
  /** Multiaddrs for libp2p to listen on. */
  readonly listen: readonly string[]
  /** The transport by which the host dials, and is dialled at `listen`. */
  readonly transport: (components: TransportComponents) => Transport
}

/** What a libp2p node gives the transport of its place. */
export interface TransportComponents {
  readonly peerId: PeerId
  readonly logger: ComponentLogger
  readonly upgrader: Upgrader
}

/** A listener that accepts connections and then says nothing. */
export interface BlackHole {
  close(): Promise<void>
}

/** Where the engine's own servers stand: its resolver, its CA. */
export interface Service {
  /** Address to listen on, which every host reaches. */
  readonly address: string
  /** Does work whose sockets are there. */
  run<T>(work: () => T): T
}

/** Where a world can run. */
export const DRIVER_NAMES = ['memory', 'tcp', 'sim'] as const

export type DriverName = (typeof DRIVER_NAMES)[number]

/**
 * Runs a world somewhere: on loopback sockets, in memory, in virtual time.
 *
 * A scenario and the engine above know a driver only by this. Hosts are libp2p nodes with the driver's transport,
 * and everything else that they use is Node's own API: a driver with virtual time and a virtual network takes over
 * beneath `node:net`, `node:dgram`, `node:dns` and the timers, and only has to be told whose work it is that runs.
 */
export interface Driver {
  readonly name: string
  /**
   * Gives a host its addresses.
   *
   * @throws {RangeError} for a NAT or a firewall where there is none
   */
  place(host: PlaceInit): Place
  /** Does work that is a host's: what it opens and what it waits for is there. */
  run<T>(place: Place, work: () => T): T
  /** Where one of the engine's own servers stands; the same for the same name. */
  service(name: string): Service
  /**
   * Ends a host's process without a word to anybody, for good; undefined where all hosts are one process, and a dead
   * host has to be taken apart from within.
   */
  readonly kill?: (place: Place, options?: { readonly powerCut?: boolean | undefined }) => void
  /** Gives a killed host a process again. */
  readonly revive?: (place: Place) => void
  /**
   * Gives a place other addresses: behind a NAT, others see it at another one. The host's listeners and connections are
   * its own affair.
   */
  move(place: Place): void
  /** Where the socket stands that a peer would reach at a public address and port. */
  socketAddress(address: string): string
  /** Takes over the addresses that a stopped host listened on. */
  blackHole(multiaddrs: readonly string[]): Promise<BlackHole>
  /** Takes what hosts tell into the driver's account of the run. */
  readonly record?: (entry: TraceEntry) => void
  /** What two runs of one seed agree in; only of a driver that goes by a seed. */
  readonly digest?: () => TraceDigest
  /** What only a simulation can do. */
  readonly simulated?: Simulated
  /** Lets the world go on for as long as `work` takes: a driver is used within, once. */
  drive<T>(work: () => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** A simulated world, for faults that are in its network and its machines. Names are those of places and services. */
export interface Simulated {
  readonly network: Network
  readonly clock: VirtualClock
  /** Random values drawn so far, in all streams. */
  draws(): number
  /** @throws {RangeError} for a name that no machine of this world has */
  machine(name: string): SimulatedMachine
}

export interface SimulatedMachine {
  readonly host: NetworkHost
  readonly clock: HostClock
  /** It does nothing, and what is due on it waits; returns the way to wake it. */
  sleep(): () => void
  /**
   * Has its router forget every connection, and take another public address where that is wanted.
   *
   * @returns the names of the hosts that others see at another address now
   * @throws {RangeError} where it is behind none
   */
  rebind(address: 'kept' | 'new'): readonly string[]
}

/** What a driver is on which everything is one process of this machine. */
export const ONE_PROCESS = {
  run: <T>(_place: Place, work: () => T): T => work(),
  service: (): Service => ({ address: '127.0.0.1', run: (work) => work() }),
  drive: async <T>(work: () => Promise<T>): Promise<T> => await work(),
} satisfies Partial<Driver>

/** @throws {RangeError} for what only a simulated network has */
export function refuseRouters({ name, nat, firewall }: PlaceInit): void {
  if (nat === undefined && firewall === undefined) return
  throw new RangeError(
    `host "${name}" is behind a ${nat === undefined ? 'firewall' : 'NAT'}, which only simulated worlds have: it needs --transport sim`,
  )
}

/** The IP versions of a place. */
export function familiesOfAddresses(addresses: Place['addresses']): Family[] {
  return ([4, 6] as const).filter((family) => addresses[family] !== undefined)
}
