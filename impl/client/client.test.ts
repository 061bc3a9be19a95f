// The client over real libp2p connections on loopback, against servers that follow a script, and its secure listener
// looked at with a TLS client that trusts the test CA only.
import 'reflect-metadata'
import { webSockets } from '@libp2p/websockets'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { connect } from 'node:tls'
import { createConnection } from 'node:net'
import { once } from 'node:events'
import { test } from 'tap'
import { observedAddress } from '../wire/addresses.ts'
import { RefusalError } from '../wire/errors.ts'
import { Proof, ProofResponse, ProofWrapper } from '../wire/messages.ts'
import { signProof } from '../wire/proofs.ts'
import { holdDeadlines } from '../wire/testing.ts'
import { CertificateError, NoProofError } from './index.ts'
import {
  certify,
  createAuthority,
  createClient,
  createKeys,
  createServer,
  provenAt,
  serveIssue,
  serveProofs,
  ZONE,
  type Flaws,
  type IssueScript,
  type ProofScript,
} from './testing.ts'
import {
  ADDRESS,
  ADDRESS_NAME,
  authority,
  createHanging,
  createWorld,
  handshake,
  idOf,
  listenerPort,
  next,
  publicKeys,
  refuse,
  start,
} from './testing-client.ts'

test('NT-CLIENT-001 NT-CLIENT-010 NT-CLIENT-011 the client obtains a certificate and serves it on its own listener', async (t) => {
  const { issueServers, requests } = await createWorld(t)
  const client = await start(t, { issueServers })
  const obtained = await next(client, 'certificate:obtained')
  const { nodetrust } = client.services
  t.equal(obtained.names[1], ADDRESS_NAME)
  t.equal(obtained.fromStore, false)
  t.match(obtained.issuer, 'Intermediate')
  t.equal(requests.length, 1)
  t.ok(requests[0]?.csr, 'the key stayed here')
  t.same(requests[0]?.supportedCryptos, [1], 'NT-CLIENT-006')

  const port = listenerPort(client)
  t.same(nodetrust.addresses.map(String), [
    `/dns4/${ADDRESS_NAME}/tcp/${port}/tls/ws/p2p/${client.peerId.toString()}`,
  ])
  for (const name of obtained.names) {
    const certificate = await handshake(port, name)
    t.equal(certificate.serialNumber.toLowerCase(), obtained.serial, name)
  }
  await t.rejects(handshake(port, 'other.example'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
  t.ok(
    client.getMultiaddrs().some((address) => address.toString().startsWith('/dns4/ip4203')),
    'identify and peer records carry the address',
  )
})

test('NT-CLIENT-010 a node without any other transport talks libp2p through the secure listener', async (t) => {
  const { issueServers } = await createWorld(t)
  const client = await start(t, { issueServers })
  await next(client, 'certificate:obtained')
  const port = listenerPort(client)
  const plain = await createLibp2p({
    transports: [webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
  })
  t.teardown(() => plain.stop())
  const connection = await plain.dial(multiaddr(`/ip4/127.0.0.1/tcp/${port}/ws`))
  t.equal(connection.remotePeer.toString(), client.peerId.toString(), 'plain ws still works')
})

test('NT-CLIENT-002 NT-CLIENT-004 NT-CLIENT-009 bad proof servers are reported and do no harm', async (t) => {
  const stranger = await generateKeyPair('Ed25519')
  const deadlines = holdDeadlines(t)
  const { hang, asked } = createHanging()
  const self = { id: new Uint8Array() }
  const proof = async (id: Uint8Array, address: string): Promise<Uint8Array> =>
    ProofResponse.encode({
      error: 0,
      proof: await signProof({
        id,
        addresses: [{ family: 4, address }],
        now: Date.now(),
        key: stranger,
      }),
    })
  const cases: [ProofScript, string | RegExp][] = [
    [refuse(9), /E_OTHER/],
    [refuse(1), /E_RATE_LIMIT/],
    [refuse(7), /unknown error code 7/],
    [hang, `no answer within ${deadlines.timeoutMs} ms`],
    [() => Uint8Array.of(0xff, 0xff, 0xff), /malformed/],
    [() => ProofResponse.encode({ error: 0 }), /no proof/],
    [
      async () => await proof(stranger.publicKey.toMultihash().bytes, '198.51.100.1'),
      /another peer/,
    ],
    [async () => await proof(self.id, '0.0.0.0'), /not the address of a node/],
    [async () => await proof(self.id, '198.51.100.1.5'), /not the address of a node/],
    [
      (connection) => {
        connection.abort(new Error('gone'))
        return undefined
      },
      /./,
    ],
  ]
  const key = await generateKeyPair('Ed25519')
  self.id = key.publicKey.toMultihash().bytes
  const good = await createServer()
  t.teardown(() => good.stop())
  const { issueServers, proofServers, requests } = await createWorld(t, {
    proofs: [...cases.map(([script]) => script), provenAt(() => good, ADDRESS)],
  })
  const client = await start(
    t,
    { issueServers, autoStart: false, requestTimeoutMs: deadlines.timeoutMs },
    { privateKey: key },
  )
  const failures = new Map<string, string>()
  const othersFailed = Promise.withResolvers<void>()
  client.services.nodetrust.addEventListener('proof:failed', ({ detail }) => {
    failures.set(detail.server, detail.reason)
    if (failures.size === cases.length - 1) othersFailed.resolve()
  })
  const proven = next(client, 'proof:received')
  const obtaining = client.services.nodetrust.obtain()
  // Only the one that hangs is still waited for.
  await Promise.all([asked, proven, othersFailed.promise])
  const certificate = await deadlines.hurry(obtaining)
  t.same(certificate.names.slice(1), [ADDRESS_NAME])
  t.equal(requests[0]?.proofs.length, 1, 'only the good proof was sent')
  for (const [index, [, reason]] of cases.entries()) {
    t.match(failures.get(proofServers[index]?.peerId.toString() ?? ''), reason)
  }
  t.equal(failures.size, cases.length)
})

test('NT-CLIENT-006 proofs reach the issue server byte for byte', async (t) => {
  let sent: Uint8Array | undefined
  const signer = await createServer()
  t.teardown(() => signer.stop())
  const { issueServers, requests } = await createWorld(t, {
    proofs: [
      async (connection) => {
        const answer = await provenAt(() => signer, ADDRESS)(connection)
        const opened = ProofWrapper.decode(
          ProofResponse.decode(answer ?? new Uint8Array()).proof ?? new Uint8Array(),
        )
        // An unknown field in the proof: a client that decodes and encodes again would lose it.
        const proof = Uint8Array.from([...opened.proof, 0x78, 0x01])
        sent = ProofWrapper.encode({ proof, signature: opened.signature })
        t.doesNotThrow(() => Proof.decode(proof))
        return ProofResponse.encode({ error: 0, proof: sent })
      },
    ],
  })
  const client = await start(t, { issueServers, autoStart: false })
  await client.services.nodetrust.obtain()
  t.same(requests[0]?.proofs, [sent])
})

test('NT-CLIENT-011 a node with IPv4 and IPv6 proves both to one server, and announces both', async (t) => {
  const issue = await createServer()
  t.teardown(() => issue.stop())
  const server = await createServer('/ip4/127.0.0.1/tcp/0', '/ip6/::1/tcp/0')
  t.teardown(() => server.stop())
  await serveProofs(server, async (connection) => {
    const address = observedAddress(connection.remoteAddr)?.address ?? ''
    return await provenAt(() => server, address)(connection)
  })
  await serveIssue(issue, {
    proofServers: [server],
    answer: async (request, caller) => await certify(authority, request, caller),
  })
  const client = await start(
    t,
    { issueServers: issue.getMultiaddrs(), autoStart: false },
    { listen: ['/ip4/127.0.0.1/tcp/0/ws', '/ip6/::1/tcp/0/ws'] },
  )
  const changes: (readonly string[])[] = []
  client.services.nodetrust.addEventListener('addresses:changed', ({ detail }) => {
    changes.push(detail.addresses)
  })
  // A connection that is open already must not stand for both.
  await client.dial(server.getMultiaddrs())
  const certificate = await client.services.nodetrust.obtain()
  t.same(certificate.names.slice(1), [`ip4127-0-0-1.${ZONE}`, `ip6--1.${ZONE}`])
  t.same(
    client.services.nodetrust.addresses.map((address) => address.getComponents()[0]?.name),
    ['dns4', 'dns6'],
  )
  for (const [index, host] of ['127.0.0.1', '::1'].entries()) {
    const port = Number(client.services.nodetrust.addresses[index]?.getComponents()[1]?.value)
    const shown = await handshake(port, certificate.names[index + 1] ?? '', host)
    t.equal(shown.serialNumber.toLowerCase(), certificate.serial, host)
  }
  t.equal(changes.length, 1, 'no address is told before its listener has the certificate')
})

test('NT-CLIENT-003 without a proof nothing is sent to the issue server', async (t) => {
  const deadlines = holdDeadlines(t)
  const { hang, asked } = createHanging()
  const { issueServers, requests, proofServers } = await createWorld(t, {
    proofs: [refuse(9), hang],
  })
  const requestTimeoutMs = deadlines.timeoutMs
  const client = await start(t, { issueServers, autoStart: false, requestTimeoutMs })
  const refused = next(client, 'proof:failed')
  const obtaining = client.services.nodetrust.obtain().catch((failure: unknown) => failure)
  await Promise.all([asked, refused])
  const error = await deadlines.hurry(obtaining)
  t.ok(error instanceof NoProofError)
  t.same(
    (error as NoProofError).failures.map(({ server }) => server).toSorted(),
    proofServers.map(({ peerId }) => peerId.toString()).toSorted(),
  )
  t.equal(requests.length, 0)
})

test('NT-CLIENT-005 a server that is somebody else is refused', async (t) => {
  const { issueServers, requests } = await createWorld(t)
  const other = await generateKeyPair('Ed25519')
  const wrong = multiaddr(
    `${String(issueServers[0]).split('/p2p/')[0] ?? ''}/p2p/${peerIdFromPrivateKey(other).toString()}`,
  )
  const client = await start(t, { issueServers: [wrong], autoStart: false })
  await t.rejects(client.services.nodetrust.obtain())
  t.equal(requests.length, 0)
})

test('NT-CLIENT-007 NT-ISSUE-020 a refusal fails with its code, known or not', async (t) => {
  const codes: [number, string][] = [
    [1, 'RATE_LIMIT'],
    [2, 'INVALID_PROOF'],
    [3, 'NOT_AUTHORIZED'],
    [4, 'NO_MATCHING_CRYPTO'],
    [9, 'OTHER'],
    [7, 'OTHER'],
  ]
  let error = 0
  const { issueServers } = await createWorld(t, { answer: async () => ({ error }) })
  const client = await start(t, { issueServers, autoStart: false })
  for (const [number, code] of codes) {
    error = number
    const failure = await client.services.nodetrust.obtain().catch((thrown: unknown) => thrown)
    t.ok(failure instanceof RefusalError, code)
    t.match(failure, { code, errorCode: number })
  }
})

test('NT-CLIENT-007 NT-CLIENT-015 the event of a refusal names its code and when we try again', async (t) => {
  const { issueServers } = await createWorld(t, { answer: async () => ({ error: 1 }) })
  const client = await start(t, { issueServers, retry: { initialMs: 5_000 } })
  const before = Date.now()
  const failed = await next(client, 'certificate:failed')
  t.match(failed, { code: 'RATE_LIMIT', errorCode: 1, error: 'RefusalError' })
  t.ok(
    (failed.retryAt ?? 0) >= before + 15_000,
    'a limit is waited for longer than a broken connection',
  )
})

test('NT-CLIENT-015 a client that meets a rate limit waits longer each time, each client another time, and asks no earlier', async (t) => {
  const failures = 3
  const asked = new Map<string, number[]>()
  const { issueServers } = await createWorld(t, {
    answer: async (request, caller) => {
      const times = asked.get(caller.remotePeer.toString()) ?? []
      asked.set(caller.remotePeer.toString(), [...times, Date.now()])
      return times.length < failures ? { error: 1 } : await certify(authority, request, caller)
    },
  })
  const all = await Promise.all(
    Array.from({ length: 3 }, async () => {
      // A refusal for a limit is waited for six times as long: 120, 240 and 480 ms.
      const client = await start(t, { issueServers, retry: { initialMs: 20 } })
      const waits: { readonly waitMs: number; readonly retryAt: number }[] = []
      client.services.nodetrust.addEventListener('certificate:failed', ({ detail }) => {
        const retryAt = detail.retryAt ?? 0
        waits.push({ waitMs: retryAt - Date.now(), retryAt })
      })
      await next(client, 'certificate:obtained')
      const times = asked.get(client.peerId.toString()) ?? []
      t.equal(times.length, failures + 1)
      for (const [index, { waitMs, retryAt }] of waits.entries()) {
        const longestMs = 120 * 2 ** index
        // The event comes at once, but two looks at the clock are not one.
        t.ok(waitMs <= longestMs && waitMs > longestMs / 2 - 50, `${index}: ${waitMs} ms`)
        t.ok((times[index + 1] ?? 0) >= Math.floor(retryAt), 'it has not asked before')
      }
      return waits.map(({ waitMs }) => waitMs)
    }),
  )
  t.equal(new Set(all.map(String)).size, 3, 'jitter')
})

test('NT-CLIENT-008 a certificate of no use is refused, whatever is wrong with it', async (t) => {
  const text = (value: string): Uint8Array => Uint8Array.from(Buffer.from(value))
  const otherKeys = await createKeys()
  const stranger = await createAuthority('Stranger')
  const cases: Record<string, Flaws> = {
    'other key': { keys: otherKeys, response: (response) => ({ ...response, key: text('') }) },
    'own id0 name missing': { names: (names) => names.slice(1) },
    'address name missing': { names: (names) => names.slice(0, 1) },
    'altnames has a name that the certificate has not': {
      response: (response) => ({
        ...response,
        altnames: [...(response.altnames ?? []), `ip4198-51-100-9.${ZONE}`],
      }),
    },
    'no altnames': { response: (response) => ({ ...response, altnames: [] }) },
    expired: { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() - 1_000) },
    'garbage PEM': {
      response: (response) => ({
        ...response,
        chain: text('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'),
      }),
    },
    'no certificate': {
      response: ({ error, altnames }) => ({ error, altnames: altnames ?? [] }),
    },
    'a chain that does not fit': {
      response: (response) => ({
        ...response,
        chain: Buffer.concat([response.cert ?? text(''), text(stranger.intermediate)]),
      }),
    },
  }
  let flaws: Flaws = {}
  const { issueServers } = await createWorld(t, { flaws: () => flaws })
  const client = await start(t, { issueServers, autoStart: false })
  for (const [name, flaw] of Object.entries(cases)) {
    flaws = flaw
    const failure = await client.services.nodetrust.obtain().catch((thrown: unknown) => thrown)
    t.ok(failure instanceof CertificateError, `${name}: ${String(failure)}`)
  }
  t.equal(client.services.nodetrust.certificate, undefined)
  t.same(client.services.nodetrust.addresses, [])
  flaws = { response: (response) => ({ ...response, cn: 'nonsense', validity: 1 }) }
  await client.services.nodetrust.obtain()
  t.pass('cn and validity are not believed')
})

test('NT-CLIENT-001 an issue server that hangs, sends garbage or nothing is an error in time', async (t) => {
  const answers: Record<string, IssueScript['answer']> = {
    hang: async () => await new Promise(() => {}),
    nothing: async () => undefined,
  }
  for (const [name, answer] of Object.entries(answers)) {
    const { issueServers } = await createWorld(t, { answer })
    const client = await start(t, { issueServers, autoStart: false, issueTimeoutMs: 300 })
    await t.rejects(client.services.nodetrust.obtain(), name)
  }
  const silent = await createServer()
  t.teardown(() => silent.stop())
  const client = await start(t, { issueServers: silent.getMultiaddrs(), autoStart: false })
  await t.rejects(client.services.nodetrust.obtain(), { name: 'UnsupportedProtocolError' })
})

test('a server of 2018 that sends its own key is served', async (t) => {
  const keys = await createKeys()
  const flaws = { keys }
  const { issueServers, requests } = await createWorld(t, {
    answer: async (request, caller) => {
      const { csr: _skipped, ...old } = request
      return await certify(authority, old, caller, flaws)
    },
  })
  for (const csr of [true, false]) {
    const client = await start(t, { issueServers, csr, autoStart: false })
    const certificate = await client.services.nodetrust.obtain()
    t.equal(requests.at(-1)?.csr !== undefined, csr)
    const shown = await handshake(listenerPort(client), certificate.names[0] ?? '')
    t.equal(shown.serialNumber.toLowerCase(), certificate.serial)
  }
})

test('the next issue server is asked when one cannot be reached or refuses', async (t) => {
  const refusing = await createWorld(t, { answer: async () => ({ error: 9 }) })
  const good = await createWorld(t)
  const gone = await createServer()
  const addresses = gone.getMultiaddrs()
  await gone.stop()
  const client = await start(t, {
    issueServers: [...addresses, ...refusing.issueServers, ...good.issueServers],
    autoStart: false,
  })
  await client.services.nodetrust.obtain()
  t.equal(refusing.requests.length, 1)
  t.equal(good.requests.length, 1)
})

test('a client asks again with the same key until it has a certificate', async (t) => {
  let failures = 1
  const { issueServers, requests } = await createWorld(t, {
    answer: async (request, caller) =>
      failures-- > 0 ? { error: 9 } : await certify(authority, request, caller),
  })
  const client = await start(t, { issueServers, retry: { initialMs: 10 } })
  await next(client, 'certificate:obtained')
  const keys = publicKeys(requests)
  t.equal(keys.length, 2)
  t.equal(keys[0], keys[1])
})

test('NT-CLIENT-016 stop ends everything in time, whatever is going on', async (t) => {
  const hanging = await createWorld(t, { answer: async () => await new Promise(() => {}) })
  const busy = await start(t, { issueServers: hanging.issueServers })
  await next(busy, 'proof:received')
  const startedAt = performance.now()
  await busy.stop()
  t.ok(performance.now() - startedAt < 5_000, 'with a request under way')

  const { issueServers } = await createWorld(t)
  const client = await start(t, { issueServers })
  await next(client, 'certificate:obtained')
  const port = listenerPort(client)
  const open = connect({ host: '127.0.0.1', port, servername: ADDRESS_NAME, ca: [authority.root] })
  t.teardown(() => open.destroy())
  await once(open, 'secureConnect')
  await client.services.nodetrust.obtain()
  // One that never says anything keeps the listener of @libp2p/websockets from closing.
  const silent = createConnection({ host: '127.0.0.1', port })
  t.teardown(() => silent.destroy())
  await once(silent, 'connect')
  const stoppedAt = performance.now()
  await client.stop()
  t.ok(
    performance.now() - stoppedAt < 5_000,
    'with a certificate that was renewed and a connection',
  )
  t.same(client.services.nodetrust.addresses, [])
  t.notOk(client.getMultiaddrs().some((address) => address.toString().includes('/dns4/')))
  const refused = createConnection({ host: '127.0.0.1', port })
  await t.rejects(once(refused, 'connect'), { code: 'ECONNREFUSED' })

  await client.start()
  t.equal(
    (await handshake(listenerPort(client), ADDRESS_NAME)).subjectaltname?.includes(ADDRESS_NAME),
    true,
    'and it can be started again',
  )
})

test('NT-CLIENT-016 obtain can be given up', async (t) => {
  const { issueServers } = await createWorld(t, { answer: async () => await new Promise(() => {}) })
  const client = await start(t, { issueServers, autoStart: false })
  const giveUp = new AbortController()
  const obtaining = client.services.nodetrust.obtain({ signal: giveUp.signal })
  await next(client, 'proof:received')
  giveUp.abort(new Error('enough'))
  await t.rejects(obtaining, { message: 'enough' })
})

test('options that make no sense are refused before anything starts', async (t) => {
  await t.rejects(createClient({ issueServers: [] }), RangeError)
  await t.rejects(
    createClient({ issueServers: [multiaddr('/ip4/127.0.0.1/tcp/1')] }),
    /wanted a multiaddr that ends in/,
  )
  const issueServers = [
    multiaddr(`/ip4/127.0.0.1/tcp/1/p2p/${idOf(await generateKeyPair('Ed25519'))}`),
  ]
  for (const announceIntervalMs of [0, -1, Number.NaN]) {
    const message = `announceIntervalMs is ${announceIntervalMs}, wanted a time above 0`
    await t.rejects(createClient({ issueServers, announceIntervalMs }), { message })
  }
})
