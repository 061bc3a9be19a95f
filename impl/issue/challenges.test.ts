// Challenges on several DNS servers, which work, refuse, hang, drop their streams, or are of 2018; and the DNS query
// that looks at each. The servers here are scripted; ours is tested in issue.real.test.ts.
import type { Libp2p } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import * as dnsPacket from 'dns-packet'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { test, type Test } from 'tap'
import { DNS01Request, DNS01Response } from '../wire/messages.ts'
import { DNS01_PROTOCOL, DNS01_REMOVE_PROTOCOL } from '../wire/protocols.ts'
import { frameStream } from '../wire/stream.ts'
import { Challenges } from './challenges.ts'
import { challengeProblem } from './health.ts'
import { decodeSoa, querySoa } from './soa-query.ts'
import { addressOf, startNode, testSignal, ZONE } from './testing.ts'
import type { DnsEndpoint } from './dns-query.ts'
import { DnsWriter } from './dns-writer.ts'
import { queryTxt } from './txt-query.ts'

/** What a server does with a request: answers a number, stays silent, or drops the stream. */
type Behaviour = (count: number) => number | 'silent' | 'drop'

interface ScriptedServer {
  readonly id: string
  readonly node: Libp2p
  readonly query: DnsEndpoint
  /** Values that a query sees, by name. */
  readonly values: Map<string, string[]>
  readonly removeRequests: DNS01Request[]
  streams: number
}

async function startServer(
  t: Test,
  {
    set = () => 0,
    remove = true,
    visible = true,
  }: { set?: Behaviour; remove?: boolean; visible?: boolean } = {},
): Promise<ScriptedServer> {
  const values = new Map<string, string[]>()
  const node = await startNode(t)
  const server: ScriptedServer = {
    id: node.peerId.toString(),
    node,
    values,
    removeRequests: [],
    streams: 0,
    query: await startDns(t, (name) => values.get(name) ?? []),
  }
  let count = 0
  await node.handle(DNS01_PROTOCOL, async (stream) => {
    server.streams += 1
    const frames = frameStream(stream, { lengthMax: 4096 })
    for (;;) {
      const message = await frames.read(testSignal()).catch(() => undefined)
      if (message === undefined) return
      count += 1
      const behaviour = set(count)
      if (behaviour === 'silent') continue
      if (behaviour === 'drop') {
        stream.abort(new Error('dropped'))
        return
      }
      const { fqdn, value } = DNS01Request.decode(message)
      const name = `_acme-challenge.${fqdn}`
      if (behaviour === 0 && visible) values.set(name, [...(values.get(name) ?? []), value])
      await frames.write(DNS01Response.encode({ error: behaviour }), testSignal())
    }
  })
  if (!remove) return server
  await node.handle(DNS01_REMOVE_PROTOCOL, async (stream) => {
    const frames = frameStream(stream, { lengthMax: 4096 })
    for (;;) {
      const message = await frames.read(testSignal()).catch(() => undefined)
      if (message === undefined) return
      const request = DNS01Request.decode(message)
      server.removeRequests.push(request)
      values.delete(`_acme-challenge.${request.fqdn}`)
      await frames.write(DNS01Response.encode({ error: 0 }), testSignal())
    }
  })
  return server
}

/** A DNS server on UDP, written with another codec. */
async function startDns(
  t: Test,
  answer: (name: string) => readonly string[],
): Promise<DnsEndpoint> {
  return startUdp(t, (query) => {
    const [question] = query.questions ?? []
    const name = question?.name ?? ''
    return dnsPacket.encode({
      type: 'response',
      id: query.id ?? 0,
      questions: query.questions ?? [],
      answers: answer(name).map((data) => ({ type: 'TXT', name, data })),
    })
  })
}

