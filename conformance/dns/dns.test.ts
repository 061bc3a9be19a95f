// The packets are compared with those of another implementation, dns-packet; the exchange is with sockets that
// misbehave as servers do.
import dnsPacket from 'dns-packet'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { test, type Test } from 'tap'
import type { WireEntry } from '../suite/wire-log.ts'
import { FLAG, TYPE } from './codes.ts'
import { describeMessage, describeQuery } from './describe.ts'
import { readMessage } from './read.ts'
import { exchangeTcp, openTcp } from './tcp.ts'
import { exchangeUdp, UnreachableError } from './udp.ts'
import { joinBytes, mixCase, withLength, writeName, writeQuery } from './write.ts'

const NAME = 'ip4203-0-113-7.nt.example'

test('a query is written as dns-packet writes it, with and without EDNS', async (t) => {
  const written = writeQuery({ name: NAME, type: TYPE.AAAA, id: 0x1234, flags: FLAG.RD })
  const questions = [{ name: NAME, type: 'AAAA' as const }]
  const theirs = { type: 'query' as const, id: 0x1234, flags: FLAG.RD, questions }
  t.same(written, Uint8Array.from(dnsPacket.encode(theirs)))

  const edns = {
    payloadBytesMax: 4096,
    flags: 0x8000,
    options: [{ code: 10, data: Uint8Array.of(1, 2) }],
  }
  const decoded = dnsPacket.decode(Buffer.from(writeQuery({ name: NAME, type: TYPE.A, edns })))
  t.match(decoded.additionals, [
    { type: 'OPT', name: '.', udpPayloadSize: 4096, flag_do: true, options: [{ code: 10 }] },
  ])
})

test('names are written as they are: escaped, in mixed case, too long', async (t) => {
  t.same(writeName('a\\.b.c'), Uint8Array.of(3, 0x61, 0x2e, 0x62, 1, 0x63, 0))
  t.same(writeName('\\000.'), Uint8Array.of(1, 0, 0))
  t.same(writeName(''), Uint8Array.of(0))
  t.equal(writeName('a'.repeat(64))[0], 64)
  let turn = 0
  t.equal(
    mixCase('ab-1c', () => (turn++ % 2) / 2),
    'Ab-1C',
  )
})

test('answers of every kind are read as dns-packet writes them', async (t) => {
  const soa = {
    mname: 'ns1.nt.example',
    rname: 'hostmaster.nt.example',
    serial: 1,
    refresh: 2,
    retry: 3,
    expire: 4,
    minimum: 10,
  }
  const message = readMessage(
    dnsPacket.encode({
      type: 'response',
      id: 7,
      flags: FLAG.AA | FLAG.RD | 3,
      questions: [{ name: NAME, type: 'A' }],
      answers: [
        { name: NAME, type: 'A', ttl: 36_000, data: '203.0.113.7' },
        { name: NAME, type: 'AAAA', ttl: 1, data: '2001:db8::1' },
        { name: NAME, type: 'TXT', ttl: 1, data: ['a"b', 'c'] },
        { name: NAME, type: 'CAA', ttl: 1, data: { flags: 0, tag: 'issue', value: 'ca.test' } },
        { name: NAME, type: 'NS', ttl: 1, data: 'ns1.nt.example' },
        { name: NAME, type: 'MX', ttl: 1, data: { preference: 1, exchange: 'm' } },
      ],
      authorities: [{ name: 'nt.example', type: 'SOA', ttl: 10, data: soa }],
    }),
  )
  t.match(message, { id: 7, rcode: 3, authoritative: true, truncated: false, edns: undefined })
  t.same(
    message.answers.map(({ text }) => text),
    [
      '203.0.113.7',
      '2001:db8:0:0:0:0:0:1',
      '"a\\"b" "c"',
      '0 issue "ca.test"',
      'ns1.nt.example',
      '\\# 5 0001016d00',
    ],
  )
  t.equal(message.authority[0]?.text, 'ns1.nt.example hostmaster.nt.example 1 2 3 4 10')
  t.match(describeMessage(message), /^NXDOMAIN; AA RD; answers: .*authority: nt\.example 10 SOA /)
})

test('what does not fit is told: cut, too long, pointers that lead nowhere, data of another length', async (t) => {
  const question = writeQuery({ name: 'x', type: TYPE.A })
  const head = Uint8Array.from(question)
  head[7] = 1
  const a = (data: readonly number[]) =>
    joinBytes(head, [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, data.length], data)
  t.equal(readMessage(a([1, 2, 3, 4])).answers[0]?.text, '1.2.3.4')
  for (const [bytes, reason] of [
    [question.subarray(0, 5), /too early/],
    [joinBytes(question, [1]), /1 bytes stand after/],
    [a([1, 2, 3]), /4 bytes are announced/],
    [a([1, 2, 3, 4, 5]), /1 bytes too many/],
    [joinBytes(question.subarray(0, 12), [0xc0, 12, 0, 1, 0, 1]), /points forward/],
    [joinBytes(question.subarray(0, 12), [0x80, 0, 0, 1, 0, 1]), /length byte 128/],
  ] as const) {
    t.throws(() => readMessage(bytes), { name: 'SyntaxError', message: reason })
  }
  t.equal(describeQuery(Uint8Array.of(1, 2)), '0102')
})

