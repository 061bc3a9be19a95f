// The client against a real Pebble: whole orders, orders taken up again, refused nonces, a crowd, lost state.
// Challenges are validated by DNS, answered by dns2.
import { generateKeyPairSync, webcrypto, X509Certificate } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

import 'reflect-metadata'
import * as x509 from '@peculiar/x509'
import dns2 from 'dns2'
import type { DnsHandler } from 'dns2'
import { test } from 'tap'
import type { Test } from 'tap'

import { caOptionsFromEnvironment, openAcmeCa } from '../../../scenarios/engine/ca/index.ts'
import type { AcmeCa } from '../../../scenarios/engine/ca/index.ts'
import { AcmeClient, AcmeOrderInvalidError, AcmeProblemError } from './index.ts'
import type { AcmeClientInit, Authorization, Challenge } from './index.ts'

const ORDER_DEADLINE_MS = 20_000
const CROWD = { orders: 64, parallel: 16, deadlineMs: 60_000 }

test('a client obtains the certificate of an order with three names by dns-01', async (t) => {
  const { ca, values, client, requests } = await open(t)
  const names = ['pk51q.nt.example', 'ip4127-0-0-1.nt.example', 'ip6--1.nt.example']
  const signal = AbortSignal.timeout(ORDER_DEADLINE_MS)
  const written: string[] = []
  const { order, authorizations } = await client.newOrder(
    { names },
    { signal, onOrder: ({ url }) => void written.push(url) },
  )
  t.same(written, [order.url], 'the order is given to be written down')
  t.same([...order.names].toSorted(), [...names].toSorted())
  t.same(authorizations.map(({ name }) => name).toSorted(), [...names].toSorted())
  for (const authorization of authorizations) {
    const challenge = dns01(authorization)
    const value = client.dns01Value(challenge.token ?? '')
    t.match(value, /^[\w-]{43}$/)
    values.set(`_acme-challenge.${authorization.name}`, value)
    await client.answerChallenge(challenge, { signal })
  }
  const ready = await client.waitForOrder(order.url, { until: ['ready'], signal })
  t.equal(ready.status, 'ready')
  const finalized = await client.finalize(ready, await makeCsr(names), { signal })
  t.equal(finalized.url, order.url)
  const valid = await client.waitForOrder(order.url, { until: ['valid'], signal })
  const { pem } = await client.certificate(valid, { signal })
  const leaf = new X509Certificate(pem)
  t.same(leaf.subjectAltName?.split(', ').toSorted(), names.map((name) => `DNS:${name}`).toSorted())
  t.ok(await chainsTo(pem, await ca.rootCertificates()), 'the chain leads to the root of the ca')

  // A second one, with account and nonces at hand: 9 requests beside the looks at the order.
  requests.length = 0
  await obtain(client, values, ['a.nt.example', 'b.nt.example', 'c.nt.example'])
  const looks = requests.filter((resource) => resource === 'order').length
  t.equal(requests.filter((resource) => resource === 'nonce').length, 0, 'no nonce is asked for')
  t.equal(requests.length - looks, 9)

  const info = await client.renewalInfo(pem, { signal })
  if (info !== undefined) t.ok(info.startMs < info.endMs, 'ari gives a window')
  await client.revoke(pem, { reason: 4, signal })
  const again = client.revoke(pem, { signal })
  await again.catch((error: unknown) => t.equal((error as AcmeProblemError).action, 'final'))
})

test('an order is taken up by its url in a new client at each step', async (t) => {
  const { values, another } = await open(t)
  const names = ['resumed.nt.example', 'ip410-0-0-1.nt.example']
  const csr = await makeCsr(names)
  const made = await another().newOrder({ names })
  const { url } = made.order
  const account = await another().account()
  t.same(await another().account(), account, 'the same key gives the same account')

  const { authorizations } = await reopen(another(), url)
  const [first, ...others] = authorizations
  if (first === undefined) throw new Error('order has no authorizations')
  for (const [index, { name }] of authorizations.entries()) {
    const token = dns01(authorizations[index]).token ?? ''
    values.set(`_acme-challenge.${name}`, another().dns01Value(token))
  }
  await another().answerChallenge(dns01(first))
  // As after a crash between the call and the note of it: the old, pending challenge is answered again.
  const repeated = await another().answerChallenge(dns01(first))
  t.not(repeated.status, 'pending')
  for (const other of others) await another().answerChallenge(dns01(other))
  const ready = await another().waitForOrder(url, { until: ['ready'] })
  t.equal(ready.status, 'ready')
  await another().finalize(ready, csr)
  const repeatedFinalize = await another().finalize(ready, csr)
  t.match(repeatedFinalize.status, /processing|valid/)
  const beyond = await another().waitForOrder(url, { until: ['ready'] })
  t.match(beyond.status, /processing|valid/, 'an order that has gone beyond is not waited for')
  const valid = await another().waitForOrder(url, { until: ['valid'] })
  const { pem } = await another().certificate(valid)
  t.same(await another().certificate(await another().order(url)), { pem, alternateUrls: [] })
})

