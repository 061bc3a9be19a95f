import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, isIPv6, type Socket } from 'node:net'
import { CLASS, FLAG, TYPE } from '../dns/codes.ts'
import { readMessage, type Message } from '../dns/read.ts'
import { joinBytes, uint16, withLength, writeHeader, writeName, writeOpt } from '../dns/write.ts'
import type { DnsTarget } from '../suite/target.ts'

/** A query that came, as far as a player cares. */
export interface PlayedQuery {
  /** Lower case. */
  readonly name: string
  readonly type: number
  readonly transport: 'udp' | 'tcp'
}

/** What a player answers to a TXT query. */
export interface PlayedAnswer {
  readonly values: readonly string[]
  /** Over UDP it says that there is more, and gives nothing. */
  readonly truncated?: boolean
}

/** TTL of challenges (NT-DNS-027): nothing in between shall remember what a case has set. */
const TTL_SECONDS = 0
const MESSAGE_HEADER_BYTES = 2

/** An authoritative server for TXT records that a case has in its hand; of any other type there is nothing. */
export async function serveDns(
  { address, port }: DnsTarget,
  answer: (query: PlayedQuery) => PlayedAnswer,
): Promise<{ close(): Promise<void> }> {
  const udp = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
  udp.on('message', (packet, from) => {
    const reply = respond(packet, 'udp', answer)
    if (reply !== undefined) udp.send(reply, from.port, from.address, () => {})
  })
  udp.on('error', () => {})
  udp.bind(port, address)
  await once(udp, 'listening')

  const sockets = new Set<Socket>()
  const tcp = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    let received = Buffer.alloc(0)
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      while (received.length >= MESSAGE_HEADER_BYTES) {
        const end = MESSAGE_HEADER_BYTES + received.readUInt16BE(0)
        if (received.length < end) return
        const reply = respond(received.subarray(MESSAGE_HEADER_BYTES, end), 'tcp', answer)
        received = received.subarray(end)
        if (reply !== undefined) socket.write(withLength(reply))
      }
    })
  })
  tcp.listen({ port, host: address })
  try {
    await once(tcp, 'listening')
  } catch (error) {
    udp.close()
    throw error
  }
  return {
    async close() {
      udp.close()
      for (const socket of sockets) socket.destroy()
      tcp.close()
      await once(tcp, 'close')
    },
  }
}

function respond(
  packet: Uint8Array,
  transport: 'udp' | 'tcp',
  answer: (query: PlayedQuery) => PlayedAnswer,
): Uint8Array | undefined {
  let query: Message
  try {
    query = readMessage(packet)
  } catch {
    // It is no server under test that sends that.
    return undefined
  }
  const [question] = query.questions
  if (question === undefined || (query.flags & FLAG.QR) !== 0) return undefined
  const name = question.name.toLowerCase()
  const given = answer({ name, type: question.type, transport })
  const truncated = transport === 'udp' && given.truncated === true
  const values = question.type === TYPE.TXT && !truncated ? given.values : []
  const opt = query.edns === undefined ? [] : [writeOpt({})]
  const flags = FLAG.QR | FLAG.AA | (query.flags & FLAG.RD) | (truncated ? FLAG.TC : 0)
  return joinBytes(
    writeHeader(
      { id: query.id, flags },
      { questions: 1, answers: values.length, additional: opt.length },
    ),
    question.bytes,
    ...values.map((value) => txtRecord(question.name, value)),
    ...opt,
  )
}

function txtRecord(owner: string, value: string): Uint8Array {
  const text = Buffer.from(value, 'latin1')
  return joinBytes(
    writeName(owner),
    uint16(TYPE.TXT),
    uint16(CLASS.IN),
    uint16(0),
    uint16(TTL_SECONDS),
    uint16(text.length + 1),
    [text.length],
    text,
  )
}
