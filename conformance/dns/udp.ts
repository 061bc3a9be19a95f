import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import type { DnsTarget } from '../suite/target.ts'
import type { WireLog } from '../suite/wire-log.ts'
import { describePacket, describeQuery } from './describe.ts'

/** How and where to ask. */
export interface ExchangeInit {
  readonly server: DnsTarget
  readonly wire: WireLog
  readonly signal: AbortSignal
  /** Is told of what came and was no reply. */
  readonly strays?: Strays
}

/** What came instead of a reply, such as messages with another id: `first` of so many. */
export interface Strays {
  first?: Uint8Array
  count: number
}

/** What came back. */
export interface Reply {
  readonly bytes: Uint8Array
  /** How often the packet was sent until then: more than one says that something was lost. */
  readonly tries: number
}

/** Nobody listens there, or the network does not lead there. Nothing is known of the server then. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError'
}

const TRIES_MAX_DEFAULT = 3
const TRY_MS_DEFAULT = 1_000

/**
 * Sends a packet as it is and returns the first reply that carries its id, or undefined after silence. Replies with
 * other ids go to the wire log only.
 * @throws {UnreachableError} when the system says that nobody is there; the signal's reason when it is aborted.
 */
export async function exchangeUdp(
  packet: Uint8Array,
  init: ExchangeInit & {
    /** @default 3 */
    readonly triesMax?: number
    /** How long each try is waited for, in ms. @default 1000 */
    readonly tryMs?: number
  },
): Promise<Reply | undefined> {
  const { triesMax = TRIES_MAX_DEFAULT, tryMs = TRY_MS_DEFAULT } = init
  const socket = await openUdp(init)
  try {
    for (let tries = 1; tries <= triesMax; tries += 1) {
      socket.send(packet)
      const bytes = await socket.receive((reply) => isReply(reply, packet, init.strays), tryMs)
      if (bytes !== undefined) return { bytes, tries }
    }
    return undefined
  } finally {
    socket.close()
  }
}

/** A socket that knows one server only, for what is more than one question and one answer. */
export interface UdpSocket {
  send(packet: Uint8Array): void
  /** The next reply that is wanted; undefined when none came in time. Others are passed over. */
  receive(wanted: (reply: Uint8Array) => boolean, waitMs: number): Promise<Uint8Array | undefined>
  close(): void
}

export async function openUdp({ server, wire, signal }: ExchangeInit): Promise<UdpSocket> {
  signal.throwIfAborted()
  const channel = `udp ${addressText(server)}`
  const socket = createSocket(isIPv6(server.address) ? 'udp6' : 'udp4')
  const replies: Uint8Array[] = []
  let failure: Error | undefined
  let wake: () => void = () => {}
  socket.on('message', (bytes) => {
    replies.push(bytes)
    wire.record({ direction: 'received', channel, bytes, note: describePacket(bytes) })
    wake()
  })
  const connected = Promise.withResolvers<void>()
  socket.on('error', (cause) => {
    failure ??= new UnreachableError(`${channel}: ${cause.message}`, { cause })
    connected.reject(failure)
    wake()
  })
  // A connected socket takes packets of this address and port only, as a resolver must (RFC 5452 §9.1), and hears when
  // nobody listens there.
  socket.connect(server.port, server.address, () => connected.resolve())
  try {
    await connected.promise
  } catch (error) {
    socket.close()
    throw error
  }
  return {
    send(packet) {
      wire.record({ direction: 'sent', channel, bytes: packet, note: describeQuery(packet) })
      socket.send(packet)
    },
    async receive(wanted, waitMs) {
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(waitMs)])
      for (;;) {
        for (let reply = replies.shift(); reply !== undefined; reply = replies.shift()) {
          if (wanted(reply)) return reply
        }
        signal.throwIfAborted()
        if (failure !== undefined) throw failure
        if (deadline.aborted) return undefined
        await new Promise<void>((resolve) => {
          wake = resolve
          deadline.addEventListener('abort', () => resolve(), { once: true })
        })
      }
    },
    close() {
      socket.close()
    },
  }
}

/** A packet too short for an id takes any reply. */
export function hasIdOf(reply: Uint8Array, packet: Uint8Array): boolean {
  return packet.length < 2 || (reply[0] === packet[0] && reply[1] === packet[1])
}

/** Whether it carries the id of the packet; what does not is told to `strays`. */
export function isReply(reply: Uint8Array, packet: Uint8Array, strays?: Strays): boolean {
  const found = hasIdOf(reply, packet)
  if (!found) addStray(strays, reply)
  return found
}

export function addStray(strays: Strays | undefined, bytes: Uint8Array): void {
  if (strays === undefined) return
  strays.count += 1
  strays.first ??= bytes
}

export function addressText({ address, port }: DnsTarget): string {
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`
}
