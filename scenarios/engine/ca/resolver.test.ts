// The forwarding resolver between real sockets on loopback: each upstream is a server of the test that says
// how it behaves. Packets are bytes here, as they are for the resolver.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { test } from 'tap'
import { openResolver } from './resolver.ts'
import type { Upstream } from './resolver.ts'
import { serverFailure } from './resolver-packet.ts'
import { framed, onMessages, upstream } from './testing.ts'

/** A query for the TXT records of `<name>.test`, in the case given. */
function query(id: number, name: string): Buffer {
  const label = Buffer.from(name)
  return Buffer.concat([
    Buffer.from([id >> 8, id & 0xff, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0, label.length]),
    label,
    Buffer.from([4, ...Buffer.from('test'), 0, 0, 16, 0, 1]),
  ])
}

/** What an upstream says: the query with QR, an RCODE and its own mark at the end. */
function response(asked: Uint8Array, rcode: number, mark: string): Buffer {
  const bytes = Buffer.concat([asked, Buffer.from(mark)])
  bytes[2] = 0x84
  bytes[3] = rcode
  return bytes
}

/** A port of loopback where nobody listens. */
async function deadUpstream(): Promise<Upstream> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new Error('no port')
  await new Promise((resolve) => server.close(resolve))
  return { address: '127.0.0.1', port: bound.port }
}