test('a failed validation ends the order with the problem of the challenge', async (t) => {
  const { values, client } = await open(t)
  const failure = await obtain(client, values, ['wrong.nt.example'], {
    value: 'x'.repeat(43),
  }).catch((error: unknown) => error)
  if (!(failure instanceof AcmeOrderInvalidError)) throw failure
  t.equal(failure.action, 'final')
  t.equal(failure.type, 'unauthorized')
  t.match(failure.detail, /TXT|Correct value/)
})

test('NT-ISSUE-037 orders succeed while the ca refuses half of all nonces', async (t) => {
  const { values, client } = await open(t, { PEBBLE_WFE_NONCEREJECT: '50' })
  for (const number of [1, 2, 3]) {
    const pem = await obtain(client, values, [`n${number}.nt.example`, `m${number}.nt.example`])
    t.ok(new X509Certificate(pem).checkHost(`n${number}.nt.example`))
  }
})

test('NT-ISSUE-037 a crowd of orders in parallel does not stall the ca', async (t) => {
  const { values, client, requests } = await open(t)
  const signal = AbortSignal.timeout(CROWD.deadlineMs)
  const queue = Array.from({ length: CROWD.orders }, (_, index) => index).values()
  const startMs = Date.now()
  const durationsMs: number[] = []
  const worker = async (): Promise<void> => {
    for (const index of queue) {
      const orderStartMs = Date.now()
      const names = ['p', 'ip4127-0-0-', 'ip6--'].map((label) => `${label}${index}.nt.example`)
      const pem = await obtain(client, values, names, { signal })
      durationsMs.push(Date.now() - orderStartMs)
      if (!new X509Certificate(pem).checkHost(`p${index}.nt.example`)) throw new Error(pem)
    }
  }
  await Promise.all(Array.from({ length: CROWD.parallel }, worker))
  const [median = 0] = durationsMs.toSorted((a, b) => a - b).slice(CROWD.orders / 2)
  t.equal(durationsMs.length, CROWD.orders)
  t.comment(
    `${CROWD.orders} orders in ${Date.now() - startMs} ms, p50 ${median} ms, ` +
      `${(requests.length / CROWD.orders).toFixed(1)} requests each`,
  )
  const alone: number[] = []
  requests.length = 0
  for (let index = 0; index < 20; index += 1) {
    const csr = await makeCsr([0, 1, 2].map((label) => `s${index}-${label}.nt.example`))
    const aloneStartMs = performance.now()
    await obtain(
      client,
      values,
      [0, 1, 2].map((label) => `s${index}-${label}.nt.example`),
      { csr },
    )
    alone.push(performance.now() - aloneStartMs)
  }
  const [aloneMs = 0] = alone.toSorted((a, b) => a - b).slice(10)
  t.comment(`alone: p50 ${aloneMs.toFixed(1)} ms, ${requests.length / 20} requests each`)
  // A request that costs more than its own round trip would show here: nonces, polls, account.
  t.ok(requests.length / 20 < 16, 'about 12 requests an order')
})

test('NT-ISSUE-037 a ca that lost its state asks for a reset, and then gives a new account', async (t) => {
  const { ca, values, client, another } = await open(t)
  const before = await client.account()
  const { order, authorizations } = await client.newOrder({ names: ['lost.nt.example'] })
  await ca.restart()
  const lostAccount = await client.order(order.url).catch((error: unknown) => error)
  if (!(lostAccount instanceof AcmeProblemError)) throw lostAccount
  t.match(lostAccount, { action: 'reset', lost: 'account', type: 'accountDoesNotExist' })
  const after = await client.account()
  t.not(after.url, before.url, 'the client forgot the account by itself')
  t.same(await another().account(), after)
  const [authorization] = authorizations
  const attempts = {
    order: () => client.order(order.url),
    authorizations: () => client.authorizations(order),
    challenge: () => client.answerChallenge(dns01(authorization)),
    finalize: async () => client.finalize(order, await makeCsr(['lost.nt.example'])),
    wait: () => client.waitForOrder(order.url, { until: ['valid'] }),
  }
  for (const [step, attempt] of Object.entries(attempts)) {
    const lostOrder = await attempt().catch((error: unknown) => error)
    if (!(lostOrder instanceof AcmeProblemError)) throw lostOrder
    t.match(lostOrder, { action: 'reset', lost: 'order' }, `${step} of a lost order`)
  }
  t.ok(await obtain(client, values, ['lost.nt.example']))
})

// What the tests are made of: a CA, a DNS server with the values of challenges, and clients of one account.

interface World {
  readonly ca: AcmeCa
  /** TXT values by name, as DNS answers them. */
  readonly values: Map<string, string>
  readonly client: AcmeClient
  /** A new client with the same account key. */
  readonly another: () => AcmeClient
  /** What was asked of the CA, in order. */
  readonly requests: string[]
}

