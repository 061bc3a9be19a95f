// The issue server over real libp2p nodes: what strangers ask and send. No CA is needed to refuse; certificates are
// issued in issue.real.test.ts.
import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import type { Libp2p } from 'libp2p'
import { once } from 'node:events'
import { statSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test, type Test } from 'tap'
import { encodeFrame } from '../wire/frames.ts'
import {
  IssueInfo,
  IssueRequest,
  IssueResponse,
  RenewalRequest,
  RenewalResponse,
} from '../wire/messages.ts'
import {
  CLIENT_FRAME_LENGTH_MAX,
  ISSUE_INFO_PROTOCOL,
  ISSUE_PROTOCOL,
  RENEWAL_PROTOCOL,
} from '../wire/protocols.ts'
import { frameStream } from '../wire/stream.ts'
import { holdDeadlines } from '../wire/testing.ts'
import { Admission } from './admission.ts'
import { issueServer, type IssueServer, type IssueServerInit } from './index.ts'
import { Store } from './store.ts'
import {
  addressOf,
  askForCertificate,
  askForCertificates,
  makeCaller,
  makeClientCsr,
  nextEvent,
  startNode,
  temporaryFolder,
  testSignal,
  ZONE,
  type Caller,
} from './testing.ts'

const proofKey = await generateKeyPair('Ed25519')
const proofServerId = peerIdFromPrivateKey(await generateKeyPair('secp256k1'))
const anyId = proofServerId.toString()
const REFUSED = (error: number): { error: number; altnames: readonly string[] } => ({
  error,
  altnames: [],
})

const goodInit: IssueServerInit = {
  zone: 'NT.example.',
  proofServers: [
    {
      id: proofServerId,
      addresses: [
        multiaddr(`/ip4/192.0.2.1/tcp/4001/p2p/${anyId}`),
        multiaddr('/dnsaddr/proof.example'),
      ],
      display: 'one',
    },
    { id: proofServerId, addresses: [], display: 'two' },
  ],
  proofKeys: [proofKey.publicKey],
  // Nobody listens on either.
  dnsServers: [
    {
      addresses: [multiaddr(`/ip4/127.0.0.1/tcp/9/p2p/${anyId}`)],
      query: { address: '127.0.0.1', port: 9 },
    },
  ],
  acme: { directoryUrl: 'https://127.0.0.1:9/directory' },
  storePath: ':memory:',
  allowPrivateAddresses: true,
}

async function startServer(
  t: Test,
  init: Partial<IssueServerInit> = {},
): Promise<Libp2p<{ issue: IssueServer }>> {
  return startNode(t, { services: { issue: issueServer({ ...goodInit, ...init }) } })
}

async function startCaller(t: Test): Promise<{ readonly node: Libp2p; readonly caller: Caller }> {
  const caller = await makeCaller(proofKey)
  return { caller, node: await startNode(t, { privateKey: caller.privateKey }) }
}

/** What is read from a new stream after sending raw bytes: messages, then `end` or `reset`. */
async function exchange(
  node: Libp2p,
  server: Libp2p,
  protocol: string,
  bytes: Uint8Array,
  { close = true }: { readonly close?: boolean } = {},
): Promise<readonly (Uint8Array | 'end' | 'reset')[]> {
  const stream = await node.dialProtocol(addressOf(server), protocol, { signal: testSignal() })
  const frames = frameStream(stream, { lengthMax: CLIENT_FRAME_LENGTH_MAX })
  const read: (Uint8Array | 'end' | 'reset')[] = []
  try {
    if (bytes.length > 0) stream.send(bytes)
    if (close) await stream.close({ signal: testSignal() })
    for (;;) {
      const message = await frames.read(testSignal())
      if (message === undefined) return [...read, 'end']
      read.push(message)
    }
  } catch {
    return [...read, 'reset']
  }
}

