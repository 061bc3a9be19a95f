import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { describePacket, describeQuery } from './describe.ts'
import {
  addressText,
  addStray,
  isReply,
  UnreachableError,
  type ExchangeInit,
  type Reply,
} from './udp.ts'
import { withLength } from './write.ts'

const CONNECT_MS_MAX = 5_000
const REPLY_MS_DEFAULT = 3_000
/** Of messages that nobody has taken yet; the server has to wait then. */
const UNREAD_MAX = 256
const UNREAD_BYTES_MAX = 1024 * 1024
/** On one connection, which is given up then: no check asks for a hundredth of that. */
const MESSAGES_MAX = 10_000
const BYTES_MAX = 16 * 1024 * 1024

/** A TCP connection to a DNS server, its messages cut out of the bytes. */
export interface TcpConnection {
  /** Sends bytes as they are. Whole messages need `withLength`. */
  send(bytes: Uint8Array, note?: string): Promise<void>
  /** The next message; undefined when the server ended the connection, sent far too much, or none came in time. */
  receive(waitMs?: number): Promise<Uint8Array | undefined>
  /** What came and is no whole message yet. */
  rest(): Uint8Array
  /** Ends our side only. */
  end(): void
  /** Resolves to true when the server ended the connection, to false when the time is over. */
  ended(waitMs: number): Promise<boolean>
  close(): void
}

/** Asks one question on a connection of its own. Undefined after silence, or when the server closes without an answer. */
export async function exchangeTcp(
  packet: Uint8Array,
  init: ExchangeInit,
): Promise<Reply | undefined> {
  const connection = await openTcp(init)
  try {
    await connection.send(withLength(packet), describeQuery(packet))
    for (;;) {
      const bytes = await connection.receive()
      if (bytes === undefined) {
        const rest = connection.rest()
        if (rest.length > 0) addStray(init.strays, rest)
        return undefined
      }
      if (isReply(bytes, packet, init.strays)) return { bytes, tries: 1 }
    }
  } finally {
    connection.close()
  }
}

/** @throws {UnreachableError} when no connection comes about. */
export async function openTcp({ server, wire, signal }: ExchangeInit): Promise<TcpConnection> {
  signal.throwIfAborted()
  const channel = `tcp ${addressText(server)}`
  const socket = connect({ port: server.port, host: server.address, noDelay: true })
  try {
    await once(socket, 'connect', {
      signal: AbortSignal.any([signal, AbortSignal.timeout(CONNECT_MS_MAX)]),
    })
  } catch (cause) {
    socket.destroy()
    signal.throwIfAborted()
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new UnreachableError(`${channel}: ${reason}`, { cause })
  }
  const received = new Received(socket)
  received.onMessage = (bytes) => {
    wire.record({ direction: 'received', channel, bytes, note: describePacket(bytes) })
  }
  received.onGivenUp = () => {
    const note = `given up: more than ${MESSAGES_MAX} messages or ${BYTES_MAX} bytes`
    wire.record({ direction: 'received', channel, bytes: new Uint8Array(0), note })
  }
  return {
    async send(bytes, note) {
      wire.record({ direction: 'sent', channel, bytes, ...(note === undefined ? {} : { note }) })
      await new Promise<void>((resolve) => socket.write(bytes, () => resolve()))
    },
    receive: (waitMs = REPLY_MS_DEFAULT) => received.message(waitMs, signal),
    rest: () => received.rest,
    end() {
      socket.end()
    },
    async ended(waitMs) {
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(waitMs)])
      await received.closed(deadline)
      signal.throwIfAborted()
      if (!received.over || received.givenUp) return false
      wire.record({ direction: 'received', channel, bytes: new Uint8Array(0), note: 'closed' })
      return true
    },
    close() {
      socket.destroy()
    },
  }
}

/** What came, cut into messages; of what a server may send without end there is never much. */
class Received {
  onMessage: (bytes: Uint8Array) => void = () => {}
  onGivenUp: () => void = () => {}
  over = false
  /** It is over because we have ended it. */
  givenUp = false
  readonly #socket: Socket
  #bytes: Buffer = Buffer.alloc(0)
  readonly #messages: Uint8Array[] = []
  #unreadBytes = 0
  #allMessages = 0
  #allBytes = 0
  readonly #waiting = new Set<() => void>()

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#allBytes += chunk.length
      this.#bytes = Buffer.concat([this.#bytes, chunk])
      this.#cut()
      this.#wake()
    })
    const end = (): void => {
      this.over = true
      this.#wake()
    }
    socket.on('end', end)
    socket.on('close', end)
    // A reset is an end too; what it means, the check knows.
    socket.on('error', end)
  }

  get rest(): Uint8Array {
    return Uint8Array.from(this.#bytes)
  }

  async message(waitMs: number, signal: AbortSignal): Promise<Uint8Array | undefined> {
    if (this.#messages.length === 0) {
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(waitMs)])
      while (this.#messages.length === 0 && !this.over && !deadline.aborted) {
        await this.#changed(deadline)
      }
    }
    signal.throwIfAborted()
    const message = this.#messages.shift()
    if (message === undefined) return undefined
    this.#unreadBytes -= message.length
    this.#cut()
    // Whoever takes one after the other lets nothing else happen meanwhile, deadlines among it.
    if (this.#allMessages % UNREAD_MAX === 0) await turn()
    return message
  }

  async closed(deadline: AbortSignal): Promise<void> {
    while (!this.over && !deadline.aborted) await this.#changed(deadline)
  }

  /** As many messages as there is room for. */
  #cut(): void {
    const full = (): boolean =>
      this.#messages.length >= UNREAD_MAX || this.#unreadBytes >= UNREAD_BYTES_MAX
    while (
      !full() &&
      this.#bytes.length >= 2 &&
      this.#bytes.length >= 2 + this.#bytes.readUInt16BE()
    ) {
      if (this.#allMessages >= MESSAGES_MAX || this.#allBytes > BYTES_MAX) {
        this.#giveUp()
        return
      }
      const end = 2 + this.#bytes.readUInt16BE()
      const message = Uint8Array.from(this.#bytes.subarray(2, end))
      this.#allMessages += 1
      this.#unreadBytes += message.length
      this.#messages.push(message)
      this.onMessage(message)
      this.#bytes = this.#bytes.subarray(end)
    }
    if (full()) this.#socket.pause()
    else this.#socket.resume()
  }

  #giveUp(): void {
    if (this.givenUp) return
    this.givenUp = true
    this.over = true
    this.#socket.destroy()
    this.onGivenUp()
  }

  async #changed(deadline: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#waiting.add(resolve)
      deadline.addEventListener('abort', () => resolve(), { once: true })
    })
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }
}
