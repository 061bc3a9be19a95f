// The issue server with a real CA (Pebble), our DNS servers, and a resolver between them.
import { generateKeyPair } from '@libp2p/crypto/keys'
import { X509Certificate, createPrivateKey, webcrypto } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { t, test, type Test } from 'tap'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import {
  caOptionsFromEnvironment,
  openAcmeCa,
  openResolver,
} from '../../scenarios/engine/ca/index.ts'
import type { AcmeCa, AcmeCaOptions } from '../../scenarios/engine/ca/index.ts'
import { DatabaseSync } from 'node:sqlite'
import { dnsServer } from '../dns/index.ts'
import { AcmeClient } from './acme/index.ts'
import type { IssueResponse } from '../wire/messages.ts'
import { CLIENT_FRAME_LENGTH_MAX, ISSUE_INFO_PROTOCOL } from '../wire/protocols.ts'
import { frameStream } from '../wire/stream.ts'
import type { Libp2p } from 'libp2p'
import {
  issueServer,
  type IssueServer,
  type IssueServerEvents,
  type IssueServerInit,
} from './index.ts'
import {
  addressOf,
  askForCertificate,
  makeCaller,
  makeClientCsr,
  nextEvent,
  P256,
  startNode,
  temporaryFolder,
  testSignal,
  ZONE,
} from './testing.ts'

// The first run on a machine installs Pebble.
t.setTimeout(300_000)

/** A hundredth of it is more than a revocation takes. */
const LIFETIME_SECONDS = 500

const proofKey = await generateKeyPair('Ed25519')

const EVENTS: readonly (keyof IssueServerEvents)[] = [
  'request:received',
  'order:created',
  'challenge:set',
  'challenge:removed',
  'certificate:issued',
]

interface World {
  /** Whether the CA's resolver finds no DNS server. */
  resolverDown: boolean
  readonly ca: AcmeCa
  readonly issue: Awaited<ReturnType<typeof startIssueServer>>
  readonly dns: readonly Awaited<ReturnType<typeof startDnsServer>>[]
  readonly storePath: string
  readonly init: IssueServerInit
  readonly issueKey: Awaited<ReturnType<typeof generateKeyPair>>
}

async function startDnsServer(t: Test, writer: string) {
  return startNode(t, {
    services: {
      dns: dnsServer({
        zone: ZONE,
        listen: [{ address: '127.0.0.1', port: 0 }],
        nameServers: [{ name: `ns1.${ZONE}`, addresses: ['127.0.0.1'] }],
        writers: [writer],
      }),
    },
  })
}

async function startIssueServer(t: Test, key: World['issueKey'], init: IssueServerInit) {
  return startNode(t, { privateKey: key, services: { issue: issueServer(init) } })
}

async function openWorld(
  t: Test,
  options: Partial<AcmeCaOptions> = {},
  more: Partial<IssueServerInit> = {},
): Promise<World> {
  const issueKey = await generateKeyPair('Ed25519')
  const writer = peerIdFromPrivateKey(issueKey).toString()
  const dns = [await startDnsServer(t, writer), await startDnsServer(t, writer)]
  const switches = { resolverDown: false }
  const resolver = await openResolver({
    upstreams: () =>
      switches.resolverDown ? [] : dns.flatMap((node) => node.services.dns.addresses),
  })
  t.teardown(() => resolver.close())
  const workDirectory = temporaryFolder(t)
  const ca = await openAcmeCa({
    ...caOptionsFromEnvironment(process.env),
    resolver: resolver.address,
    workDirectory,
    signal: AbortSignal.timeout(280_000),
    report: (line) => t.comment(line),
    ...options,
  })
  t.teardown(() => ca.stop())
  const storePath = join(workDirectory, 'store', 'issue.sqlite')
  const init: IssueServerInit = {
    zone: ZONE,
    proofServers: [],
    proofKeys: [proofKey.publicKey],
    dnsServers: dns.map((node) => {
      const [query] = node.services.dns.addresses
      if (query === undefined) throw new Error('the dns server does not listen')
      return { addresses: [addressOf(node)], query }
    }),
    acme: { directoryUrl: ca.directoryUrl, certificateAuthority: ca.certificateAuthority },
    storePath,
    allowPrivateAddresses: true,
    ...more,
  }
  const issue = await startIssueServer(t, issueKey, init)
  return Object.assign(switches, { ca, dns, init, storePath, issueKey, issue })
}