async function startUdp(
  t: Test,
  answer: (query: dnsPacket.Packet, count: number) => Uint8Array | undefined,
  port = 0,
): Promise<DnsEndpoint> {
  const socket = createSocket('udp4')
  let count = 0
  socket.on('message', (message, { port, address }) => {
    count += 1
    const response = answer(dnsPacket.decode(message), count)
    if (response !== undefined) socket.send(response, port, address)
  })
  socket.bind(port, '127.0.0.1')
  await once(socket, 'listening')
  t.teardown(() => socket.close())
  return { address: '127.0.0.1', port: socket.address().port }
}

async function openChallenges(
  t: Test,
  servers: readonly ScriptedServer[],
  silenceMs = 10_000,
): Promise<{ readonly challenges: Challenges; readonly events: string[]; readonly node: Libp2p }> {
  const node = await startNode(t)
  const events: string[] = []
  const add =
    (kind: string) =>
    ({ name, server, reason = '' }: { name: string; server: string; reason?: string }) => {
      const place = servers.findIndex(({ id }) => id === server)
      events.push(`${kind} ${name.split('.')[0] ?? ''} ${place} ${reason}`.trim())
    }
  const challenges = new Challenges(
    servers.map((server) => ({ addresses: [addressOf(server.node)], query: server.query })),
    {
      connectionManager: {
        openStream: ((target, protocol, options) =>
          node.dialProtocol(
            target,
            protocol,
            options as object,
          )) as ConnectionManager['openStream'],
      },
      silenceMs,
      report: {
        challengeSet: add('set'),
        challengeRemoved: add('removed'),
        challengeFailed: add('failed'),
      },
    },
  )
  t.teardown(() => challenges.close())
  return { challenges, events, node }
}

const names = (...labels: string[]) =>
  labels.map((label) => ({ name: `${label}.${ZONE}`, value: `value-${label}` }))
const signal = testSignal

test('NT-ISSUE-037 NT-ISSUE-038 values are set on all servers, over one stream each, and removed from all', async (t) => {
  const servers = [await startServer(t), await startServer(t)]
  const { challenges, events } = await openChallenges(t, servers)
  await challenges.publish(names('a', 'b', 'c'), { signal: signal() })
  t.same(events.toSorted(), ['set a 0', 'set a 1', 'set b 0', 'set b 1', 'set c 0', 'set c 1'])
  for (const { values } of servers) t.equal(values.size, 3)
  await challenges.publish(names('d'), { signal: signal() })
  t.same(
    servers.map(({ streams }) => streams),
    [1, 1],
    'the stream is kept',
  )
  // Two orders that were given the same value.
  await challenges.publish(names('a'), { signal: signal() })
  await challenges.withdraw(names('a', 'b', 'c'))
  for (const { values } of servers) {
    t.same([...values.keys()], [`_acme-challenge.a.${ZONE}`, `_acme-challenge.d.${ZONE}`])
  }
  await challenges.withdraw(names('a', 'd'))
  for (const { values } of servers) t.equal(values.size, 0)
})

test('NT-DNS01-012 a server that refuses, hangs, is down or does not show the value is named, and one that works is enough', async (t) => {
  const down = await startServer(t)
  const working = await startServer(t)
  const servers = [
    await startServer(t, { set: () => 3 }),
    await startServer(t, { set: () => 'silent' }),
    await startServer(t, { set: () => 'drop' }),
    down,
    await startServer(t, { visible: false }),
    working,
  ]
  const { challenges, events } = await openChallenges(t, servers, 3_000)
  await down.node.stop()
  await challenges.publish(names('a'), { signal: signal() })
  const failed = events.filter((event) => event.startsWith('failed')).toSorted()
  t.equal(failed.length, 5)
  for (const [place, reason] of [/E_NOT_AUTHORIZED/, /./, /./, /./, /timeout/].entries()) {
    t.match(failed[place], new RegExp(`^failed a ${place} .*${reason.source}`))
  }
  t.ok(events.includes('set a 5'))
  t.equal(working.values.size, 1)
})