test('NT-ISSUE-001 NT-ISSUE-002 NT-ISSUE-003 NT-WIRE-003 NT-WIRE-004 the info comes once, without being asked for', async (t) => {
  const server = await startServer(t)
  const { node } = await startCaller(t)
  for (const close of [true, false]) {
    const [answer, end] = await exchange(node, server, ISSUE_INFO_PROTOCOL, new Uint8Array(), {
      close,
    })
    t.equal(end, 'end')
    const { domain, proofs } = IssueInfo.decode(answer as Uint8Array)
    t.equal(domain, ZONE)
    t.same(
      proofs.map(({ display }) => display),
      ['one', 'two'],
    )
    t.same(proofs[0]?.id, proofServerId.toMultihash().bytes)
    t.same(
      proofs[0]?.addrs.map((bytes) => multiaddr(bytes).toString()),
      [`/ip4/192.0.2.1/tcp/4001/p2p/${anyId}`, '/dnsaddr/proof.example'],
    )
  }
  const protocols = [ISSUE_INFO_PROTOCOL, ISSUE_PROTOCOL, RENEWAL_PROTOCOL]
  t.same(server.getProtocols().toSorted(), protocols.toSorted(), 'NT-WIRE-013')
  await server.services.issue.stop()
  t.same(server.getProtocols(), [])
})

test('a caller that comes through a relay is answered on its limited connection', async (t) => {
  const relay = await startNode(t, {
    services: { identify: identify(), relay: circuitRelayServer() },
  })
  const relayAddress = addressOf(relay)
  const transports = [tcp(), circuitRelayTransport()]
  const server = await startNode(t, {
    addresses: { listen: [`${relayAddress.toString()}/p2p-circuit`] },
    transports,
    services: { identify: identify(), issue: issueServer(goodInit) },
  })
  const node = await startNode(t, { transports, services: { identify: identify() } })
  const through = relayAddress.encapsulate(`/p2p-circuit/p2p/${server.peerId.toString()}`)
  const connection = await node.dial(through, { signal: testSignal() })
  t.ok(connection.limits, 'the connection is a limited one')
  const limited = { signal: testSignal(), runOnLimitedConnection: true }
  const lengthMax = CLIENT_FRAME_LENGTH_MAX

  const info = frameStream(await connection.newStream(ISSUE_INFO_PROTOCOL, limited), { lengthMax })
  const answer = (await info.read(testSignal())) ?? new Uint8Array()
  t.equal(IssueInfo.decode(answer).domain, ZONE)
  const issue = frameStream(await connection.newStream(ISSUE_PROTOCOL, limited), { lengthMax })
  await issue.write(IssueRequest.encode({ proofs: [], supportedCryptos: [1] }), testSignal())
  const refusal = (await issue.read(testSignal())) ?? new Uint8Array()
  t.same(IssueResponse.decode(refusal), REFUSED(2))
})

test('NT-ISSUE-013 NT-ISSUE-014 NT-ISSUE-020 NT-ISSUE-027 NT-ISSUE-029 NT-WIRE-003 each request of a stream gets its code, in their order, and nothing else', async (t) => {
  const server = await startServer(t)
  const { node, caller } = await startCaller(t)
  const stranger = await makeCaller(proofKey)
  const proof = await caller.proof(['127.0.0.1'])
  const reasons: string[] = []
  server.services.issue.addEventListener('request:refused', ({ detail }) => {
    t.equal(detail.peer, node.peerId.toString())
    reasons.push(detail.reason)
  })
  const names = caller.names(['127.0.0.1'])
  const responses = await askForCertificates(node, addressOf(server), [
    { proofs: [], supportedCryptos: [1] },
    { proofs: [proof], supportedCryptos: [7] },
    { proofs: [await stranger.proof(['127.0.0.1'])], supportedCryptos: [1] },
    { proofs: [proof], supportedCryptos: [1], csr: await makeClientCsr([`a.${ZONE}`]) },
    // The CA is down.
    { proofs: [proof], supportedCryptos: [1], csr: await makeClientCsr(names) },
    { proofs: [proof], supportedCryptos: [1] },
  ])
  t.same(responses, [2, 4, 2, 2, 9, 9].map(REFUSED))
  for (const [index, reason] of [
    /no proof/,
    /key types \[7\]/,
    /another peer/,
    /proven/,
    /./,
    /./,
  ].entries()) {
    t.match(reasons[index], reason)
    t.notMatch(reasons[index], /PRIVATE|BEGIN/)
  }
})

