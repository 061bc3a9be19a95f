// The client over real libp2p connections on loopback, against servers that follow a script, and its secure listener
// looked at with a TLS client that trusts the test CA only.
import 'reflect-metadata'
import { webSockets } from '@libp2p/websockets'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Libp2p, PeerInfo, PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { Pkcs10CertificateRequest } from '@peculiar/x509'
import { MemoryDatastore } from 'datastore-core'
import { Key } from 'interface-datastore'
import { createLibp2p } from 'libp2p'
import { connect, type PeerCertificate } from 'node:tls'
import { createConnection } from 'node:net'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { test } from 'tap'
import { observedAddress } from '../wire/addresses.ts'
import { RefusalError } from '../wire/errors.ts'
import {
  Announce,
  type IssueResponse,
  type IssueRequest,
  Proof,
  ProofResponse,
  ProofWrapper,
} from '../wire/messages.ts'
import { signProof } from '../wire/proofs.ts'
import { DISCOVERY_TOPIC, DISCOVERY_TOPIC_SPECIFICATION } from '../wire/protocols.ts'
import { holdDeadlines } from '../wire/testing.ts'
import { CertificateError, NoProofError, type NodetrustEvents } from './index.ts'
import {
  certify,
  createAuthority,
  createClient,
  createKeys,
  createServer,
  provenAt,
  serveIssue,
  serveProofs,
  serveRenewal,
  ZONE,
  type ClientServices,
  type Flaws,
  type IssueScript,
  type ProofScript,
} from './testing.ts'

/** As much of a test as a world needs. */
interface Test {
  teardown(handler: () => unknown): void
}
type Client = Libp2p<ClientServices>

const ADDRESS = '203.0.113.7'
const ADDRESS_NAME = `ip4203-0-113-7.${ZONE}`
const authority = await createAuthority()

/** An issue server that trusts one proof server for each script. */
async function createWorld(
  t: Test,
  options: {
    readonly proofs?: readonly ProofScript[]
    readonly flaws?: () => Flaws
    readonly answer?: IssueScript['answer']
  } = {},
) {
  const issue = await createServer()
  t.teardown(() => issue.stop())
  const proofServers: Libp2p[] = []
  const scripts = options.proofs ?? [provenAt(() => issue, ADDRESS)]
  for (const script of scripts) {
    const server = await createServer()
    t.teardown(() => server.stop())
    await serveProofs(server, script)
    proofServers.push(server)
  }
  const { requests } = await serveIssue(issue, {
    proofServers,
    answer:
      options.answer ??
      (async (request, caller) => await certify(authority, request, caller, options.flaws?.())),
  })
  return { issue, proofServers, requests, issueServers: issue.getMultiaddrs() }
}

async function start(t: Test, ...parameters: Parameters<typeof createClient>): Promise<Client> {
  const client = await createClient(...parameters)
  t.teardown(() => client.stop())
  return client
}

/** The next event of a type. */
async function next<K extends keyof NodetrustEvents>(
  client: Client,
  type: K,
  accept: (detail: NodetrustEvents[K]['detail']) => boolean = () => true,
): Promise<NodetrustEvents[K]['detail']> {
  return await new Promise((resolve) => {
    const listener = (event: NodetrustEvents[K]): void => {
      if (!accept(event.detail)) return
      client.services.nodetrust.removeEventListener(type, listener as never)
      resolve(event.detail)
    }
    client.services.nodetrust.addEventListener(type, listener as never)
  })
}

function idOf(privateKey: PrivateKey): string {
  return peerIdFromPrivateKey(privateKey).toString()
}

function listenerPort(client: Client): number {
  const port = client.services.nodetrust.addresses[0]?.getComponents()[1]?.value
  return Number(port)
}

/** What a TLS handshake on the port shows to somebody who trusts the test CA only. */
async function handshake(
  port: number,
  servername: string,
  host = '127.0.0.1',
): Promise<PeerCertificate> {
  const socket = connect({ host, port, servername, ca: [authority.root] })
  try {
    await once(socket, 'secureConnect')
    return socket.getPeerCertificate()
  } finally {
    socket.destroy()
  }
}