test('a server that failed the last time is not waited for long once another works', async (t) => {
  const servers = [
    await startServer(t, { set: (count) => (count === 1 ? 3 : 'silent') }),
    await startServer(t),
  ]
  const { challenges, events } = await openChallenges(t, servers)
  await challenges.publish(names('a'), { signal: signal() })
  const startedAt = performance.now()
  await challenges.publish(names('b'), { signal: signal() })
  const durationMs = performance.now() - startedAt
  t.ok(durationMs < 5_000, `${Math.round(durationMs)} ms, its silence alone would be 10 s`)
  t.ok(events.includes('failed b 0 the server failed before, and another one works'))
})

test('NT-ISSUE-027 without any server that works, publishing is refused, and says why of each', async (t) => {
  const servers = [await startServer(t, { set: () => 3 }), await startServer(t, { set: () => 9 })]
  const { challenges } = await openChallenges(t, servers)
  await t.rejects(challenges.publish(names('a'), { signal: signal() }), {
    name: 'RefusalError',
    code: 'OTHER',
    message: /no dns server has the challenges: .*E_NOT_AUTHORIZED.*E_OTHER/,
  })
  const aborted = AbortSignal.abort(new Error('too late'))
  await t.rejects(challenges.publish(names('a'), { signal: aborted }), /too late/)
})

test('NT-DNS01-013 a stream that was dropped is opened again, by a connection too', async (t) => {
  // The first request works, the second meets a drop, and so on.
  const server = await startServer(t, { set: (count) => (count % 2 === 0 ? 'drop' : 0) })
  const { challenges, events, node } = await openChallenges(t, [server])
  for (const label of ['a', 'b', 'c']) {
    await challenges.publish(names(label), { signal: signal() })
    // Otherwise it would be set again after the next drop.
    await challenges.withdraw(names(label))
  }
  const sets = (): string[] => events.filter((event) => event.startsWith('set'))
  t.same(sets(), ['set a 0', 'set b 0', 'set c 0'])
  t.equal(server.streams, 3)
  await node.hangUp(server.node.peerId)
  await challenges.publish(names('d'), { signal: signal() })
  t.equal(sets().at(-1), 'set d 0')
})

test('NT-ISSUE-038 nothing is asked of the set protocol of a server that cannot remove', async (t) => {
  let sets = 0
  const old = await startServer(t, {
    remove: false,
    set: () => {
      sets += 1
      return 0
    },
  })
  const { challenges, events } = await openChallenges(t, [old])
  await challenges.publish(names('a'), { signal: signal() })
  await challenges.withdraw(names('a'))
  t.equal(sets, 1)
  t.same(events, ['set a 0'], 'and that is no failure')
})

test('a stream that is closed before it can be used is an error with words, and not the event that libp2p throws', async (t) => {
  for (const [thrown, message] of [
    [new Event('close'), 'the peer has closed the stream'],
    [Object.assign(new Event('close'), { error: new Error('was reset') }), 'was reset'],
    [new Error('no route'), 'no route'],
  ] as const) {
    const writer = new DnsWriter(
      { addresses: [], silenceMs: 30_000 },
      { connectionManager: { openStream: () => Promise.reject(thrown) } },
    )
    const value = { fqdn: 'a.nt.example', value: 'x' }
    await t.rejects(writer.set(value, { signal: signal() }), { name: 'Error', message })
    writer.close()
  }
})

test('many requests at once on one stream get their own answers', async (t) => {
  const server = await startServer(t, { set: (count) => (count === 50 ? 9 : 0) })
  const { challenges, events } = await openChallenges(t, [server])
  const labels = Array.from({ length: 100 }, (_, index) => `n${index}`)
  const results = await Promise.allSettled(
    labels.map((label) => challenges.publish(names(label), { signal: signal() })),
  )
  t.equal(results.filter(({ status }) => status === 'rejected').length, 1)
  t.equal(results[49]?.status, 'rejected')
  t.equal(events.filter((event) => event.startsWith('failed')).length, 1)
  t.equal(server.streams, 1)
})