test('UDP: a lost packet is sent again and counted, other ids are passed over, silence is told', async (t) => {
  const entries: WireEntry[] = []
  const socket = createSocket('udp4')
  t.teardown(() => socket.close())
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  let received = 0
  socket.on('message', (packet, { port }) => {
    received += 1
    if (received === 1) return
    const reply = Uint8Array.from(packet)
    reply[0] = received === 2 ? 0xff : 0x12
    socket.send(reply, port)
    if (received === 2) socket.send(packet, port)
  })
  const init = {
    server: socket.address(),
    wire: { record: (entry: WireEntry) => void entries.push(entry) },
    signal: AbortSignal.timeout(10_000),
    tryMs: 100,
  }
  const packet = writeQuery({ name: NAME, type: TYPE.A, id: 0x1234 })
  const reply = await exchangeUdp(packet, init)
  t.equal(reply?.tries, 2)
  t.same(Uint8Array.from(reply?.bytes ?? []), packet)
  t.same(
    entries.map(({ direction }) => direction),
    ['sent', 'sent', 'received', 'received'],
  )
  socket.removeAllListeners('message')
  t.equal(await exchangeUdp(packet, { ...init, triesMax: 2 }), undefined)
})

test('where nobody listens, that is told at once', async (t) => {
  const port = await unusedPort()
  const init = {
    server: { address: '127.0.0.1', port },
    wire: { record() {} },
    signal: AbortSignal.timeout(10_000),
  }
  const packet = writeQuery({ name: NAME, type: TYPE.A })
  await t.rejects(exchangeUdp(packet, init), UnreachableError)
  await t.rejects(exchangeTcp(packet, init), UnreachableError)
})

test('TCP: messages are cut out of the bytes however they come, and the end is seen', async (t) => {
  const server = createServer((socket) => {
    socket.setNoDelay(true)
    socket.once('data', (bytes) => {
      const both = Buffer.concat([bytes, bytes])
      socket.write(both.subarray(0, 1))
      setImmediate(() => {
        socket.write(both.subarray(1, bytes.length + 3))
        setImmediate(() => socket.end(both.subarray(bytes.length + 3)))
      })
    })
  })
  const address = await listening(t, server)
  const init = { server: address, wire: { record() {} }, signal: AbortSignal.timeout(10_000) }
  const packet = writeQuery({ name: NAME, type: TYPE.A, id: 5 })
  const connection = await openTcp(init)
  t.teardown(() => connection.close())
  await connection.send(withLength(packet))
  t.same(await connection.receive(), packet)
  t.same(await connection.receive(), packet)
  t.ok(await connection.ended(5_000))
  t.equal(await connection.receive(), undefined)
  t.match(await exchangeTcp(packet, init), { bytes: packet })
})

test('TCP: of a server that sends without end a bounded part is taken, and others have their turn', async (t) => {
  const zeros = Buffer.alloc(64 * 1024)
  let sent = 0
  const server = createServer((socket) => {
    const more = (): void => {
      do sent += zeros.length
      while (socket.write(zeros))
    }
    socket.on('drain', more).on('error', () => {})
    more()
  })
  const entries: WireEntry[] = []
  const init = {
    server: await listening(t, server),
    wire: { record: (entry: WireEntry) => void entries.push(entry) },
    signal: AbortSignal.timeout(20_000),
    strays: { count: 0 },
  }
  const idle = await openTcp(init)
  t.teardown(() => idle.close())
  t.notOk(await idle.ended(500), 'nobody takes what comes, and the server waits')
  t.ok(entries.length <= 256, `${entries.length} unread messages`)

  let turns = 0
  const timer = setInterval(() => (turns += 1), 1)
  const packet = writeQuery({ name: NAME, type: TYPE.A, id: 0x1234 })
  t.equal(await exchangeTcp(packet, init), undefined)
  clearInterval(timer)
  t.equal(init.strays.count, 10_001, 'the messages, and the bytes after them')
  t.ok(turns > 5, `${turns} turns of others`)
  t.match(entries.at(-1)?.note, /^given up: more than 10000 messages/)
  t.ok(sent < 64 * 1024 * 1024, `${sent} bytes sent`)

  const flooded = await openTcp(init)
  t.teardown(() => flooded.close())
  while ((await flooded.receive()) !== undefined);
  t.notOk(await flooded.ended(100), 'the server has not ended it')
})

async function listening(t: Test, server: ReturnType<typeof createServer>): Promise<AddressInfo> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return server.address() as AddressInfo
}

async function unusedPort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
