import { FLAG, TYPE } from '../../dns/codes.ts'
import { describeMessage } from '../../dns/describe.ts'
import type { Message } from '../../dns/read.ts'
import { openTcp, type TcpConnection } from '../../dns/tcp.ts'
import { addressText } from '../../dns/udp.ts'
import { joinBytes, withId, withLength, writeQuery, type QueryInit } from '../../dns/write.ts'
import { CheckFailure, type Case, type CheckContext, type Finding } from '../../suite/case.ts'
import type { DnsTarget, Target } from '../../suite/target.ts'
import { atFirstServer, digLine, idleLine, lineOf, tcpLine } from './by-hand.ts'
import { aboutTheZone } from './headers.ts'
import { ask, atOnce, bytesText, readReply } from './probe.ts'
import { EXISTING_LABEL } from './samples.ts'

const PIPELINED = 50
const CONNECTIONS = 20
/** What a resolver may count on: PROTOCOL.md says 10 s, and some time is for the network. */
const IDLE_MS_MAX = 15_000

export const TCP_CASES: readonly Case[] = [
  {
    id: 'NT-DNS-060/same-answers',
    title: 'answers over TCP what it answers over UDP',
    role: 'dns',
    byHand: atFirstServer((server, { zone }) =>
      bothLines({ name: `${EXISTING_LABEL}.${zone}`, type: TYPE.A }, server),
    ),
    run: (context) =>
      everywhere(context, async (server) => {
        const queries = [
          ...aboutTheZone(context.target.zone),
          { name: 'example.org', type: TYPE.A },
        ]
        await atOnce(
          queries.map((query) => async () => {
            const [udp, tcp] = await Promise.all([
              ask(query, server, context),
              ask(query, server, context, 'tcp'),
            ])
            for (const [transport, message] of Object.entries({ UDP: udp, TCP: tcp })) {
              if ((message.flags & FLAG.QR) !== 0) continue
              throw new CheckFailure({
                expected: `an answer over ${transport} to ${query.name}: the flag QR is set in one`,
                actual: `${describeMessage(message)} at ${addressText(server)}, as in a query`,
                byHand: bothLines(query, server),
              })
            }
            if (essence(udp) !== essence(tcp)) {
              throw new CheckFailure({
                expected: `the same over TCP as over UDP for ${query.name}: ${essence(udp)}`,
                actual: `${essence(tcp)} at ${addressText(server)}`,
                byHand: bothLines(query, server),
              })
            }
          }),
          4,
        )
      }),
  },
  {
    id: 'NT-DNS-061/pipelined-queries',
    title: `answers ${PIPELINED} queries that come at once on one connection, each one time`,
    role: 'dns',
    byHand: atFirstServer(
      (server, { zone }) => tcpLine(pipelined(zone).bytes, server),
      `${PIPELINED} answers, each with another id: the two bytes after its length`,
    ),
    run: (context) =>
      onConnection(context, async (connection, server) => {
        const { bytes, ids } = pipelined(context.target.zone)
        await connection.send(bytes, `${PIPELINED} queries`)
        const seen = await receiveIds(connection, PIPELINED)
        if (seen.toSorted((a, b) => a - b).join() !== ids.join()) {
          throw new CheckFailure({
            expected: `${PIPELINED} answers, one for each id`,
            actual: `${new Set(seen).size} ids in ${seen.length} answers at ${addressText(server)}`,
          })
        }
      }),
  },
  {
    id: 'NT-DNS-061/second-query',
    title: 'keeps the connection for another query after an answer',
    role: 'dns',
    byHand: atFirstServer(
      (server, { zone }) => tcpLine(pipelined(zone, 2).bytes, server),
      'two answers, with the ids 0001 and 0002',
    ),
    run: (context) =>
      onConnection(context, async (connection, server) => {
        for (const id of [1, 2, 3]) {
          await connection.send(withLength(query(context.target.zone, id)), `query ${id}`)
          await expectId(connection, id, `query ${id} on one connection`, server)
        }
      }),
  },
  {
    id: 'NT-DNS-062/byte-by-byte',
    title: 'reads messages however TCP has cut them',
    role: 'dns',
    byHand: atFirstServer(
      (server, { zone }) => tcpLine(withLength(query(zone, 1)), server, { cut: 'byte by byte' }),
      'one answer, with the id 0001',
    ),
    run: (context) =>
      onConnection(context, async (connection, server) => {
        for (const byte of withLength(query(context.target.zone, 7))) {
          await connection.send(Uint8Array.of(byte))
          // Lets each byte go in a segment of its own.
          await new Promise((resolve) => setTimeout(resolve, 2))
        }
        await expectId(connection, 7, 'a query sent byte by byte', server)
        const [first, second] = [8, 9].map((id) => withLength(query(context.target.zone, id)))
        if (first === undefined || second === undefined) return
        await connection.send(joinBytes(first, second.subarray(0, 5)), 'one query and a part')
        await expectId(connection, 8, 'a query with a part of another behind it', server)
        await connection.send(second.subarray(5), 'the rest')
        await expectId(connection, 9, 'a query in two parts', server)
      }),
  },
  {
    id: 'NT-DNS-062/half-closed',
    title: 'answers what was asked before the other side ended its half of the connection',
    role: 'dns',
    level: 'SHOULD',
    byHand: atFirstServer(
      (server, { zone }) => tcpLine(withLength(query(zone, 1)), server, { cut: 'half closed' }),
      'one answer, with the id 0001',
    ),
    run: (context) =>
      onConnection(context, async (connection, server) => {
        await connection.send(withLength(query(context.target.zone, 5)), 'query, then FIN')
        connection.end()
        await expectId(connection, 5, 'a query before the end of our half', server)
      }),
  },
  {
    id: 'NT-DNS-063/idle-connections-end',
    title: 'ends a connection on which nothing is asked',
    role: 'dns',
    timeoutMs: IDLE_MS_MAX + 5_000,
    byHand: atFirstServer(
      (server) => idleLine(server, { trickle: false }),
      `the connection was open for ${IDLE_MS_MAX / 1000} s at most`,
    ),
    run: (context) =>
      onConnection(context, async (connection, server) => {
        if (await connection.ended(IDLE_MS_MAX)) return
        throw new CheckFailure({
          expected: `the end of a connection that is idle, within ${IDLE_MS_MAX / 1000} s`,
          actual: `still open at ${addressText(server)}`,
        })
      }),
  },
  {
    id: 'NT-DNS-063/slow-connections-end',
    title: 'ends a connection on which a query comes too slowly, byte after byte',
    role: 'dns',
    timeoutMs: IDLE_MS_MAX + 5_000,
    intrusive: true,
    byHand: atFirstServer(
      (server) => idleLine(server, { trickle: true }),
      `the connection was open for ${IDLE_MS_MAX / 1000} s at most`,
    ),
    run: (context) =>
      onConnection(context, async (connection, server) => {
        // A length of 65,535, of which a byte comes each second.
        await connection.send(Uint8Array.of(0xff, 0xff), 'a length and hardly more')
        for (let second = 0; second < IDLE_MS_MAX / 1000; second += 1) {
          if (await connection.ended(1_000)) return
          await connection.send(Uint8Array.of(0))
        }
        throw new CheckFailure({
          expected: `the end of a connection whose query is not whole within ${IDLE_MS_MAX / 1000} s`,
          actual: `still open at ${addressText(server)}`,
        })
      }),
  },
  {
    id: 'NT-DNS-067/others-while-connections-wait',
    title: 'answers others while connections are open on which nothing or half a query came',
    role: 'dns',
    byHand: atFirstServer(
      (server, { zone }) =>
        `for i in $(seq ${CONNECTIONS}); do ${idleLine(server, { trickle: true })} & done; ${digLine({ name: `${EXISTING_LABEL}.${zone}`, type: TYPE.A }, server, 'tcp')}`,
      'NOERROR with the record 203.0.113.7 at once, while the connections are open',
    ),
    run: (context) =>
      everywhere(context, async (server) => {
        const connections = await Promise.all(
          Array.from({ length: CONNECTIONS }, () => open(context, server)),
        )
        const half = withLength(query(context.target.zone, 1)).subarray(0, 10)
        for (const [index, connection] of connections.entries()) {
          if (index % 2 === 0) await connection.send(half, 'half a query')
        }
        const question = { name: `${EXISTING_LABEL}.${context.target.zone}`, type: TYPE.A }
        await Promise.all([ask(question, server, context), ask(question, server, context, 'tcp')])
      }),
  },
]