/** Orders that the CA made, from its log. */
async function ordersIn({ ca }: World): Promise<number> {
  return (await readFile(ca.logFile ?? '', 'utf8')).split(/Added order "/).length - 1
}

const pem = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString()

/** NT-ISSUE-022 … 025 of an answer. */
function checkAnswer(t: Test, response: IssueResponse, names: readonly string[]): X509Certificate {
  const leaf = new X509Certificate(pem(response.cert))
  t.equal(response.error, 0)
  t.equal(response.cn, names[0])
  t.same(response.altnames, names.slice(1))
  t.same(
    (leaf.subjectAltName ?? '').split(', ').toSorted(),
    names.map((name) => `DNS:${name}`).toSorted(),
  )
  t.equal(pem(response.chain), pem(response.cert) + pem(response.ca))
  t.equal(response.validity, leaf.validToDate.getTime())
  const issuer = new X509Certificate(pem(response.ca))
  t.ok(leaf.verify(issuer.publicKey), 'the leaf is signed by the first of the ca')
  return leaf
}

test('NT-ISSUE-022 NT-ISSUE-023 NT-ISSUE-037 NT-ISSUE-038 a peer gets a certificate for its own key, the challenges stood on both servers and are removed', async (t) => {
  const world = await openWorld(t)
  const caller = await makeCaller(proofKey)
  const client = await startNode(t, { privateKey: caller.privateKey })
  const addresses = ['127.0.0.1', '::1']
  const names = caller.names(addresses)
  const set: string[] = []
  let removed = 0
  const allRemoved = nextEvent(world.issue.services.issue, 'challenge:removed', () => {
    removed += 1
    return removed === 6
  })
  world.issue.services.issue.addEventListener('challenge:set', ({ detail }) => {
    set.push(`${detail.name} ${detail.server}`)
  })
  const issued = nextEvent(world.issue.services.issue, 'certificate:issued')
  const keys = (await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify'])) as never
  const proofs = [await caller.proof(['127.0.0.1']), await caller.proof(['::1'])]
  const csr = await makeClientCsr(names, { keys })
  const request = { proofs, supportedCryptos: [1], csr }
  const response = await askForCertificate(client, addressOf(world.issue), request)

  const leaf = checkAnswer(t, response, names)
  t.equal(response.key?.length, 0, 'no key travels')
  t.equal(response.cryptoType, 2)
  t.equal(response.fromCache, false)
  t.equal(leaf.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1')
  t.match(await issued, { serial: leaf.serialNumber.toLowerCase() })
  t.comment(`issued in ${(await issued).durationMs} ms`)
  t.equal(new Set(set).size, 6, 'three names on two servers')
  await allRemoved
  for (const node of world.dns) t.equal(node.services.dns.challengeCount, 0)

  const again = await askForCertificate(client, addressOf(world.issue), request)
  t.equal(again.fromCache, true)
  t.same(again.cert, response.cert, 'NT-ISSUE-030 the same certificate')
  t.notOk((await readFile(world.ca.logFile ?? '', 'utf8')).includes('PRIVATE'))
})

test('NT-ISSUE-022 NT-ISSUE-025 NT-ISSUE-032 legacy: a peer without a CSR gets an RSA key that matches', async (t) => {
  const world = await openWorld(t, { environment: { PEBBLE_WFE_NONCEREJECT: '50' } })
  const caller = await makeCaller(proofKey)
  const client = await startNode(t, { privateKey: caller.privateKey })
  const events: string[] = []
  for (const type of EVENTS) {
    world.issue.services.issue.addEventListener(type, (event) => {
      events.push(JSON.stringify(event.detail))
    })
  }
  const response = await askForCertificate(client, addressOf(world.issue), {
    proofs: [await caller.proof(['127.0.0.1'])],
    supportedCryptos: [7, 1],
  })
  const leaf = checkAnswer(t, response, caller.names(['127.0.0.1']))
  t.equal(response.cryptoType, 1)
  t.ok(leaf.checkPrivateKey(createPrivateKey(pem(response.key))))
  t.ok(events.length >= 5)
  t.notMatch(events.join('\n'), /PRIVATE|BEGIN/, 'no event carries a key')
  const { mode } = await stat(world.storePath)
  t.equal(mode & 0o777, 0o600)
})

test('NT-ISSUE-030 NT-ISSUE-031 NT-ISSUE-033 twenty requests at once share one order; another peer at the same address gets another certificate', async (t) => {
  const world = await openWorld(t, {}, { rateLimit: { burst: 21, intervalMs: 60_000 } })
  const created: string[] = []
  world.issue.services.issue.addEventListener('order:created', ({ detail }) =>
    created.push(detail.order),
  )
  const caller = await makeCaller(proofKey)
  const client = await startNode(t, { privateKey: caller.privateKey })
  const names = caller.names(['127.0.0.1'])
  const request = {
    proofs: [await caller.proof(['127.0.0.1'])],
    supportedCryptos: [1, 2],
    csr: await makeClientCsr(names),
  }
  // libp2p ends a connection on which more than ten streams are opened before its listener has set it up.
  const info = await client.dialProtocol(addressOf(world.issue), ISSUE_INFO_PROTOCOL, {
    signal: testSignal(),
  })
  t.ok(await frameStream(info, { lengthMax: CLIENT_FRAME_LENGTH_MAX }).read(testSignal()))
  const responses = await Promise.all(
    Array.from({ length: 20 }, () => askForCertificate(client, addressOf(world.issue), request)),
  )
  t.equal(new Set(responses.map(({ cert }) => pem(cert))).size, 1)
  t.same([...new Set(responses.map(({ error }) => error))], [0])
  t.equal(created.length, 1)
  t.equal(await ordersIn(world), 1, 'in the log of the CA too')

  const neighbour = await makeCaller(proofKey)
  const other = await startNode(t, { privateKey: neighbour.privateKey })
  const response = await askForCertificate(other, addressOf(world.issue), {
    proofs: [await neighbour.proof(['127.0.0.1'])],
    supportedCryptos: [1],
    csr: await makeClientCsr(neighbour.names(['127.0.0.1'])),
  })
  checkAnswer(t, response, neighbour.names(['127.0.0.1']))
  t.not(pem(response.cert), pem(responses[0]?.cert))
})

test('NT-ISSUE-037 one of two DNS servers down: the certificate is issued and the log says which', async (t) => {
  const world = await openWorld(t)
  const [dead] = world.dns
  if (dead === undefined) throw new Error('no dns server')
  const id = dead.peerId.toString()
  await dead.stop()
  const failed = nextEvent(world.issue.services.issue, 'challenge:failed')
  const caller = await makeCaller(proofKey)
  const client = await startNode(t, { privateKey: caller.privateKey })
  const ask = async (address: string): Promise<IssueResponse> =>
    askForCertificate(client, addressOf(world.issue), {
      proofs: [await caller.proof([address])],
      supportedCryptos: [1],
      csr: await makeClientCsr(caller.names([address])),
    })
  checkAnswer(t, await ask('127.0.0.1'), caller.names(['127.0.0.1']))
  t.equal((await failed).server, id)

  await world.dns[1]?.stop()
  t.same(await ask('127.0.0.2'), { error: 9, altnames: [] }, 'NT-ISSUE-027 both down')
})

test('NT-ISSUE-027 NT-ISSUE-029 the CA goes away in the middle of an order: E_OTHER, and the order ends well when it is asked for again', async (t) => {
  const world = await openWorld(t)
  const caller = await makeCaller(proofKey)
  const client = await startNode(t, { privateKey: caller.privateKey })
  const request = {
    proofs: [await caller.proof(['127.0.0.1'])],
    supportedCryptos: [1],
    csr: await makeClientCsr(caller.names(['127.0.0.1'])),
  }
  let killed: Promise<void> | undefined
  world.issue.services.issue.addEventListener('order:created', () => {
    killed ??= world.ca.kill()
  })
  const refused = await askForCertificate(client, addressOf(world.issue), request)
  t.same(refused, { error: 9, altnames: [] }, 'no certificate and no key in a refusal')
  await killed
  // Pebble has forgotten account and order: both are made anew without a person's help.
  await world.ca.start()
  checkAnswer(
    t,
    await askForCertificate(client, addressOf(world.issue), request),
    caller.names(['127.0.0.1']),
  )
})

test('NT-ISSUE-027 beyond its budget a zone gets E_RATE_LIMIT without an order at the CA, also after a restart, and renewals go on', async (t) => {
  const budgets = {
    certificatesPerDomain: { count: 2, periodMs: 7 * 24 * 3_600_000 },
    certificatesPerSet: { count: 2, periodMs: 7 * 24 * 3_600_000 },
  }
  const world = await openWorld(t, {}, { budgets })
  let issue: Libp2p<{ issue: IssueServer }> = world.issue
  const exhausted = nextEvent(issue.services.issue, 'budget:exhausted')
  const enter = async () => {
    const caller = await makeCaller(proofKey)
    const client = await startNode(t, { privateKey: caller.privateKey })
    const names = caller.names(['127.0.0.1'])
    // Another key each time: a renewal, and not the certificate that there is.
    return async (): Promise<number> => {
      const request = {
        proofs: [await caller.proof(['127.0.0.1'])],
        supportedCryptos: [1],
        csr: await makeClientCsr(names),
      }
      return (await askForCertificate(client, addressOf(issue), request)).error
    }
  }
  const clients = await Promise.all(Array.from({ length: 4 }, enter))
  const errors = await Promise.all(clients.map((ask) => ask()))
  t.strictSame(
    errors.toSorted((a, b) => a - b),
    [0, 0, 1, 1],
  )
  t.match(await exhausted, { budget: 'certificatesPerDomain', key: ZONE })
  t.equal(await ordersIn(world), 2, 'in the log of the CA')

  await (issue as Libp2p).stop()
  issue = await startIssueServer(t, world.issueKey, world.init)
  const [domain] = issue.services.issue.budgets()
  t.match(domain, { budget: 'certificatesPerDomain', key: ZONE, left: 0 })
  const served = clients[errors.indexOf(0)]
  const refused = clients[errors.indexOf(1)]
  t.equal(await refused?.(), 1)
  t.equal(await served?.(), 0, 'the same names, another key')
  t.equal(await served?.(), 1, 'the set has a budget of its own')
  t.equal(await ordersIn(world), 3)
})

test('a validation that failed makes the name wait, and no second order burns the CA', async (t) => {
  const world = await openWorld(t, {}, { budgets: { validationBackOffMs: [3_600_000] } })
  // Takes the values away under the CA: our own look at them was right.
  world.issue.services.issue.addEventListener('challenge:set', () => {
    world.resolverDown = true
  })
  const caller = await makeCaller(proofKey)
  const client = await startNode(t, { privateKey: caller.privateKey })
  const request = {
    proofs: [await caller.proof(['127.0.0.1'])],
    supportedCryptos: [1],
    csr: await makeClientCsr(caller.names(['127.0.0.1'])),
  }
  const exhausted = nextEvent(world.issue.services.issue, 'budget:exhausted')
  t.same(await askForCertificate(client, addressOf(world.issue), request), {
    error: 9,
    altnames: [],
  })
  world.resolverDown = false
  t.same(await askForCertificate(client, addressOf(world.issue), request), {
    error: 1,
    altnames: [],
  })
  const { budget, key } = await exhausted
  t.equal(budget, 'validationBackOff')
  t.ok(caller.names(['127.0.0.1']).includes(key), key)
  t.equal(await ordersIn(world), 1)
})

test('where the CA offers ARI, as Pebble does since 2.6, a revocation is heard of, and orders name what they replace', async (t) => {
  const world = await openWorld(t, { certificateValiditySeconds: LIFETIME_SECONDS })
  const { issue, ca, storePath } = world
  const caller = await makeCaller(proofKey)
  const node = await startNode(t, { privateKey: caller.privateKey })
  const names = caller.names(['127.0.0.1'])
  const obtain = async (): Promise<X509Certificate> => {
    const response = await askForCertificate(node, addressOf(issue), {
      proofs: [await caller.proof(['127.0.0.1'])],
      supportedCryptos: [1],
      csr: await makeClientCsr(names),
    })
    return checkAnswer(t, response, names)
  }
  const first = await obtain()
  using store = new DatabaseSync(storePath)
  const account = store.prepare('SELECT key FROM accounts').get()
  await using acme = new AcmeClient({
    directoryUrl: ca.directoryUrl,
    certificateAuthority: ca.certificateAuthority ?? '',
    accountKey: createPrivateKey(String(account?.['key'])),
  })
  const offered = (await acme.renewalInfo(first.toString())) !== undefined
  if (offered) {
    // Before the first question of the issue server: Pebble wants the next one after 6 h.
    const suggested = nextEvent(issue.services.issue, 'renewal:suggested')
    await acme.revoke(first.toString())
    const { serial, until, renewAt } = await suggested
    t.equal(serial, first.serialNumber.toLowerCase())
    t.ok(until <= Date.now(), 'a certificate that is revoked should have been renewed')
    const [from, to] = [first.validFromDate.getTime(), first.validToDate.getTime()]
    t.equal(renewAt, from + (to - from) / 10, 'no sooner than that')
  } else t.comment('this Pebble is older: it offers no ARI')

  const second = await obtain()
  t.not(second.serialNumber, first.serialNumber)
  // Without the second one in the store, the third order says that it replaces the first, as the second did.
  store.exec(`DELETE FROM certificates WHERE serial = '${second.serialNumber.toLowerCase()}'`)
  await obtain()
  const log = await readFile(ca.logFile ?? '', 'utf8')
  t.equal(log.split(/ARI: order ".*" is a replacement of/).length - 1, offered ? 1 : 0)
  t.equal(await ordersIn(world), 3)
  t.equal(log.split('POST /order-plz').length - 1, offered ? 4 : 3, 'one was made once more')
})

test('an issue server that was stopped in the middle of an order finishes that very order when it starts again', async (t) => {
  const world = await openWorld(t)
  const caller = await makeCaller(proofKey)
  const client = await startNode(t, { privateKey: caller.privateKey })
  const first = nextEvent(world.issue.services.issue, 'order:created')
  const request = { proofs: [await caller.proof(['127.0.0.1'])], supportedCryptos: [1] }
  const stopping = first.then(async () => {
    const startedAt = performance.now()
    await (world.issue as Libp2p).stop()
    return performance.now() - startedAt
  })
  const answer = await askForCertificate(client, addressOf(world.issue), request)
  t.equal(answer.error, 9, 'the caller is told, and can ask again')
  const stopMs = await stopping
  t.ok(stopMs < 5_000, `stopped within 5 s (${Math.round(stopMs)} ms)`)

  const key = world.issueKey
  const again = await startIssueServer(t, key, world.init)
  const issued = await nextEvent(again.services.issue, 'certificate:issued')
  t.equal(issued.fromCache, false)
  const response = await askForCertificate(client, addressOf(again), request)
  checkAnswer(t, response, caller.names(['127.0.0.1']))
  t.equal(response.fromCache, true)
  t.equal(await ordersIn(world), 1, 'one order in the log of the CA')
})