test('the query takes the answer to it and no other, in whatever form it comes', async (t) => {
  const name = `_acme-challenge.a.${ZONE}`
  const respond = (query: dnsPacket.Packet, changes: Partial<dnsPacket.Packet> = {}): Buffer =>
    dnsPacket.encode({
      type: 'response',
      id: query.id ?? 0,
      questions: query.questions ?? [],
      answers: [{ type: 'TXT', name, data: 'right' }],
      ...changes,
    })
  const wrong: dnsPacket.Answer[] = [{ type: 'TXT', name, data: 'wrong' }]
  const otherName: dnsPacket.Question[] = [{ type: 'TXT', name: 'other.example' }]
  const cases: [string, Parameters<typeof startUdp>[1], readonly string[] | RegExp][] = [
    ['one value', (query) => respond(query), ['right']],
    [
      'several, of several strings, among other types',
      (query) =>
        respond(query, {
          answers: [
            { type: 'A', name, data: '192.0.2.1' },
            { type: 'TXT', name, data: ['ri', 'ght'] },
            { type: 'TXT', name, data: 'left' },
          ],
        }),
      ['right', 'left'],
    ],
    ['none', (query) => respond(query, { answers: [] }), []],
    ['NXDOMAIN', (query) => respond(query, { flags: 3, answers: [] }), []],
    ['SERVFAIL', (query) => respond(query, { flags: 2, answers: [] }), /error code 2/],
    [
      'the first packet lost',
      (query, count) => (count === 1 ? undefined : respond(query)),
      ['right'],
    ],
    ['cut answer', (query) => respond(query).subarray(0, -3), /cut|range/],
    [
      'another id first, another question, a query, garbage: then the right one',
      (query, count) => {
        if (count === 1)
          return respond(query, { id: ((query.id ?? 0) + 1) % 65536, answers: wrong })
        if (count === 2) return respond(query, { questions: otherName, answers: wrong })
        if (count === 3) return respond(query, { type: 'query', answers: wrong })
        return respond(query)
      },
      ['right'],
    ],
  ]
  for (const [title, answer, expected] of cases) {
    const asking = queryTxt(name, await startUdp(t, answer), { signal: signal() })
    if (expected instanceof RegExp) await t.rejects(asking, expected, title)
    else t.same(await asking, expected, title)
  }

  // Truncated over UDP, whole over TCP, in pieces.
  const tcp = createServer((socket) => {
    socket.once('data', (chunk) => {
      const answer = dnsPacket.streamEncode(
        dnsPacket.decode(respond(dnsPacket.decode(chunk.subarray(2)))),
      )
      socket.write(answer.subarray(0, 1))
      setImmediate(() => socket.end(answer.subarray(1)))
    })
  }).listen(0, '127.0.0.1')
  await once(tcp, 'listening')
  t.teardown(() => tcp.close())
  const { port: tcpPort } = tcp.address() as AddressInfo
  const truncated = (query: dnsPacket.Packet): Buffer =>
    respond(query, { flags: 0x0200, answers: [] })
  const udp = await startUdp(t, truncated, tcpPort)
  t.same(await queryTxt(name, udp, { signal: signal() }), ['right'], 'TCP')

  const silent = await startUdp(t, () => undefined)
  await t.rejects(queryTxt(name, silent, { signal: signal() }), /did not answer/)
  await t.rejects(queryTxt(name, silent, { signal: AbortSignal.timeout(50) }), {
    name: 'TimeoutError',
  })
  const closed = createSocket('udp4').bind(0, '127.0.0.1')
  await once(closed, 'listening')
  const { port } = closed.address()
  closed.close()
  await t.rejects(
    queryTxt(name, { address: '127.0.0.1', port }, { signal: signal() }),
    /ECONNREFUSED/,
  )
})