function query(zone: string, id: number): Uint8Array {
  return withId(writeQuery({ name: `ip4203-0-113-7.${zone}`, type: TYPE.A }), id)
}

function pipelined(zone: string, count = PIPELINED): { bytes: Uint8Array; ids: readonly number[] } {
  const ids = Array.from({ length: count }, (_, index) => index + 1)
  return { ids, bytes: joinBytes(...ids.map((id) => withLength(query(zone, id)))) }
}

async function receiveIds(connection: TcpConnection, count: number): Promise<number[]> {
  const ids: number[] = []
  while (ids.length < count) {
    const bytes = await connection.receive()
    if (bytes === undefined) break
    ids.push(readReply(bytes, 'an answer').id)
  }
  return ids
}

async function expectId(
  connection: TcpConnection,
  id: number,
  what: string,
  server: DnsTarget,
): Promise<void> {
  const [seen] = await receiveIds(connection, 1)
  if (seen === id) return
  const rest = connection.rest()
  const none = rest.length === 0 ? 'no answer' : `no whole message, but ${bytesText(rest)}`
  const actual = seen === undefined ? none : `an answer with id ${seen}`
  throw new CheckFailure({
    expected: `an answer with id ${id} to ${what}`,
    actual: `${actual} at ${addressText(server)}`,
  })
}

async function open(context: CheckContext, server: DnsTarget): Promise<TcpConnection> {
  await context.pace()
  const connection = await openTcp({ server, wire: context.wire, signal: context.signal })
  context.defer(() => connection.close())
  return connection
}

async function onConnection(
  context: CheckContext,
  use: (connection: TcpConnection, server: DnsTarget) => Promise<void>,
): Promise<void> {
  await everywhere(context, async (server) => use(await open(context, server), server))
}

async function everywhere(
  { target }: { readonly target: Target },
  use: (server: DnsTarget) => Promise<void>,
): Promise<Finding | void> {
  await Promise.all(target.dns.map(use))
}

function bothLines(asked: QueryInit, server: DnsTarget): string {
  const expected = 'the same code, flags and records by UDP and TCP'
  return (['udp', 'tcp'] as const)
    .map((transport) => lineOf({ query: asked, transport, expected }, server))
    .join('\n')
}

/** What must not differ: code, flags and records, not the order that some servers give records. */
function essence(message: Message): string {
  const sections = [message.answers, message.authority].map((records) =>
    records
      .map(({ name, type, ttl, text }) => `${name} ${ttl} ${type} ${text}`)
      .toSorted()
      .join(', '),
  )
  return `rcode ${message.rcode}, flags ${message.flags.toString(16)}, ${sections.join(' | ')}`
}
