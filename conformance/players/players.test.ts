// What the suite plays, against clients as plain as can be: a case can rely on it to do what its script says.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { globSync, readFileSync } from 'node:fs'
import { createServer, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test, type Test } from 'tap'
import { privateKeyToProtobuf, generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import packageJson from '../../package.json' with { type: 'json' }
import { createHttpsCertificate } from '../../scenarios/engine/ca/https-certificate.ts'
import { freePorts } from '../../scenarios/engine/ca/ports.ts'
import { TYPE } from '../dns/codes.ts'
import { readMessage } from '../dns/read.ts'
import { exchangeTcp } from '../dns/tcp.ts'
import { exchangeUdp } from '../dns/udp.ts'
import { writeQuery } from '../dns/write.ts'
import { DNS01Request, DNS01Response, frame, openStream, PROTOCOLS } from '../wire/index.ts'
import { openCaller, type Caller } from './caller.ts'
import { openPlayedCa } from './played-ca.ts'
import { openPlayedDns, type PlayedDns } from './played-dns.ts'

const WAIT_MS = 5_000
const NAME = 'ip48-8-8-8.nt.example'
const VALUE = createHash('sha256').update('a value').digest('base64url')

test('callers have keys of every type, and come from the address that they are told to come from', async (t) => {
  const server = await openCaller({ listen: ['/ip4/127.0.0.1/tcp/0'] })
  t.teardown(() => server.close())
  // Only Linux has more than one of these without being told.
  const sourceAddress = process.platform === 'linux' ? '127.0.0.9' : '127.0.0.1'
  const [address = ''] = server.node.getMultiaddrs().map(String)
  for (const [keyType, idBytes] of [
    ['RSA', 34],
    ['Ed25519', 38],
    ['secp256k1', 39],
  ] as const) {
    const caller = await openCaller({ keyType, sourceAddress })
    t.teardown(() => caller.close())
    const opened = new Promise<string>((resolve) => {
      server.node.addEventListener('connection:open', ({ detail }) => {
        if (detail.remotePeer.toString() === caller.peerId) resolve(detail.remoteAddr.toString())
      })
    })
    await caller.connect(address, { signal: AbortSignal.timeout(WAIT_MS) })
    t.equal(caller.id.length, idBytes)
    t.match(await opened, `/ip4/${sourceAddress}/tcp/`)
    await caller.connect(address, { signal: AbortSignal.timeout(WAIT_MS) })
    t.equal(caller.node.getConnections().length, 1, 'a connection is kept')
    // libp2p takes five connections a second from one address, and this is the last.
    if (keyType !== 'secp256k1') continue
    await caller.connect(address, { signal: AbortSignal.timeout(WAIT_MS), anew: true })
    t.equal(caller.node.getConnections().length, 2, 'unless a new one is asked for')
  }
})

test("every libp2p node of the suite tells the suite's name and version, by identify", async (t) => {
  const agentOf = async (listener: Caller, dialler: Caller): Promise<string | undefined> => {
    const { promise, resolve } = Promise.withResolvers<string | undefined>()
    listener.node.addEventListener('peer:identify', ({ detail }) => resolve(detail.agentVersion))
    const [address = ''] = listener.node.getMultiaddrs().map(String)
    await dialler.connect(address, { signal: AbortSignal.timeout(WAIT_MS) })
    return promise
  }
  const [listener, dialler] = [
    await openCaller({ listen: ['/ip4/127.0.0.1/tcp/0'] }),
    await openCaller({ keyType: 'secp256k1' }),
  ]
  t.teardown(() => Promise.all([listener.close(), dialler.close()]))
  t.equal(await agentOf(listener, dialler), `nodetrust-conformance/${packageJson.version}`)
  // All others are made by it.
  const root = join(import.meta.dirname, '..')
  const makers = globSync('**/*.ts', { cwd: root }).filter(
    (file) =>
      !file.endsWith('.test.ts') &&
      readFileSync(join(root, file), 'utf8').includes('createLibp2p('),
  )
  t.same(makers.toSorted(), ['client/our-client/cli.ts', 'players/caller.ts'])
})

test('a played DNS server shows what is set, by UDP and TCP, and not what is removed', async (t) => {
  const { played, write, look } = await openDns(t)
  t.strictSame(await look('udp'), [])
  t.equal(await write('dns01', NAME.toUpperCase()), 0)
  t.strictSame(await look('udp'), [VALUE])
  t.strictSame(await look('tcp'), [VALUE])
  t.equal(await write('dns01Remove', `${NAME}.`), 0)
  t.strictSame(await look('tcp'), [])
  t.match(played.writes, [
    { kind: 'set', fqdn: NAME, value: VALUE },
    { kind: 'remove', fqdn: NAME, value: VALUE },
  ])
})

test('a played DNS server refuses, is late, hides and truncates by its script, for the names in it', async (t) => {
  const { played, write, look } = await openDns(t)
  let unfollow = played.follow([NAME], { response: 3 })
  t.equal(await write('dns01'), 3)
  t.strictSame(await look('udp'), [], 'what is refused is not shown')
  t.equal(await write('dns01', 'ip48-8-4-4.nt.example'), 0, 'other names are not in the script')
  unfollow()

  unfollow = played.follow([NAME], { response: 1, showAnyway: true })
  t.equal(await write('dns01'), 1)
  t.strictSame(await look('udp'), [VALUE])
  unfollow()
  await write('dns01Remove')

  unfollow = played.follow([NAME], { visibleAfterMs: 'never' })
  t.equal(await write('dns01'), 0)
  t.strictSame(await look('udp'), [])
  unfollow()

  unfollow = played.follow([NAME], { responseAfterMs: 50, truncated: true })
  const startedAt = performance.now()
  t.equal(await write('dns01'), 0)
  t.ok(performance.now() - startedAt >= 49, 'the answer is late')
  t.equal(await look('udp'), 'truncated')
  t.strictSame(await look('tcp'), [VALUE])
  t.strictSame(await look('udp'), [VALUE], 'who asked by TCP has seen it')
  unfollow()
})

test('a played DNS server resets and drops streams, is silent, and can be without removal', async (t) => {
  const { played, write } = await openDns(t)
  const unfollow = played.follow([NAME], { response: 'reset' })
  t.equal(await write('dns01'), 'reset')
  unfollow()
  const silent = played.follow([NAME], { response: 'silence' })
  const answered = write('dns01')
  await new Promise<void>((resolve) => {
    const stop = played.onWrite(() => {
      stop()
      resolve()
    })
  })
  played.dropStreams()
  t.equal(await answered, 'reset', 'silence lasts until the stream is dropped')
  silent()
  await played.serveRemovals(false)
  await t.rejects(write('dns01Remove'), { name: 'UnsupportedProtocolError' })
  await played.serveRemovals(true)
  t.equal(await write('dns01Remove'), 0)
})

test('a played CA hands on what it is asked, sees orders, and refuses those in its script with a good nonce', async (t) => {
  const upstream = await createHttpsCertificate()
  const asked: string[] = []
  const agents: (string | undefined)[] = []
  const ca = createServer(
    { cert: upstream.certificate, key: upstream.privateKey },
    (incoming, answer) => {
      const { host, 'user-agent': agent } = incoming.headers
      asked.push(`${incoming.method} ${incoming.url}`)
      agents.push(agent)
      answer.setHeader('replay-nonce', 'fresh')
      answer.end(JSON.stringify({ newNonce: `https://${host}/nonce`, at: incoming.url }))
    },
  )
  ca.listen(0, '127.0.0.1')
  await once(ca, 'listening')
  t.teardown(() => ca.close())
  const own = await createHttpsCertificate()
  const [port] = await freePorts()
  const played = await openPlayedCa({
    listen: { address: '127.0.0.1', port },
    ...own,
    upstream: {
      directoryUrl: `https://127.0.0.1:${(ca.address() as AddressInfo).port}/dir`,
      certificateAuthority: upstream.certificate,
    },
  })
  t.teardown(() => played.close())
  const send = async (method: string, path: string, payload?: object) => {
    const headers = { 'user-agent': 'under test/1' }
    const outgoing = request({
      host: '127.0.0.1',
      port,
      path,
      method,
      headers,
      ca: own.certificate,
    })
    const text =
      payload === undefined ? '' : Buffer.from(JSON.stringify(payload)).toString('base64url')
    outgoing.end(
      payload === undefined ? '' : JSON.stringify({ protected: '', payload: text, signature: '' }),
    )
    const [response] = (await once(outgoing, 'response')) as [import('node:http').IncomingMessage]
    const chunks: Buffer[] = []
    for await (const chunk of response) chunks.push(chunk as Buffer)
    const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>
    const { 'replay-nonce': nonce, 'retry-after': retryAfter } = response.headers
    return { status: response.statusCode, nonce, retryAfter, body }
  }
  const order = { identifiers: [{ type: 'dns', value: NAME.toUpperCase() }] }

  t.match(await send('GET', '/dir'), {
    status: 200,
    body: { newNonce: `https://127.0.0.1:${port}/nonce` },
  })
  const unfollow = played.follow(NAME, {
    problem: 'rateLimited',
    status: 429,
    retryAfterSeconds: 7,
    count: 1,
  })
  t.match(await send('POST', '/order', order), {
    status: 429,
    nonce: 'fresh',
    retryAfter: '7',
    body: { type: 'urn:ietf:params:acme:error:rateLimited' },
  })
  t.notOk(asked.includes('POST /order'), 'the CA never hears of it')
  const ourAgent = `nodetrust-conformance/${packageJson.version}`
  t.same(
    asked.map((line, index) => [line, agents[index]]),
    [
      ['GET /dir', 'under test/1'],
      ['GET /dir', ourAgent],
      ['GET /nonce', ourAgent],
    ],
    "what it hands on has its sender's User-Agent, and what it asks itself has the suite's",
  )
  t.match(await send('POST', '/order', order), { status: 200, body: { at: '/order' } })
  unfollow()
  await send('POST', '/finalize', { csr: 'AAEC' })
  t.strictSame(played.requests, [
    { step: 'newOrder', names: [NAME] },
    { step: 'newOrder', names: [NAME] },
    { step: 'finalize', names: [], csr: Uint8Array.of(0, 1, 2) },
  ])
})

test('a played CA says 502 while the CA behind it cannot be reached or is another, and why', async (t) => {
  const upstream = await createHttpsCertificate()
  const own = await createHttpsCertificate()
  const [port, upstreamPort] = await freePorts()
  const directoryUrl = `https://127.0.0.1:${upstreamPort}/dir`
  const played = await openPlayedCa({
    listen: { address: '127.0.0.1', port },
    ...own,
    upstream: { directoryUrl, certificateAuthority: upstream.certificate },
  })
  t.teardown(() => played.close())
  const status = async (): Promise<number | undefined> => {
    const outgoing = request({ host: '127.0.0.1', port, path: '/dir', ca: own.certificate })
    outgoing.end()
    const [response] = (await once(outgoing, 'response')) as [import('node:http').IncomingMessage]
    response.resume()
    return response.statusCode
  }
  const listen = async ({ certificate, privateKey }: typeof own, text: string) => {
    const ca = createServer({ cert: certificate, key: privateKey }, (_, answer) => answer.end(text))
    ca.listen(upstreamPort, '127.0.0.1')
    await once(ca, 'listening')
    return async () => {
      ca.close()
      ca.closeAllConnections()
      await once(ca, 'close')
    }
  }
  const fault = `the CA behind the suite cannot be reached: ${directoryUrl} (`

  const before = played.watch()
  t.equal(await status(), 502)
  t.match(before(), `${fault}connect ECONNREFUSED`)
  t.match(await played.lookForDirectory(), fault)

  const closeOther = await listen(own, '{"newNonce": ""}')
  const meanwhile = played.watch()
  t.equal(await status(), 502)
  t.match(await played.lookForDirectory(), /certificate/, 'HTTPS that does not fit')
  await closeOther()

  const close = await listen(upstream, '{"newNonce": ""}')
  t.equal(await played.lookForDirectory(), undefined)
  t.equal(await status(), 200)
  t.match(meanwhile(), fault, 'who has begun before it was there may have failed for that')
  t.equal(played.watch()(), undefined, 'and it is forgotten')
  await close()

  const closeNone = await listen(upstream, 'Not found')
  await t.rejects(played.lookForDirectory(), { message: `no ACME directory at ${directoryUrl}` })
  await closeNone()
})

async function openDns(t: Test) {
  const key = await generateKeyPair('Ed25519')
  const [libp2pPort, queryPort] = await freePorts()
  const server = { address: '127.0.0.1', port: queryPort }
  const played: PlayedDns = await openPlayedDns({
    peerKey: Buffer.from(privateKeyToProtobuf(key)).toString('base64'),
    listen: [`/ip4/127.0.0.1/tcp/${libp2pPort}`],
    dns: server,
  })
  t.teardown(() => played.close())
  const writer = await openCaller()
  t.teardown(() => writer.close())
  const address = `/ip4/127.0.0.1/tcp/${libp2pPort}/p2p/${peerIdFromPrivateKey(key).toString()}`
  return {
    played,
    /** The code of the answer, or how the stream ended without one. */
    write: async (protocol: 'dns01' | 'dns01Remove', fqdn = NAME): Promise<number | string> => {
      const signal = AbortSignal.timeout(WAIT_MS)
      const connection = await writer.connect(address, { signal })
      const stream = await openStream(connection, PROTOCOLS[protocol], { signal })
      stream.send(frame(DNS01Request.encode({ fqdn, value: VALUE })))
      const next = await stream.next(signal)
      stream.closeWrite()
      return next.message === undefined ? next.end : DNS01Response.decode(next.message).error
    },
    look: async (transport: 'udp' | 'tcp'): Promise<readonly string[] | 'truncated'> => {
      const signal = AbortSignal.timeout(WAIT_MS)
      const query = writeQuery({ name: `_Acme-challenge.${NAME}`, type: TYPE.TXT, edns: {} })
      const init = { server, signal, wire: { record: () => undefined } }
      const reply = await (transport === 'udp'
        ? exchangeUdp(query, init)
        : exchangeTcp(query, init))
      const message = readMessage(reply?.bytes ?? new Uint8Array(0))
      if (message.truncated) return 'truncated'
      return message.answers.map(({ text }) => text.replaceAll('"', ''))
    },
  }
}