/** Sends all at once and returns the answers in the order in which they come. */
async function askUdp(port: number, ...queries: readonly Uint8Array[]): Promise<readonly Buffer[]> {
  const socket = createSocket('udp4')
  const answers: Buffer[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  socket.on('message', (message) => {
    answers.push(message)
    if (answers.length === queries.length) resolve()
  })
  for (const packet of queries) socket.send(packet, port, '127.0.0.1')
  await promise
  socket.close()
  return answers
}

async function askTcp(port: number, bytes: Uint8Array, count: number): Promise<readonly Buffer[]> {
  const socket = connect({ host: '127.0.0.1', port })
  const answers: Buffer[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  onMessages(socket, (message) => {
    answers.push(message)
    if (answers.length === count) resolve()
  })
  socket.write(bytes)
  await promise
  socket.destroy()
  return answers
}

const TRANSPORTS = {
  udp: async (port: number, packet: Uint8Array) => (await askUdp(port, packet))[0],
  tcp: async (port: number, packet: Uint8Array) => (await askTcp(port, framed(packet), 1))[0],
}

test('an answer passes as it is, under the transaction id of the query', async (t) => {
  const good = await upstream(t, (asked) => response(asked, 0, 'answer'))
  await using resolver = await openResolver({ upstreams: () => [good] })
  t.equal(resolver.address, `127.0.0.1:${resolver.port}`)
  for (const [name, ask] of Object.entries(TRANSPORTS)) {
    const asked = query(0xbeef, 'CaSe')
    t.same(await ask(resolver.port, asked), response(asked, 0, 'answer'), name)
  }
  t.match(resolver.counters, { udpQueries: 1, tcpQueries: 1, failovers: 0, failures: 0 })
})

test('the next server is asked after a dead one, a silent one and a refusal', async (t) => {
  const good = await upstream(t, (asked) => response(asked, 0, 'answer'))
  const silent = await upstream(t, () => undefined)
  const strange = await upstream(t, () => Buffer.from('no DNS'))
  const refused = await upstream(t, (asked) => response(asked, 5, 'refused'))
  const failed = await upstream(t, (asked) => response(asked, 2, 'failed'))
  const dead = await deadUpstream()
  for (const [name, bad] of Object.entries({ silent, strange, refused, failed, dead })) {
    // Each server is first in one of two queries.
    await using resolver = await openResolver({ upstreams: () => [good, bad], silenceMs: 100 })
    for (const [transport, ask] of Object.entries(TRANSPORTS)) {
      for (const id of [1, 2]) {
        const asked = query(id, 'name')
        const said = await ask(resolver.port, asked)
        t.same(said, response(asked, 0, 'answer'), `${name} ${transport} ${id}`)
      }
    }
    t.match(resolver.counters, { failovers: 2, failures: 0 }, name)
  }
})

test('a name that does not exist is an answer: no other server is asked', async (t) => {
  const knows = await upstream(t, (asked) => response(asked, 3, 'nxdomain'))
  await using resolver = await openResolver({ upstreams: () => [knows, knows] })
  const asked = query(7, 'name')
  for (const ask of Object.values(TRANSPORTS)) {
    t.same(await ask(resolver.port, asked), response(asked, 3, 'nxdomain'))
  }
  t.equal(resolver.counters.failovers, 0)
})

test('without any answer the client gets the refusal, or else SERVFAIL', async (t) => {
  const silent = await upstream(t, () => undefined)
  const refused = await upstream(t, (asked) => response(asked, 5, 'refused'))
  const asked = query(9, 'name')
  const cases = [
    [[silent, refused], response(asked, 5, 'refused')],
    [[silent, silent], serverFailure(asked)],
    [[], serverFailure(asked)],
  ] as const
  for (const [servers, wanted] of cases) {
    await using resolver = await openResolver({ upstreams: () => servers, silenceMs: 50 })
    for (const ask of Object.values(TRANSPORTS)) t.same(await ask(resolver.port, asked), wanted)
    t.equal(resolver.counters.failures, 2)
  }
  const failure = serverFailure(asked)
  t.same([...failure.subarray(0, 6)], [0, 9, 0x81, 0x82, 0, 1])
  t.same(failure.subarray(12), asked.subarray(12), 'the question is repeated')
  t.equal(serverFailure(asked.subarray(0, 15)).length, 12, 'a cut question is left out')
})

test('equal transaction ids of several clients and names are kept apart', async (t) => {
  // Answers come back in the opposite order of the queries.
  const held: (() => void)[] = []
  const udp = createSocket('udp4', (asked, { port, address }) => {
    held.push(() => udp.send(response(asked, 0, ''), port, address))
    if (held.length === 20) for (const say of held.toReversed()) say()
  })
  udp.bind(0, '127.0.0.1')
  await once(udp, 'listening')
  t.teardown(() => udp.close())
  const servers = [{ address: '127.0.0.1', port: udp.address().port }]
  await using resolver = await openResolver({ upstreams: () => servers, silenceMs: 5_000 })
  const asked = Array.from({ length: 20 }, (_, index) => query(4, `name${index}`))
  const answered = await Promise.all(asked.map((packet) => askUdp(resolver.port, packet)))
  t.same(
    answered.flat(),
    asked.map((packet) => response(packet, 0, '')),
  )
})

test('queries on one TCP connection are answered each, however they are cut', async (t) => {
  const good = await upstream(t, (asked) => response(asked, 0, ''))
  await using resolver = await openResolver({ upstreams: () => [good] })
  const asked = Array.from({ length: 50 }, (_, index) => query(index, `name${index}`))
  const said = await askTcp(resolver.port, framed(...asked), asked.length)
  const byId = said.toSorted((one, other) => one.readUInt16BE(0) - other.readUInt16BE(0))
  t.same(
    byId,
    asked.map((packet) => response(packet, 0, '')),
  )

  const socket = connect({ host: '127.0.0.1', port: resolver.port, noDelay: true })
  t.teardown(() => socket.destroy())
  const answered = Promise.withResolvers<Buffer>()
  onMessages(socket, answered.resolve)
  for (const byte of framed(query(3, 'name'))) {
    await new Promise((resolve) => socket.write(Buffer.from([byte]), resolve))
  }
  t.same(await answered.promise, response(query(3, 'name'), 0, ''))
})

test('what is no query gets no answer, and the resolver goes on', async (t) => {
  const asked: Uint8Array[] = []
  const good = await upstream(t, (packet) => {
    asked.push(packet)
    return response(packet, 0, '')
  })
  await using resolver = await openResolver({ upstreams: () => [good] })
  const socket = createSocket('udp4')
  for (const junk of [Buffer.alloc(0), Buffer.alloc(11), response(query(1, 'name'), 0, '')]) {
    socket.send(junk, resolver.port, '127.0.0.1')
  }
  const closed = connect({ host: '127.0.0.1', port: resolver.port })
  closed.write(framed(Buffer.from('no DNS')))
  await once(closed, 'close')
  t.same((await askUdp(resolver.port, query(2, 'name'))).length, 1)
  socket.close()
  t.equal(asked.length, 1, 'nothing else reached the server')
})

test('the servers are asked for anew with each query, and close ends everything', async (t) => {
  const one = await upstream(t, (asked) => response(asked, 0, 'one'))
  const other = await upstream(t, (asked) => response(asked, 0, 'other'))
  const servers = [one]
  const resolver = await openResolver({ upstreams: () => servers })
  t.same((await askUdp(resolver.port, query(1, 'name')))[0]?.subarray(-3).toString(), 'one')
  servers[0] = other
  t.same((await askUdp(resolver.port, query(1, 'name')))[0]?.subarray(-5).toString(), 'other')
  const open = connect({ host: '127.0.0.1', port: resolver.port })
  await once(open, 'connect')
  open.resume()
  await Promise.all([once(open, 'close'), resolver.close(), resolver.close()])
  await t.rejects(openResolver({ upstreams: () => [], port: one.port }), { code: 'EADDRINUSE' })
})