test('NT-ISSUE-028 a CA that hangs costs a caller no more than the time for an order', async (t) => {
  const hanging = createServer(() => {}).listen(0, '127.0.0.1')
  await once(hanging, 'listening')
  t.teardown(() => hanging.close())
  const { port } = hanging.address() as AddressInfo
  const directoryUrl = `https://127.0.0.1:${port}/directory`
  const server = await startServer(t, {
    acme: { directoryUrl, requestTimeoutMs: 1_000 },
    orderTimeoutMs: 300,
  })
  const { node, caller } = await startCaller(t)
  const failed = nextEvent(server.services.issue, 'order:failed')
  const response = await askForCertificate(node, addressOf(server), {
    proofs: [await caller.proof(['127.0.0.1'])],
    supportedCryptos: [1],
    csr: await makeClientCsr(caller.names(['127.0.0.1'])),
  })
  t.same(response, REFUSED(9))
  const { durationMs, reason } = await failed
  t.ok(durationMs >= 290 && durationMs < 10_000, `${durationMs} ms`)
  t.match(reason, /timeout|abort/i)
})

test('NT-WIRE-005 NT-WIRE-006 NT-WIRE-007 NT-WIRE-009 NT-WIRE-010 NT-WIRE-011 bad frames end their stream and nothing else', async (t) => {
  const deadlines = holdDeadlines(t)
  const server = await startServer(t, {
    requestTimeoutMs: deadlines.timeoutMs,
    streams: { perPeer: 4 },
  })
  const { node } = await startCaller(t)
  const { node: other } = await startCaller(t)
  const request = IssueRequest.encode({ proofs: [], supportedCryptos: [1] })
  const unknownField = Uint8Array.from([...request, 0xa0, 0x06, 0x01])
  const cases: [string, Uint8Array, readonly string[], boolean?][] = [
    ['garbage', Uint8Array.from({ length: 300 }, () => 0xff), ['reset']],
    ['wrong wire type', encodeFrame(Uint8Array.of(0x0d, 1, 2, 3)), ['reset']],
    ['cut in the middle', encodeFrame(request).subarray(0, -1), ['reset']],
    ['too long, by its prefix alone', Uint8Array.of(0x81, 0x80, 0x04), ['reset'], false],
    ['4 GiB', Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f), ['reset'], false],
    ['endless length', Uint8Array.from({ length: 10 }, () => 0x80), ['reset'], false],
    ['silence', new Uint8Array(), ['reset'], false],
    ['half a frame, then silence', encodeFrame(request).subarray(0, 2), ['reset'], false],
    ['nothing, then the end', new Uint8Array(), ['end']],
    ['an unknown field', encodeFrame(unknownField), ['answer', 'end']],
    [
      'a request, then garbage',
      Uint8Array.from([...encodeFrame(request), 0xff, 0xff, 0xff, 0xff, 0xff]),
      ['answer', 'reset'],
    ],
  ]
  for (const [title, bytes, expected, close = true] of cases) {
    const exchanged = exchange(node, server, ISSUE_PROTOCOL, bytes, { close })
    const read = await (title.includes('silence') ? deadlines.hurry(exchanged) : exchanged)
    const seen = read.map((item) => (typeof item === 'string' ? item : 'answer'))
    // A reset may overtake the answer before it.
    if (expected.at(-1) === 'reset') t.equal(seen.at(-1), 'reset', title)
    else t.same(seen, expected, title)
    const meanwhile = await askForCertificate(other, addressOf(server), {
      proofs: [],
      supportedCryptos: [],
    })
    t.same(meanwhile, REFUSED(2), `another peer is served: ${title}`)
  }
  const refused = new Promise<void>((resolve) => {
    server.services.issue.addEventListener('stream:failed', ({ detail }) => {
      if (/at most 4 are served/.test(detail.reason)) resolve()
    })
  })
  const many = Promise.all(
    Array.from({ length: 12 }, () =>
      exchange(node, server, ISSUE_PROTOCOL, encodeFrame(request).subarray(0, 2), { close: false }),
    ),
  )
  await refused
  t.same([...new Set((await deadlines.hurry(many)).flat())], ['reset'])
  t.same(
    await askForCertificate(node, addressOf(server), { proofs: [], supportedCryptos: [] }),
    REFUSED(2),
  )
})

test('a peer or an address that asks too often gets E_RATE_LIMIT before its proofs are looked at', async (t) => {
  const server = await startServer(t, { rateLimit: { burst: 3, intervalMs: 3_600_000 } })
  const { node } = await startCaller(t)
  const request = { proofs: [], supportedCryptos: [1] }
  const responses = await askForCertificates(
    node,
    addressOf(server),
    Array.from({ length: 4 }, () => request),
  )
  t.same(responses, [2, 2, 2, 1].map(REFUSED))
  const { node: neighbour } = await startCaller(t)
  t.same(await askForCertificate(neighbour, addressOf(server), request), REFUSED(1), 'same address')
})

