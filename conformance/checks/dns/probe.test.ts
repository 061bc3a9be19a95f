// Servers that answer, and not with answers: what a report says of them.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { test, type Test } from 'tap'
import { runAll, TARGET } from '../../suite/testing.ts'
import type { DnsTarget } from '../../suite/target.ts'
import { TYPE } from '../../dns/codes.ts'
import { withLength } from '../../dns/write.ts'
import { ADDRESS_NAME_CASES } from './address-names.ts'
import { probeCase } from './probe.ts'
import { TCP_CASES } from './tcp.ts'

/** Does this with every query, by UDP and TCP. */
async function openServer(t: Test, reply: (query: Buffer) => Buffer): Promise<DnsTarget> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    // Queries of the suite come in one piece.
    socket.on('data', (bytes) => void socket.write(withLength(reply(bytes.subarray(2)))))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const socket = createSocket('udp4').bind(port, '127.0.0.1')
  await once(socket, 'listening')
  t.teardown(() => socket.close())
  socket.on('message', (bytes, from) => {
    socket.send(reply(bytes), from.port, from.address)
  })
  return { address: '127.0.0.1', port }
}

test('a server that sends something else than answers fails, and the report says what it sent', async (t) => {
  const cases = ADDRESS_NAME_CASES.filter(({ id }) => id === 'NT-DNS-010/ip4-names')
  t.equal(cases.length, 1)
  const garbage = Buffer.from('ff'.repeat(100), 'hex')
  const rows: readonly (readonly [string, (query: Buffer) => Buffer, RegExp])[] = [
    ['another id', () => garbage, /nothing with the id of the query, but 100 bytes f{128}…/],
    ['no header', (query) => query.subarray(0, 5), /^5 bytes [0-9a-f]{10}: /],
  ]
  for (const [name, reply, actual] of rows) {
    const dns = [await openServer(t, reply)]
    const [result] = await runAll(cases, { target: { ...TARGET, dns } })
    t.match(result, { verdict: 'fail', actual }, name)
  }
})

test('NT-DNS-060 a server that sends queries back answers neither by TCP nor by UDP', async (t) => {
  const cases = TCP_CASES.filter(({ id }) => id === 'NT-DNS-060/same-answers')
  const dns = [await openServer(t, (query) => query)]
  const [result] = await runAll(cases, { target: { ...TARGET, dns } })
  t.match(result, { verdict: 'fail', expected: /the flag QR/ })
})

test('the line by hand of a failed check asks what failed, wherever it stands among its packets', async (t) => {
  const one = probeCase({
    id: 'NT-DNS-010/test',
    title: 'answers all of them',
    probes: ({ zone }) =>
      [1, 2, 3, 4, 5].map((number) => ({
        query: { name: `name-${number}.${zone}`, type: TYPE.A },
        expected: `answer ${number}`,
        judge: () => number !== 5,
      })),
  })
  const answered = (query: Buffer): Buffer => {
    const answer = Buffer.from(query)
    answer[2] = 0x84
    return answer
  }
  const dns = [await openServer(t, answered)]
  const [result] = await runAll([one], { target: { ...TARGET, dns } })
  t.match(result, { verdict: 'fail', byHand: /^dig .*'name-5\.nt\.example' .*# answer 5$/ })
})