/** The keys that are to be certified, in hex. */
function publicKeys(requests: readonly IssueRequest[]): string[] {
  return requests.map(({ csr }) => {
    const { publicKey } = new Pkcs10CertificateRequest(csr ?? new Uint8Array())
    return Buffer.from(publicKey.rawData).toString('hex')
  })
}

/** A proof server that never answers, and the moment when it is asked. */
function createHanging(): { readonly hang: ProofScript; readonly asked: Promise<void> } {
  const asked = Promise.withResolvers<void>()
  const hang: ProofScript = () => {
    asked.resolve()
    return undefined
  }
  return { hang, asked: asked.promise }
}
const refuse =
  (error: number): ProofScript =>
  () =>
    ProofResponse.encode({ error })

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

test('NT-CLIENT-014 an address of the other family that cannot be proven at first is proven later', async (t) => {
  const issue = await createServer()
  t.teardown(() => issue.stop())
  const server = await createServer('/ip4/127.0.0.1/tcp/0', '/ip6/::1/tcp/0')
  t.teardown(() => server.stop())
  let broken = 2
  await serveProofs(server, async (connection) => {
    const { address = '', family } = observedAddress(connection.remoteAddr) ?? {}
    if (family === 6 && broken-- > 0) throw new Error('it fails for a while')
    return await provenAt(() => server, address)(connection)
  })
  await serveIssue(issue, {
    proofServers: [server],
    answer: async (request, caller) => await certify(authority, request, caller),
  })
  const client = await start(t, {
    issueServers: issue.getMultiaddrs(),
    retry: { initialMs: 1, maximumMs: 1_000 },
  })
  const names: (readonly string[])[] = []
  const both = Promise.withResolvers<void>()
  for (const event of ['certificate:obtained', 'certificate:renewed'] as const) {
    client.services.nodetrust.addEventListener(event, ({ detail }) => {
      names.push(detail.names.slice(1))
      if (detail.names.length === 3) both.resolve()
    })
  }
  await both.promise
  t.same(names, [[`ip4127-0-0-1.${ZONE}`], [`ip4127-0-0-1.${ZONE}`, `ip6--1.${ZONE}`]])
  t.equal(broken, -1, 'asked three times over IPv6')
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

test('NT-CLIENT-012 a renewed certificate takes over on the live port and connections stay', async (t) => {
  let notAfter = new Date(Math.floor(Date.now() / 1000) * 1000 + 6_000)
  const { issueServers, requests } = await createWorld(t, {
    flaws: () => ({ notBefore: new Date(Date.now() - 3_000), notAfter }),
  })
  const client = await start(t, { issueServers })
  const first = await next(client, 'certificate:obtained')
  const port = listenerPort(client)
  const [name = ''] = first.names
  const open = connect({ host: '127.0.0.1', port, servername: name, ca: [authority.root] })
  t.teardown(() => open.destroy())
  await once(open, 'secureConnect')
  let closed = false
  open.once('close', () => {
    closed = true
  })
  const key = open.getPeerX509Certificate()?.publicKey.export({ type: 'spki', format: 'pem' })

  notAfter = new Date(Date.now() + 3_600_000)
  const renewed = await next(client, 'certificate:renewed')
  t.ok(Date.now() < first.notAfter, 'before the first one ended')
  t.not(renewed.serial, first.serial)
  t.equal((await handshake(port, name)).serialNumber.toLowerCase(), renewed.serial)
  t.equal(listenerPort(client), port)
  t.equal(closed, false, 'the connection from before is still open')
  open.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
  const [answer] = (await once(open, 'data')) as [Buffer]
  t.match(answer.toString(), /^HTTP\/1.1 400/, 'and is served')
  t.equal(requests.length, 2)
  t.not(client.services.nodetrust.certificate?.key, key, 'a renewal has a new key')
})

test('NT-CLIENT-012 NT-CLIENT-015 a server that gives the old certificate for a renewal is not asked without end', async (t) => {
  let given: IssueResponse | undefined
  const { issueServers, requests } = await createWorld(t, {
    answer: async (request, caller) => {
      given ??= await certify(authority, request, caller, {
        // Renewal has been due for an hour.
        notBefore: new Date(Date.now() - 10 * 3_600_000),
        notAfter: new Date(Date.now() + 4 * 3_600_000),
      })
      return given
    },
  })
  const client = await start(t, { issueServers, csr: false, retry: { initialMs: 60_000 } })
  const { reason, retryAt } = await next(client, 'certificate:failed')
  t.match(reason, /the one that is to be renewed/)
  t.ok((retryAt ?? 0) > Date.now() + 20_000)
  t.equal(requests.length, 2)
  t.ok(client.services.nodetrust.certificate, 'it is served all the same')
})

test('NT-CLIENT-012 a certificate is renewed when the issue server says so, before or after the usual time', async (t) => {
  const { issueServers, issue, requests } = await createWorld(t)
  // Another one, which is asked first: it does not know the protocol, as those of 2018.
  const other = await createWorld(t, { answer: async () => ({ error: 9 }) })
  const client = await start(t, {
    issueServers: [...other.issueServers, ...issueServers],
    announce: false,
  })
  const first = await next(client, 'certificate:obtained')
  const asked: string[] = []
  let renewAt = first.notAfter
  await serveRenewal(issue, (serial) => {
    asked.push(serial)
    return { error: 0, renewAt }
  })
  const advised = async () => {
    // As 6 h later: the client asks at its start too.
    await client.stop()
    const told = next(client, 'renewal:advised')
    await client.start()
    return await told
  }
  const { serial } = first
  const lifetimeMs = first.notAfter - first.notBefore
  t.match(await advised(), { serial, renewAt: first.notBefore + lifetimeMs * 0.9 }, 'not too late')
  t.equal(asked[0], serial)
  t.equal(requests.length, 1)

  renewAt = Date.now() - 1
  const renewed = next(client, 'certificate:renewed')
  t.equal((await advised()).renewAt, renewAt)
  const second = await renewed
  t.not(second.serial, serial)
  t.equal(requests.length, 2)
  t.equal(new Set(publicKeys(requests)).size, 2, 'the old key may be known to others')
})

test('NT-CLIENT-012 NT-DISC-006 a lapsed certificate is neither served nor announced', async (t) => {
  let refusing = false
  const { issueServers } = await createWorld(t, {
    answer: async (request, caller) =>
      refusing
        ? { error: 9 }
        : await certify(authority, request, caller, {
            notBefore: new Date(Date.now() - 1_000),
            notAfter: new Date(Date.now() + 6_000),
          }),
  })
  const client = await start(t, { issueServers })
  const { names } = await next(client, 'certificate:obtained')
  const port = listenerPort(client)
  refusing = true
  await next(client, 'certificate:expired')
  t.same(client.services.nodetrust.addresses, [])
  t.notOk(client.getMultiaddrs().some((address) => address.toString().includes('/dns4/')))
  await t.rejects(handshake(port, names[0] ?? ''), 'no TLS without a certificate')
  refusing = false
  await client.services.nodetrust.obtain()
  t.ok(await handshake(port, names[0] ?? ''), 'the next certificate is served on the same port')
})

test('NT-CLIENT-013 a restart serves the stored certificate and asks for no other', async (t) => {
  const datastore = new MemoryDatastore()
  const privateKey = await generateKeyPair('Ed25519')
  let address = ADDRESS
  const signer = await createServer()
  t.teardown(() => signer.stop())
  const { issueServers, requests } = await createWorld(t, {
    proofs: [async (connection) => await provenAt(() => signer, address)(connection)],
  })
  const first = await start(t, { issueServers }, { datastore, privateKey })
  const obtained = await next(first, 'certificate:obtained')
  await first.stop()

  const second = await createClient({ issueServers }, { datastore, privateKey })
  t.teardown(() => second.stop())
  const checked = next(second, 'proof:received')
  // The service was already started: what it serves tells, not the event that has passed.
  t.equal(second.services.nodetrust.certificate?.serial, obtained.serial)
  t.equal(
    (await handshake(listenerPort(second), ADDRESS_NAME)).serialNumber.toLowerCase(),
    obtained.serial,
  )
  await checked
  await second.services.nodetrust.refresh()
  t.equal(requests.length, 1, 'names still match')
  await second.stop()

  address = '203.0.113.8'
  const third = await createClient({ issueServers }, { datastore, privateKey })
  t.teardown(() => third.stop())
  const renewed = await third.services.nodetrust.refresh()
  t.same(renewed.names.slice(1), [`ip4203-0-113-8.${ZONE}`], 'NT-CLIENT-014')
  t.equal(requests.length, 2)
  await third.stop()

  await datastore.put(new Key('/nodetrust/certificate'), Buffer.from('{"version":1,"chain":3'))
  const fourth = await createClient({ issueServers }, { datastore, privateKey })
  t.teardown(() => fourth.stop())
  await fourth.services.nodetrust.refresh()
  t.equal(requests.length, 3, 'a corrupt record is replaced')
  t.notMatch(
    Buffer.from(await datastore.get(new Key('/nodetrust/certificate'))).toString(),
    'chain":3',
  )
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

test('NT-CLIENT-014 an address at which others see us starts a new proof and certificate', async (t) => {
  let address = ADDRESS
  const signer = await createServer()
  t.teardown(() => signer.stop())
  const { issueServers, requests } = await createWorld(t, {
    proofs: [async (connection) => await provenAt(() => signer, address)(connection)],
  })
  // On loopback every peer sees us at 127.0.0.1, which no certificate here names.
  const client = await start(t, { issueServers, addressCheckIntervalMs: 0 })
  await next(client, 'certificate:obtained')
  address = '203.0.113.8'
  const renewing = next(client, 'certificate:renewed')
  const neighbour = await createServer()
  t.teardown(() => neighbour.stop())
  await client.dial(neighbour.getMultiaddrs())
  const renewed = await renewing
  t.same(renewed.names.slice(1), [`ip4203-0-113-8.${ZONE}`])
  t.match(String(client.services.nodetrust.addresses[0]), /ip4203-0-113-8/)
  t.notOk(client.getMultiaddrs().some((listed) => listed.toString().includes(ADDRESS_NAME)))
  t.ok(requests.length >= 2)
})

test('NT-CLIENT-014 who was seen elsewhere while its certificate was made asks for another at once', async (t) => {
  let address = ADDRESS
  const signer = await createServer()
  t.teardown(() => signer.stop())
  const { promise: moved, resolve: move } = Promise.withResolvers<void>()
  const { issueServers, requests } = await createWorld(t, {
    proofs: [async (connection) => await provenAt(() => signer, address)(connection)],
    answer: async (request, caller) => {
      await moved
      return await certify(authority, request, caller)
    },
  })
  const client = await start(t, { issueServers, announce: false })
  const obtaining = next(client, 'certificate:obtained')
  const renewing = next(client, 'certificate:renewed')
  while (requests.length === 0) await setTimeout(10)
  address = '203.0.113.8'
  const neighbour = await createServer()
  t.teardown(() => neighbour.stop())
  const seen = new Promise<void>((resolve) => {
    client.addEventListener('peer:identify', ({ detail }) => {
      if (detail.peerId.equals(neighbour.peerId)) resolve()
    })
  })
  await client.dial(neighbour.getMultiaddrs())
  await seen
  move()
  t.same((await obtaining).names.slice(1), [ADDRESS_NAME])
  t.same((await renewing).names.slice(1), [`ip4203-0-113-8.${ZONE}`])
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

test('NT-DISC-001 NT-DISC-005 NT-DISC-010 announcements become discovered peers, and not of oneself', async (t) => {
  const { issueServers } = await createWorld(t)
  const client = await start(t, { issueServers })
  await next(client, 'certificate:obtained')
  const listener = await start(t, { issueServers, autoStart: false })
  const own: PeerInfo[] = []
  client.services.nodetrust.addEventListener('peer', ({ detail }) => own.push(detail))
  const heard = next(listener, 'peer')
  const raw = new Promise<{ topic: string; data: Uint8Array }>((resolve) => {
    listener.services.pubsub.addEventListener('message', ({ detail }) => resolve(detail))
  })
  await listener.dial(client.getMultiaddrs())
  const dialledAt = performance.now()
  const peer = await heard
  t.ok(performance.now() - dialledAt < 5_000, 'whoever comes need not wait for the next turn')
  t.equal(peer.id.toString(), client.peerId.toString())
  t.same(peer.multiaddrs.map(String), client.services.nodetrust.addresses.map(String))
  const { topic, data } = await raw
  t.equal(topic, DISCOVERY_TOPIC, 'NT-DISC-002')
  t.equal(Announce.decode(data).addr.length, 1)
  const often = await start(t, { issueServers, announceIntervalMs: 50 })
  await often.dial(listener.getMultiaddrs())
  for (let turn = 0; turn < 3; turn += 1) {
    await next(often, 'announced', ({ recipients }) => recipients > 0)
  }
  t.same(
    own.filter(({ id }) => id.equals(client.peerId)),
    [],
  )
  const stored = await listener.peerStore.get(client.peerId)
  t.ok(stored.addresses.some(({ multiaddr: address }) => address.toString().includes(ADDRESS_NAME)))
})

test('NT-DISC-005 a client whose issue server was restarted announces itself there again, without asking it for anything', async (t) => {
  const privateKey = await generateKeyPair('Ed25519')
  const issueServers = [multiaddr('/ip4/127.0.0.1/tcp/1').encapsulate(`/p2p/${idOf(privateKey)}`)]
  const signer = await createServer()
  t.teardown(() => signer.stop())
  await serveProofs(
    signer,
    provenAt(() => signer, ADDRESS),
  )
  // Its node takes part in pubsub, as an issue server does that passes announcements on.
  const startIssueServer = async (listen: string) => {
    const node = await start(
      t,
      { issueServers, autoStart: false },
      { privateKey, listen: [listen] },
    )
    const { requests } = await serveIssue(node, {
      proofServers: [signer],
      answer: async (request, caller) => await certify(authority, request, caller),
    })
    return { node, requests }
  }
  const first = await startIssueServer('/ip4/127.0.0.1/tcp/0')
  const [address = multiaddr('/')] = first.node.getMultiaddrs()
  const client = await start(t, { issueServers: [address], announceIntervalMs: 100 })
  await next(client, 'announced')
  t.equal(first.requests.length, 1)
  const lost = new Promise((resolve) => {
    client.addEventListener('peer:disconnect', resolve, { once: true })
  })
  await first.node.stop()
  await lost

  const second = await startIssueServer(address.decapsulate('/p2p').toString())
  const { id } = await next(second.node, 'peer')
  t.ok(id.equals(client.peerId))
  t.equal(second.requests.length, 0)
})

test('NT-DISC-002 NT-DISC-003 NT-DISC-007 both topics are heard, and nothing that comes does harm', async (t) => {
  const { issueServers } = await createWorld(t)
  const talker = await start(t, { issueServers, autoStart: false })
  const listener = await start(t, { issueServers, autoStart: false })
  const subscribed = new Promise((resolve) => {
    talker.services.pubsub.addEventListener('subscription-change', resolve, { once: true })
  })
  await talker.dial(listener.getMultiaddrs())
  await subscribed
  const peers: PeerInfo[] = []
  listener.services.nodetrust.addEventListener('peer', ({ detail }) => peers.push(detail))
  const own = `/dns4/${ADDRESS_NAME}/tcp/1/tls/ws/p2p/${talker.peerId.toString()}`
  const foreign = `/dns4/${ADDRESS_NAME}/tcp/2/tls/ws/p2p/${listener.peerId.toString()}`
  const bad = [
    Uint8Array.of(0xff, 0xff),
    new Uint8Array(5_000),
    Announce.encode({ addr: [] }),
    Announce.encode({ addr: [multiaddr(foreign).bytes] }),
    Announce.encode({ addr: [Uint8Array.of(1, 2, 3)] }),
  ]
  for (const data of bad) await talker.services.pubsub.publish(DISCOVERY_TOPIC, data)
  const heard = next(listener, 'peer')
  await talker.services.pubsub.publish(
    DISCOVERY_TOPIC_SPECIFICATION,
    Announce.encode({ addr: [multiaddr(foreign).bytes, Uint8Array.of(9), multiaddr(own).bytes] }),
  )
  t.same((await heard).multiaddrs.map(String), [own])
  t.equal(peers.length, 1)
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