test('peers and addresses on the deny list get E_NOT_AUTHORIZED, whoever has proven them', async (t) => {
  const { node, caller } = await startCaller(t)
  const file = join(temporaryFolder(t), 'denied.txt')
  writeFileSync(file, `${node.peerId.toString()}\n203.0.113.0/24\n`)
  const server = await startServer(t, { denyListFile: file })
  const ask = async (from: { node: Libp2p; caller: Caller }, address: string) =>
    askForCertificate(from.node, addressOf(server), {
      proofs: [await from.caller.proof([address])],
      supportedCryptos: [1],
      csr: await makeClientCsr(from.caller.names([address])),
    })
  const reasons: string[] = []
  server.services.issue.addEventListener('request:refused', ({ detail }) => {
    reasons.push(detail.reason)
  })
  t.same(await ask({ node, caller }, '127.0.0.1'), REFUSED(3))
  const other = await startCaller(t)
  t.same(await ask(other, '203.0.113.9'), REFUSED(3), 'an address that it has proven elsewhere')
  t.match(reasons, [/peer is on the deny list/, /203.0.113.9 is on the deny list/])
  t.same(await ask(other, '127.0.0.1'), REFUSED(9), 'the CA is down, but it was asked')

  const admission = new Admission({ denyListFile: file }, { loaded: () => {}, broken: () => {} })
  await admission.start()
  const order = (peer: string, address: string) => ({ peer, names: other.caller.names([address]) })
  t.equal(admission.denies(order(node.peerId.toString(), '127.0.0.1')), true)
  t.equal(admission.denies(order('somebody', '203.0.113.9')), true, 'by the address that it names')
  t.equal(admission.denies(order('somebody', '127.0.0.1')), false)
  admission.stop()

  const loaded = nextEvent(server.services.issue, 'denylist:loaded')
  writeFileSync(file, '')
  t.match(await loaded, { file, entries: 0 })
  t.same(await ask({ node, caller }, '127.0.0.1'), REFUSED(9))
  await t.rejects(startServer(t, { denyListFile: `${file}.none` }), /cannot be read: ENOENT/)
})

test('a peer is told when to renew its own certificate, and nothing of others', async (t) => {
  const { node } = await startCaller(t)
  const other = await startCaller(t)
  const storePath = join(temporaryFolder(t), 'issue.sqlite')
  const { directoryUrl } = goodInit.acme
  const store = new Store({ path: storePath, directoryUrl })
  const now = Date.now()
  const keep = (peer: string, serial: string, renewAt: number | undefined): void => {
    const want = { peer, names: [`${serial}.${ZONE}`], keyChoice: 'k' }
    const request = { csr: Uint8Array.of(1), cryptoType: 2, keyId: 'k' }
    const dates = { notBefore: now - 1_000_000, notAfter: now + 9_000_000 }
    const order = store.createOrder(want, request, now)
    store.finishOrder(order, { certificate: 'PEM', ca: 'PEM', serial, ...dates }, now)
    const row = store.renewals.find({ peer, serial })
    if (renewAt === undefined || row === undefined) return
    const window = { renewFrom: renewAt, renewUntil: renewAt + 1, renewAt }
    store.renewals.save(row, now + 1e9, window)
  }
  const peer = node.peerId.toString()
  keep(peer, '0a', now + 5_000_000)
  keep(peer, '0b', now - 999_999)
  keep(peer, '0c', undefined)
  store.close()
  const file = join(temporaryFolder(t), 'denied.txt')
  writeFileSync(file, '')
  const server = await startServer(t, {
    storePath,
    denyListFile: file,
    rateLimit: { burst: 5, intervalMs: 3_600_000 },
  })
  const ask = async (from: Libp2p, serials: readonly string[]): Promise<readonly unknown[]> => {
    const frames = serials.map((serial) => encodeFrame(RenewalRequest.encode({ serial })))
    const read = await exchange(from, server, RENEWAL_PROTOCOL, Buffer.concat(frames))
    return read.map((one) => (typeof one === 'string' ? one : RenewalResponse.decode(one)))
  }
  t.match(await ask(node, ['0a', '0b', '0c']), [
    { error: 0, renewAt: now + 5_000_000, askAfter: Number },
    // Not before a tenth of its lifetime is over, whatever the CA says.
    { error: 0, renewAt: now, askAfter: Number },
    { error: 0, renewAt: undefined, askAfter: Number },
    'end',
  ])
  t.same(await ask(node, ['ff']), [{ error: 0 }, 'end'], 'nobody has that')
  t.same(await ask(other.node, ['0a']), [{ error: 0 }, 'end'], 'it is not theirs')
  t.same(await ask(node, ['0a', '0a']), [{ error: 1 }, { error: 1 }, 'end'], 'asked too often')
  t.same(await exchange(node, server, RENEWAL_PROTOCOL, encodeFrame(Uint8Array.of(1))), ['reset'])

  const loaded = nextEvent(server.services.issue, 'denylist:loaded')
  writeFileSync(file, other.node.peerId.toString())
  await loaded
  t.same(await ask(other.node, ['0a']), [{ error: 3 }, 'end'])
})