test('NT-ISSUE-037 a probe sets, sees and removes a value on each server, and tells who did not and how', async (t) => {
  const value = { name: `ip40-0-0-0.${ZONE}`, value: 'v'.repeat(43) }
  const works = await startServer(t)
  const refuses = await startServer(t, { set: () => 3 })
  const hides = await startServer(t, { visible: false })
  const old = await startServer(t, { remove: false })
  const gone = await startServer(t)
  const closed = createSocket('udp4').bind(0, '127.0.0.1')
  await once(closed, 'listening')
  const silent = { ...gone, query: { address: '127.0.0.1', port: closed.address().port } }
  closed.close()

  const servers = [works, refuses, hides, old, silent]
  const { challenges, events } = await openChallenges(t, servers)
  await gone.node.stop()
  const probing = challenges.probe(value, AbortSignal.timeout(1_500))
  const outcomes = (await probing).map(({ outcome, server }) => [
    servers.findIndex(({ id }) => id === server),
    outcome,
  ])
  t.same(outcomes, [
    [0, 'written'],
    [1, 'stale'],
    [2, 'stale'],
    [3, 'written'],
    [4, 'silent'],
  ])
  t.same(works.values.get(`_acme-challenge.${value.name}`) ?? [], [], 'nothing stays behind')
  t.same(events, [], 'no order did this')
})

test('one DNS server that takes challenges is enough, and one that answers without them is too many', (t) => {
  const written = { server: 'a', outcome: 'written' } as const
  const silent = { server: 'b', outcome: 'silent', reason: 'refused' } as const
  const stale = { server: 'c', outcome: 'stale', reason: 'E_OTHER' } as const
  t.equal(challengeProblem([written]), undefined)
  t.equal(challengeProblem([written, silent]), undefined)
  t.equal(challengeProblem([silent]), 'no dns server takes challenges: b (refused)')
  t.equal(
    challengeProblem([written, silent, stale]),
    'dns servers that answer without the challenges: c (E_OTHER)',
  )
  t.end()
})

test('the SOA record is read from the answer of the zone itself, and from nothing else', async (t) => {
  const data = { mname: 'ns1.nt.example', rname: 'hostmaster.nt.example', serial: 7 }
  const soa = { type: 'SOA', name: ZONE, data } as const
  const other = { type: 'TXT', name: ZONE, data: 'before it' } as const
  const reply = (answers: dnsPacket.Answer[], flags: number) => (query: dnsPacket.Packet) =>
    dnsPacket.encode({
      type: 'response',
      id: query.id ?? 0,
      flags,
      questions: query.questions ?? [],
      answers,
    })
  const ask = async (answer: (query: dnsPacket.Packet) => Uint8Array): Promise<unknown> =>
    querySoa(ZONE, await startUdp(t, answer), { signal: testSignal() })

  const found = { primary: 'ns1.nt.example.', hostmaster: 'hostmaster.nt.example.', serial: 7 }
  t.same(await ask(reply([other, soa], AUTHORITATIVE)), found)
  await t.rejects(ask(reply([soa], 0)), /does not serve the zone/)
  await t.rejects(ask(reply([other], AUTHORITATIVE)), /without the SOA record/)
  await t.rejects(ask(reply([], AUTHORITATIVE | 5)), /error code 5/)
  // Its names point at themselves.
  const loop = Buffer.from(
    `00000400000100010000000000000600010000060001000000000018c01cc01c${'00'.repeat(20)}`,
    'hex',
  )
  t.throws(() => decodeSoa(loop), RangeError)
  const control = reply(
    [{ ...soa, data: { ...data, mname: 'ns\u001b[1.nt.example' } }],
    AUTHORITATIVE,
  )
  t.match(await ask(control), { primary: 'ns?[1.nt.example.' }, 'nothing for a terminal to obey')
})

const AUTHORITATIVE = 0x0400