async function open(t: Test, environment: Readonly<Record<string, string>> = {}): Promise<World> {
  const values = new Map<string, string>()
  const resolver = await openDns(t, values)
  const ca = await openAcmeCa({
    ...caOptionsFromEnvironment(process.env),
    resolver,
    environment: { PEBBLE_VA_NOSLEEP: '1', PEBBLE_AUTHZREUSE: '0', ...environment },
    workDirectory: t.testdir(),
    signal: AbortSignal.timeout(ORDER_DEADLINE_MS),
    report: (line) => t.comment(line),
  })
  t.teardown(() => ca.stop())
  const accountKey: KeyObject = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const requests: string[] = []
  const init: AcmeClientInit = {
    directoryUrl: ca.directoryUrl,
    certificateAuthority: ca.certificateAuthority,
    accountKey,
    onRequest: ({ resource }) => void requests.push(resource),
  }
  const another = (): AcmeClient => {
    const client = new AcmeClient(init)
    t.teardown(() => client.close())
    return client
  }
  return { ca, values, client: another(), another, requests }
}

/** A port that is free for TCP is nearly always free for UDP too. */
const PORT_ATTEMPTS_MAX = 5

/** Both on one port: UDP for Pebble before 2.10, TCP for later ones. */
async function openDns(t: Test, values: ReadonlyMap<string, string>): Promise<string> {
  const handle: DnsHandler = (request, send) => {
    const response = dns2.Packet.createResponseFromRequest(request)
    const [question] = request.questions
    const data = values.get(question?.name ?? '')
    if (question?.type === dns2.Packet.TYPE.TXT && data !== undefined) {
      const answer = { ttl: 1, data }
      response.answers.push(dns2.Packet.createResourceFromQuestion(question, answer))
    }
    void send(response)
  }
  const address = '127.0.0.1'
  for (let attempt = 1; ; attempt += 1) {
    const tcpServer = dns2.createServer({ tcp: true, handle })
    const { tcp } = await tcpServer.listen({ tcp: { port: 0, address } })
    const { port } = tcp as { readonly port: number }
    const udpServer = dns2.createServer({ udp: true, handle })
    try {
      await udpServer.listen({ udp: { port, address } })
      t.teardown(() => Promise.all([tcpServer.close(), udpServer.close()]))
      return `${address}:${port}`
    } catch (error) {
      await tcpServer.close()
      if (attempt === PORT_ATTEMPTS_MAX) throw error
    }
  }
}

interface ObtainOptions {
  readonly signal?: AbortSignal
  /** In place of the value that the challenge wants. */
  readonly value?: string
  readonly csr?: Uint8Array
}

/** All steps in a row. Returns the certificate's PEM. */
async function obtain(
  client: AcmeClient,
  values: Map<string, string>,
  names: readonly string[],
  { signal = AbortSignal.timeout(ORDER_DEADLINE_MS), value, csr }: ObtainOptions = {},
): Promise<string> {
  const { order, authorizations } = await client.newOrder({ names }, { signal })
  await Promise.all(
    authorizations
      .filter(({ status }) => status === 'pending')
      .map(async (authorization) => {
        const challenge = dns01(authorization)
        const wanted = value ?? client.dns01Value(challenge.token ?? '')
        values.set(`_acme-challenge.${authorization.name}`, wanted)
        await client.answerChallenge(challenge, { signal })
      }),
  )
  const ready = await client.waitForOrder(order.url, { until: ['ready'], signal })
  await client.finalize(ready, csr ?? (await makeCsr(names)), { signal })
  const valid = await client.waitForOrder(order.url, { until: ['valid'], signal })
  return (await client.certificate(valid, { signal })).pem
}

async function reopen(client: AcmeClient, url: string) {
  const order = await client.order(url)
  return { order, authorizations: await client.authorizations(order) }
}

function dns01(authorization: Authorization | undefined): Challenge {
  const challenge = authorization?.challenges.find(({ type }) => type === 'dns-01')
  if (challenge === undefined) throw new Error('authorization has no dns-01 challenge')
  return challenge
}

async function makeCsr(names: readonly string[]): Promise<Uint8Array> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const request = await x509.Pkcs10CertificateRequestGenerator.create(
    {
      keys,
      signingAlgorithm: algorithm,
      extensions: [
        new x509.SubjectAlternativeNameExtension(
          names.map((value) => ({ type: 'dns' as const, value })),
        ),
      ],
    },
    webcrypto,
  )
  return new Uint8Array(request.rawData)
}

async function chainsTo(pem: string, roots: string): Promise<boolean> {
  const parse = (text: string): X509Certificate[] =>
    text
      .split(/(?<=-----END CERTIFICATE-----\s)/)
      .filter((block) => block.includes('BEGIN'))
      .map((block) => new X509Certificate(block))
  const chain = parse(pem)
  const last = chain.at(-1)
  return (
    chain.slice(1).every((issuer, index) => chain[index]?.checkIssued(issuer) === true) &&
    parse(roots).some((root) => last?.checkIssued(root) === true && last.verify(root.publicKey))
  )
}