test('what is left of the budgets can be read, and is nothing while the server is stopped', async (t) => {
  const week = { count: 7, periodMs: 7 * 24 * 3_600_000 }
  const server = await startServer(t, { budgets: { certificatesPerDomain: week } })
  t.strictSame(server.services.issue.budgets(), [
    { budget: 'certificatesPerDomain', key: ZONE, ...week, left: 7 },
  ])
  await server.stop()
  t.strictSame(server.services.issue.budgets(), [])
})

test('options that cannot work are refused when the server is made, and name what is wrong', async (t) => {
  const stranger = peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString()
  const [dns] = goodInit.dnsServers
  const [proofServer] = goodInit.proofServers
  if (dns === undefined || proofServer === undefined) throw new Error('no servers')
  const cases: [Partial<IssueServerInit>, RegExp][] = [
    [{ zone: 'not a zone' }, /zone "not a zone"/],
    [{ proofKeys: [] }, /proofKeys is empty/],
    [{ dnsServers: [] }, /dnsServers is empty/],
    [{ dnsServers: [{ ...dns, addresses: [] }] }, /without addresses/],
    [
      { dnsServers: [{ ...dns, addresses: [multiaddr('/ip4/127.0.0.1/tcp/9')] }] },
      /does not end in \/p2p/,
    ],
    [{ proofServers: [proofServer, proofServer] }, /display "one" is empty or not unique/],
    [{ proofServers: [{ ...proofServer, display: '' }] }, /display "" is empty/],
    [
      {
        proofServers: [
          { ...proofServer, addresses: [multiaddr(`/ip4/1.1.1.1/tcp/1/p2p/${stranger}`)] },
        ],
      },
      /names another peer/,
    ],
  ]
  for (const [changed, message] of cases) {
    await t.rejects(startServer(t, changed), { name: 'TypeError', message })
  }
  const budgets = { ordersPerAccount: { count: 0, periodMs: 1 } }
  await t.rejects(startServer(t, { budgets }), { name: 'RangeError', message: /ordersPerAccount/ })
  await t.rejects(
    startServer(t, { storePath: '/dev/null/issue.sqlite' }),
    /cannot open the store "\/dev\/null/,
  )
})

test('a store that another server uses is refused, until that server has stopped', async (t) => {
  const storePath = join(t.testdir({}), 'store.sqlite')
  const first = await startServer(t, { ...goodInit, storePath })
  await t.rejects(startServer(t, { ...goodInit, storePath }), {
    message: /cannot open the store ".*": another issue server is using it/,
  })
  await first.stop()
  await t.resolves(startServer(t, { ...goodInit, storePath }))
  t.equal(statSync(`${storePath}-lock`).mode & 0o777, 0o600)
})

test('NT-WIRE-009 NT-WIRE-010 a flood of empty requests is cut off, is not a flood of events, and others are served meanwhile', async (t) => {
  const server = await startServer(t, goodInit)
  let refused = 0
  server.services.issue.addEventListener('request:refused', () => (refused += 1))
  const { node: attacker } = await startCaller(t)
  // One byte is an empty request, and an empty request is refused.
  const flood = exchange(attacker, server, ISSUE_PROTOCOL, new Uint8Array(60_000))
  const { node: neighbour } = await startCaller(t)
  const [info] = await exchange(neighbour, server, ISSUE_INFO_PROTOCOL, new Uint8Array())
  t.type(info, Uint8Array, 'another peer is served')
  const answers = await flood
  t.ok(answers.length <= 10, `${answers.length} answers`)
  t.ok(refused <= 20, `${refused} events`)
})
