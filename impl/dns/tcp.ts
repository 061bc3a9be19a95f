import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { ConnectionSlots } from './connection-slots.ts'
import { readUint16, writeUint16 } from './records.ts'
import type { Respond, SocketReport } from './sockets.ts'

/** Bounds of the TCP side, at all addresses that are listened on together. */
export interface TcpLimits {
  /** One more ends the connection that has asked nothing for longest. @default 1024 */
  readonly connections?: number | undefined
  /** From one IPv4 address or one IPv6 /64. @default 64 */
  readonly connectionsPerAddress?: number | undefined
  /** Within this time of the last whole query the next one has to be complete, in ms. @default 10 s */
  readonly idleTimeoutMs?: number | undefined
}

/** A TCP server and how to end it. */
export interface TcpListener {
  readonly port: number
  /** Stops listening and ends the connections, after what was written has gone, within a second. */
  close(): Promise<void>
}

const CONNECTIONS_MAX_DEFAULT = 1024
const CONNECTIONS_PER_ADDRESS_MAX_DEFAULT = 64
const IDLE_TIMEOUT_MS_DEFAULT = 10_000
const CLOSE_TIMEOUT_MS = 1_000
const LISTEN_BACKLOG = 511
/**
 * Answers are written in pieces of about this length. When the system takes one no longer at once, nothing more is read
 * or answered until the peer has read: so much, and what the socket itself holds back, is all that may wait.
 */
const WRITE_BYTES_MAX = 64 * 1024
const LENGTH_PREFIX_BYTES = 2
const PENDING_BYTES_MIN = 512

/** Room for as many connections as the limits allow, for all the ports of one server. */
export function connectionSlots(limits: TcpLimits): ConnectionSlots {
  return new ConnectionSlots({
    total: limits.connections ?? CONNECTIONS_MAX_DEFAULT,
    perAddress: limits.connectionsPerAddress ?? CONNECTIONS_PER_ADDRESS_MAX_DEFAULT,
  })
}

/**
 * Answers queries on a TCP port: many a connection, in order, however they are cut (RFC 7766).
 * @throws the system's error when the port cannot be bound.
 */
export async function bindTcp(init: {
  readonly address: string
  readonly port: number
  readonly respond: Respond
  readonly report: SocketReport
  readonly limits: TcpLimits
  readonly slots: ConnectionSlots
}): Promise<TcpListener> {
  const connections = new Set<Socket>()

  const server = createServer({ noDelay: true }, (socket) => {
    const [address = ''] = (socket.remoteAddress ?? '').split('%')
    const drop = (): void => {
      socket.destroy()
      init.report.dropped('tcp')
    }
    const slot = init.slots.take(address, drop)
    if (slot === undefined) return drop()
    connections.add(socket)
    socket.on('close', () => {
      connections.delete(socket)
      slot.release()
    })
    serveConnection(socket, {
      respond: init.respond,
      used: () => slot.used(),
      idleTimeoutMs: init.limits.idleTimeoutMs ?? IDLE_TIMEOUT_MS_DEFAULT,
    })
  })
  await listen(server, init)
  server.on('error', (error) => init.report.failed(error))
  const bound = server.address()
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : init.port,
    async close() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of connections) socket.destroySoon()
      const timer = setTimeout(() => {
        for (const socket of connections) socket.destroy()
      }, CLOSE_TIMEOUT_MS)
      await closed
      clearTimeout(timer)
    },
  }
}

async function listen(
  server: Server,
  { address, port }: { readonly address: string; readonly port: number },
): Promise<void> {
  const listening = once(server, 'listening')
  server.listen({ host: address, port, ipv6Only: true, backlog: LISTEN_BACKLOG, exclusive: true })
  await listening
}

/** One connection. A peer's failure ends it and concerns nobody else. */
function serveConnection(
  socket: Socket,
  init: {
    readonly respond: Respond
    readonly used: () => void
    readonly idleTimeoutMs: number
  },
): void {
  const pending = new PendingBytes()
  // Not a timeout of the socket, which every single byte would extend.
  const deadline = setTimeout(() => {
    // Whoever does not read would have the system keep the answers for minutes more.
    if (socket.writableLength > 0) socket.resetAndDestroy()
    else socket.destroy()
  }, init.idleTimeoutMs)

  /** Answers whole queries until the peer has to read first; returns how many bytes they were. */
  const consume = (bytes: Uint8Array): number => {
    let position = 0
    let taken: number
    do {
      taken = answerSome(bytes.subarray(position))
      position += taken
    } while (taken > 0 && !socket.writableNeedDrain)
    if (position > 0) {
      deadline.refresh()
      init.used()
    }
    return position
  }

  const answerSome = (bytes: Uint8Array): number => {
    const responses: Uint8Array[] = []
    let responsesLength = 0
    let position = 0
    while (position + LENGTH_PREFIX_BYTES <= bytes.length && responsesLength < WRITE_BYTES_MAX) {
      const start = position + LENGTH_PREFIX_BYTES
      const end = start + readUint16(bytes, position)
      if (end > bytes.length) break
      const response = init.respond(bytes.subarray(start, end), 'tcp')
      if (response !== undefined) {
        const prefix = new Uint8Array(LENGTH_PREFIX_BYTES)
        writeUint16(prefix, response.length, 0)
        responses.push(prefix, response)
        responsesLength += LENGTH_PREFIX_BYTES + response.length
      }
      position = end
    }
    if (responses.length > 0) socket.write(Buffer.concat(responses, responsesLength))
    return position
  }

  socket.on('data', (chunk: Buffer) => {
    if (pending.length === 0) {
      pending.push(chunk.subarray(consume(chunk)))
    } else {
      pending.push(chunk)
      pending.shift(consume(pending.bytes))
    }
    if (socket.writableNeedDrain) socket.pause()
  })
  socket.on('drain', () => {
    pending.shift(consume(pending.bytes))
    if (!socket.writableNeedDrain) socket.resume()
  })
  socket.on('error', () => socket.destroy())
  socket.on('close', () => clearTimeout(deadline))
}

/** What came of queries that are not complete. Grows with what was sent, not with what was announced. */
class PendingBytes {
  #buffer = new Uint8Array(0)
  #length = 0

  get length(): number {
    return this.#length
  }

  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length)
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    const needed = this.#length + chunk.length
    if (needed > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(needed, 2 * this.#buffer.length, PENDING_BYTES_MIN))
      grown.set(this.bytes)
      this.#buffer = grown
    }
    this.#buffer.set(chunk, this.#length)
    this.#length = needed
  }

  shift(count: number): void {
    if (count === 0) return
    this.#buffer.copyWithin(0, count, this.#length)
    this.#length -= count
    // A connection at rest holds nothing.
    if (this.#length === 0) this.#buffer = new Uint8Array(0)
  }
}
