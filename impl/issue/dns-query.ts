import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, isIPv6 } from 'node:net'

/** Where a DNS server answers. */
export interface DnsEndpoint {
  /** IPv4 or IPv6 address. */
  readonly address: string
  readonly port: number
}

/** What stands before the question of every message (RFC 1035 §4.1.1). */
export const HEADER_BYTES = 12
/** The response code among the flags of a message. */
export const RCODE_MASK = 0x000f
const CLASS_IN = 1
const FLAG_RESPONSE = 0x8000
const FLAG_TRUNCATED = 0x0200
/** Sent again after this much silence: a packet may be lost. */
const UDP_RETRY_MS = 400
const UDP_TRIES_MAX = 4
/** Pointers followed in one name; a name has at most 127 labels (RFC 1035 §4.1.4). */
const NAME_STEPS_MAX = 128

/**
 * The whole answer of one DNS server to one question: by UDP, and by TCP where it does not fit.
 *
 * Written here and not asked of node:dns, whose c-ares goes past node:dgram: a simulated network would never see it.
 * @throws {Error} when the server stays silent or cannot be reached.
 */
export async function ask(
  question: { readonly name: string; readonly type: number },
  server: DnsEndpoint,
  { signal }: { readonly signal: AbortSignal },
): Promise<Buffer> {
  const query = encodeQuery(question, randomInt(0x10000))
  const answer = await queryUdp(query, server, signal)
  const truncated = (answer.readUInt16BE(2) & FLAG_TRUNCATED) !== 0
  return truncated ? queryTcp(query, server, signal) : answer
}

function encodeQuery(
  { name, type }: { readonly name: string; readonly type: number },
  id: number,
): Buffer {
  const labels = name.split('.').map((label) => {
    const bytes = Buffer.from(label, 'latin1')
    return Buffer.concat([Buffer.of(bytes.length), bytes])
  })
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt16BE(id, 0)
  header.writeUInt16BE(1, 4)
  return Buffer.concat([header, ...labels, Buffer.of(0, 0, type, 0, CLASS_IN)])
}

/** An answer to this very query: same id, and the question as it was sent (RFC 5452 §9.1). */
function isAnswer(message: Buffer, query: Buffer): boolean {
  return (
    message.length >= query.length &&
    message.readUInt16BE(0) === query.readUInt16BE(0) &&
    (message.readUInt16BE(2) & FLAG_RESPONSE) !== 0 &&
    message.readUInt16BE(4) === 1 &&
    message.subarray(HEADER_BYTES, query.length).equals(query.subarray(HEADER_BYTES))
  )
}

async function queryUdp(query: Buffer, server: DnsEndpoint, signal: AbortSignal): Promise<Buffer> {
  signal.throwIfAborted()
  const socket = createSocket(isIPv6(server.address) ? 'udp6' : 'udp4')
  const answered = Promise.withResolvers<Buffer>()
  const abort = (): void => answered.reject(signal.reason)
  let tries = 0
  const send = (): void => {
    tries += 1
    if (tries > UDP_TRIES_MAX) {
      answered.reject(
        new Error(`dns server ${server.address} port ${server.port} did not answer a query`),
      )
      return
    }
    socket.send(query)
  }
  let timer: NodeJS.Timeout | undefined
  signal.addEventListener('abort', abort, { once: true })
  socket.on('message', (message) => {
    // Anything else on this port is somebody's attempt, or an answer that comes late.
    if (isAnswer(message, query)) answered.resolve(message)
  })
  socket.on('error', answered.reject)
  // A connected socket takes packets of this server only, and learns when nobody listens there.
  socket.connect(server.port, server.address, () => {
    send()
    timer = setInterval(send, UDP_RETRY_MS)
  })
  try {
    return await answered.promise
  } finally {
    signal.removeEventListener('abort', abort)
    clearInterval(timer)
    socket.close()
  }
}

async function queryTcp(query: Buffer, server: DnsEndpoint, signal: AbortSignal): Promise<Buffer> {
  const socket = connect({ host: server.address, port: server.port, signal })
  try {
    await once(socket, 'connect', { signal })
    const length = Buffer.alloc(2)
    length.writeUInt16BE(query.length)
    socket.write(Buffer.concat([length, query]))
    let received = Buffer.alloc(0)
    // The length is 16 bits, which bounds what is read here.
    for await (const chunk of socket) {
      received = Buffer.concat([received, chunk as Buffer])
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) continue
      const message = received.subarray(2, 2 + received.readUInt16BE(0))
      if (!isAnswer(message, query)) throw new Error('dns server answered another query over tcp')
      return message
    }
    throw new Error('dns server closed the connection without an answer')
  } finally {
    socket.destroy()
  }
}

/** Where the name that begins at `start` has ended. */
export function skipName(message: Buffer, start: number): number {
  let position = start
  for (let steps = 0; steps < NAME_STEPS_MAX; steps += 1) {
    const length = message.readUInt8(position)
    if (length === 0) return position + 1
    if (length >= 0xc0) return position + 2
    position += 1 + length
  }
  throw new RangeError('dns answer has an endless name')
}
