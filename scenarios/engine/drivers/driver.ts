import type { ComponentLogger, PeerId, Transport, Upgrader } from '@libp2p/interface'

/** IP versions that a host speaks. */
export type Family = 4 | 6

/** Where a driver has put a host. The same place names other addresses after {@link Driver.move}. */
export interface Place {
  /** The host's address as others see it: what proofs state and names encode. */
  readonly addresses: Readonly<Partial<Record<Family, string>>>
  /** Where the host's own sockets stand (DNS, secure WebSockets): the same addresses, or stand-ins for them. */
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

/**
 * Runs a world somewhere: on loopback sockets, in memory, later in virtual time.
 *
 * A scenario and the engine above know a driver only by this. Hosts are libp2p nodes with the driver's transport,
 * and everything else that they use is Node's own API: a driver with virtual time and a virtual network takes over
 * beneath `node:net`, `node:dgram`, `node:dns` and the timers, and so needs nothing more here.
 */
export interface Driver {
  readonly name: string
  /** Gives a host its addresses. Names are unique in a world. */
  place(host: { readonly name: string; readonly families: readonly Family[] }): Place
  /** Gives a place other addresses. The host's listeners and connections are its own affair. */
  move(place: Place): void
  /** Where the socket stands that a peer would reach at a public address and port. */
  socketAddress(address: string): string
  /** Takes over the addresses that a stopped host listened on. */
  blackHole(multiaddrs: readonly string[]): Promise<BlackHole>
  close(): Promise<void>
}

/** The IP versions of a place. */
export function familiesOfAddresses(addresses: Place['addresses']): Family[] {
  return ([4, 6] as const).filter((family) => addresses[family] !== undefined)
}
