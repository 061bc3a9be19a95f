import type { Endpoint } from './address.ts'
import type { NetworkHost } from './host.ts'
import { DATAGRAM_LENGTH_MAX } from './link.ts'
import { NO_BYTES, type Packet } from './packet.ts'
import { NetworkError } from './errors.ts'

/** Who uses a socket: a Node handle. */
export interface UdpSink {
  message(bytes: Uint8Array, from: Endpoint): void
  /** What a connected socket hears when nobody was there. */
  failed(code: string): void
}

/** A UDP socket that is bound. */
export class UdpSocket {
  readonly host: NetworkHost
  readonly local: Endpoint
  readonly #sink: UdpSink
  /** Which addresses of the host it stands on, and what is to be let go with it. */
  readonly keys: readonly string[]
  #peer: Endpoint | undefined

  constructor(init: {
    readonly host: NetworkHost
    readonly local: Endpoint
    readonly keys: readonly string[]
    readonly sink: UdpSink
  }) {
    this.host = init.host
    this.local = init.local
    this.keys = init.keys
    this.#sink = init.sink
  }

  get peer(): Endpoint | undefined {
    return this.#peer
  }

  /** Sends to one peer and hears only that. */
  connect(peer: Endpoint | undefined): void {
    this.#peer = peer
  }

  /**
   * The bytes are the socket's from now on.
   *
   * @throws {NetworkError} EMSGSIZE, ENETUNREACH
   */
  send(bytes: Uint8Array, to: Endpoint): void {
    if (bytes.length > DATAGRAM_LENGTH_MAX) throw new NetworkError('EMSGSIZE')
    this.host.network.send(this.host, {
      kind: 'datagram',
      source: this.host.sourceFor(this.local, to),
      target: to,
      sequence: 0,
      bytes,
      taken: 0,
      flow: undefined,
    })
  }

  receive(packet: Packet): void {
    const peer = this.#peer
    if (peer !== undefined && peer.key !== packet.source.key) return
    if (packet.kind === 'unreachable') {
      if (peer !== undefined) this.#sink.failed('ECONNREFUSED')
    } else this.#sink.message(packet.bytes, packet.source)
  }

  close(): void {
    this.host.forgetUdp(this)
  }
}

/** What a host says of a datagram that found no socket. */
export function unreachable(packet: Packet): Packet {
  return {
    kind: 'unreachable',
    source: packet.target,
    target: packet.source,
    sequence: 0,
    bytes: NO_BYTES,
    taken: 0,
    flow: undefined,
  }
}
