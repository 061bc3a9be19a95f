import type { Endpoint } from './address.ts'

/**
 * - `syn`, `syn-ack`, `ack`, `data`, `fin`, `rst`: TCP's own words; one `data` holds whatever was written at once
 * - `datagram`: UDP
 * - `unreachable`: ICMP's answer to a datagram that found no socket
 */
export type PacketKind =
  | 'syn'
  | 'syn-ack'
  | 'ack'
  | 'data'
  | 'fin'
  | 'rst'
  | 'datagram'
  | 'unreachable'

/** What goes over a link. A NAT makes another one of it. */
export interface Packet {
  readonly kind: PacketKind
  readonly source: Endpoint
  readonly target: Endpoint
  /** Place in the order of its flow; 0 where order means nothing. */
  readonly sequence: number
  readonly bytes: Uint8Array
  /** Of an `ack`: how many bytes the receiver has taken. */
  readonly taken: number
  /** Keeps the order of packets on their way: a connection's direction. Undefined: packets may overtake. */
  readonly flow: Flow | undefined
}

/** One direction of a connection. */
export interface Flow {
  /** When the latest packet of it arrives: none that is sent after it arrives before it. */
  arrivalMs: number
  /** Its host has died: what it has not sent yet is gone. */
  readonly dead: boolean
  /** Native code writes, with random numbers that no seed decides: its bytes and lengths say nothing. */
  readonly opaque: boolean
  /** TCP repeats what is lost: the flow hears how that goes on. */
  held(): void
  /** What was held is on its way again. */
  released(): void
}

export const NO_BYTES: Uint8Array = new Uint8Array(0)

export function isUdp(kind: PacketKind): boolean {
  return kind === 'datagram' || kind === 'unreachable'
}

/** What follows packets: traces and their hashes. */
export interface PacketLog {
  /** A packet leaves a host. `arrivalMs` is undefined for one that is lost on the way. */
  sent(seen: {
    readonly atMs: number
    readonly arrivalMs: number | undefined
    readonly from: string
    readonly to: string
    readonly packet: Packet
  }): void
}
