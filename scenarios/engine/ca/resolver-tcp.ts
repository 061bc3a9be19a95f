// Forwards TCP queries (RFC 7766): several may be under way on a client's connection, and each is answered
// when its own server connection has the answer. One connection a query keeps transaction ids apart.
import { connect } from 'node:net'
import type { Server, Socket } from 'node:net'
import type { ResolverContext, Upstream } from './resolver.ts'
import { isQuery, isRefusal, isResponse, packetId, serverFailure } from './resolver-packet.ts'

const CONNECTIONS_MAX = 512
/** For all connections together; Pebble 2.10 asks 300 at once for an order of 100 names. */
const OUTSTANDING_MAX = 1024
const IDLE_TIMEOUT_MS = 10_000
/** A client that asks and never reads is cut off here. */
const UNSENT_LENGTH_MAX = 1 << 20

export function forwardTcp(server: Server, context: ResolverContext): { close(): void } {
  const sockets = new Set<Socket>()
  const closing = new AbortController()
  let outstanding = 0
  const forward = async (client: Socket, query: Uint8Array) => {
    context.counters.tcpQueries++
    if (outstanding >= OUTSTANDING_MAX) return write(client, serverFailure(query))
    outstanding++
    try {
      write(client, await askInTurn(query, context, closing.signal))
    } finally {
      outstanding--
    }
  }
  server.on('connection', (client) => {
    if (sockets.size >= CONNECTIONS_MAX) {
      client.destroy()
      return
    }
    sockets.add(client)
    client.once('close', () => sockets.delete(client))
    client.on('error', () => client.destroy())
    client.setTimeout(IDLE_TIMEOUT_MS, () => client.destroy())
    readMessages(client, (query) => {
      if (isQuery(query)) void forward(client, query)
      else client.destroy()
    })
  })
  return {
    close() {
      closing.abort()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** The answer of the first server that has one; never throws, SERVFAIL stands for "nobody answered". */
async function askInTurn(
  query: Uint8Array,
  { order, silenceMs, counters }: ResolverContext,
  signal: AbortSignal,
): Promise<Uint8Array> {
  let refusal: Uint8Array | undefined
  for (const [turn, server] of order().entries()) {
    if (turn > 0) counters.failovers++
    const response = await ask(server, query, silenceMs, signal)
    if (response !== undefined && !isRefusal(response)) return response
    refusal = response ?? refusal
    if (signal.aborted) break
  }
  counters.failures++
  return refusal ?? serverFailure(query)
}

/** One server's answer, undefined where it refuses the connection, is silent, or answers something else. */
async function ask(
  { address, port }: Upstream,
  query: Uint8Array,
  silenceMs: number,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  return await new Promise((resolve) => {
    const socket = connect({ host: address, port, signal })
    const timer = setTimeout(() => end(undefined), silenceMs)
    const end = (response: Uint8Array | undefined) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(response)
    }
    socket.on('error', () => end(undefined))
    socket.on('close', () => end(undefined))
    socket.on('connect', () => write(socket, query))
    readMessages(socket, (response) => {
      const ours = isResponse(response) && packetId(response) === packetId(query)
      end(ours ? response : undefined)
    })
  })
}

/** Hands on each message of a connection; at most one of 64 KiB is held incomplete. */
function readMessages(socket: Socket, onMessage: (message: Uint8Array) => void): void {
  let pending: Buffer = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
    while (pending.length >= 2) {
      const end = 2 + pending.readUInt16BE(0)
      if (pending.length < end || socket.destroyed) return
      const message = Uint8Array.from(pending.subarray(2, end))
      pending = pending.subarray(end)
      onMessage(message)
    }
  })
}

function write(socket: Socket, message: Uint8Array): void {
  if (socket.destroyed || !socket.writable) return
  if (socket.writableLength > UNSENT_LENGTH_MAX) {
    socket.destroy()
    return
  }
  const framed = Buffer.allocUnsafe(2 + message.length)
  framed.writeUInt16BE(message.length, 0)
  framed.set(message, 2)
  socket.write(framed)
}
