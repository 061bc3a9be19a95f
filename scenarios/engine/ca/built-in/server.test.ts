// The CA's life, and what it does where Pebble has no say: options, limits, profiles. What both do is in ../table/.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createHmac, X509Certificate } from 'node:crypto'
import { test } from 'tap'
import { certificateId } from '../table/certificate-id.ts'
import { RawClient, makeKey, signed } from '../table/raw-client.ts'
import { makeCsr } from '../table/requests.ts'
import { outcome } from '../table/row.ts'
import { optionsFromKnobs, settingsOf } from './options.ts'
import { openCa, startCa } from './testing.ts'

/** Another server of this process answers many times over: time for what was sent before to be read. */
async function othersAreAnswered(): Promise<void> {
  const server = createServer((_, outgoing) => outgoing.end()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  for (let count = 0; count < 20; count++) await fetch(`http://127.0.0.1:${address.port}/`)
  server.close()
}

test('a killed CA refuses connections, and starts again at the same place knowing nothing', async (t) => {
  const { ca, world } = await openCa(t)
  const { client, account } = world
  const { pem, url } = await world.issued()
  const [root = ''] = ca.rootCertificates
  t.equal(ca.certificates.length, 1)
  const under = client.get(url, account).catch((error: unknown) => error)
  await ca.kill()
  t.match(await under, Error, 'a request on its way breaks')
  await t.rejects(client.send('GET', ca.directoryUrl), { code: 'ECONNREFUSED' })
  t.throws(() => ca.rootCertificates, /does not run/)
  await Promise.all([ca.kill(), ca.kill()])
  await ca.start()
  await ca.start()
  t.not(ca.rootCertificates[0], root)
  t.equal(ca.certificates.length, 0)
  t.equal(outcome(await client.get(url, account)), '400 accountDoesNotExist')
  const again = await client.account(account.key)
  t.not(again.url, account.url)
  t.equal(outcome(await client.get(url, again)), '404 malformed')
  t.not(new X509Certificate(pem).issuer, new X509Certificate(ca.rootCertificates[0] ?? '').subject)
})

test('a CA that changes its keys signs below other roots, and knows all that it knew', async (t) => {
  const { ca, world } = await openCa(t)
  const { client, account } = world
  const before = await world.issued()
  const [root = ''] = ca.rootCertificates
  const [known] = ca.certificates
  await ca.changeKeys()
  const [newRoot = ''] = ca.rootCertificates
  t.not(newRoot, root)
  t.equal(outcome(await client.get(before.url, account)), '200')
  const after = await world.issued()
  t.not(new X509Certificate(after.pem).issuer, new X509Certificate(before.pem).issuer)
  t.equal(ca.certificates[0], known)
  for (const { pem } of [before, after]) {
    const url = `${await client.url('renewalInfo')}/${certificateId(pem)}`
    t.equal(outcome(await client.send('GET', url)), '200')
  }
})

test('certificates live as long as the last lifetime says that has begun', async (t) => {
  const day = 86_400
  const ago = (days: number): number => Date.now() - days * day * 1000
  const { world } = await openCa(t, {
    certificateValiditySeconds: 90 * day,
    certificateLifetimes: [
      { fromMs: ago(20), seconds: 64 * day },
      { fromMs: ago(10), seconds: 47 * day },
      { fromMs: ago(-10), seconds: 6 * day },
    ],
  })
  const { validFromDate, validToDate } = new X509Certificate((await world.issued()).pem)
  t.equal(validToDate.getTime() - validFromDate.getTime() + 1000, 47 * day * 1000)
  const bad = { resolver: { address: '127.0.0.1', port: 53 } }
  t.throws(
    () => settingsOf({ ...bad, certificateLifetimes: [{ fromMs: 0, seconds: 0 }] }),
    /wanted a whole number from 1/,
  )
})

test('a CA that is killed amid a validation does not come back to it', async (t) => {
  const { ca, world, lines } = await openCa(t, { dnsTimeoutMs: 60_000 })
  const { authorizations } = await world.order()
  const { url, name } = await world.challenge(authorizations[0] ?? '')
  world.sayings.set(`_acme-challenge.${name}`, { texts: [], udp: 'silent' })
  const answered = await world.client.post(url, {}, world.account)
  t.equal(answered.json['status'], 'processing')
  await ca.kill()
  const before = lines.length
  await ca.start()
  t.notMatch(lines.slice(before).join('\n'), /challenge/)
})

test('a paused CA accepts connections, and does and says nothing until it is resumed', async (t) => {
  const { ca, client, lines } = await startCa(t)
  const header = { nonce: await client.nonce() }
  await client.url('newAccount')
  ca.pause()
  ca.pause()
  let answered = false
  const reply = client.newAccount(makeKey(), {}, { header }).finally(() => (answered = true))
  await othersAreAnswered()
  t.equal(answered, false)
  t.notMatch(lines.join('\n'), /account .* made/)
  ca.resume()
  t.equal((await reply).status, 201)
})

test('without a certificate of its own it speaks HTTP, and names https URLs where TLS is in front of it', async (t) => {
  for (const [https, scheme] of [
    [false, 'http'],
    ['in-front', 'https'],
  ] as const) {
    const { ca } = await startCa(t, { https })
    const response = await fetch(ca.directoryUrl)
    const { newOrder } = (await response.json()) as { readonly newOrder: string }
    t.match(newOrder, new RegExp(`^${scheme}://127\\.0\\.0\\.1:\\d+/order-plz$`))
  }
})

test('a request that is too long is refused with 413', async (t) => {
  const { client } = await startCa(t)
  const headers = { 'Content-Type': 'application/jose+json' }
  const body = 'x'.repeat(200_000)
  const reply = await client.send('POST', await client.url('newOrder'), { headers, body })
  t.equal(outcome(reply), '413 malformed')
})

test('URLs follow the Host header, so that a proxy in front stays in front', async (t) => {
  const { ca, client } = await startCa(t)
  const url = ca.directoryUrl.replace('127.0.0.1', 'localhost')
  const { json } = await client.send('GET', url)
  t.match(json['newNonce'], /^https:\/\/localhost:\d+\/nonce-plz$/)
})

test('good nonces are refused as often as it is told to', async (t) => {
  const { client } = await startCa(t, { badNonces: 1 })
  t.equal(outcome(await client.newAccount(makeKey())), '400 badNonce')
})

test('a valid authorization is used again where that is wanted, until it is over', async (t) => {
  const { world } = await openCa(t, { authorizationReuse: 1 })
  const names = [world.name()]
  const { order } = await world.issued({ names })
  const again = await world.order(names)
  t.equal(again.reply.json['status'], 'ready')
  t.same(again.authorizations, order.authorizations)
  const [wildcard] = (await world.order([`*.${names[0]}`])).authorizations
  t.not(wildcard, order.authorizations[0], 'one for a name is none for its wildcard')
  const foreign = await world.order(names, world.stranger)
  t.equal(foreign.reply.json['status'], 'pending', 'nor for another account')
  const { client, account } = world
  await client.post(order.authorizations[0] ?? '', { status: 'deactivated' }, account)
  t.equal((await world.order(names)).reply.json['status'], 'pending')
})

test('orders and authorizations end with their time', async (t) => {
  const { world } = await openCa(t, { authorizationLifetimeMs: -1 })
  const { url, authorizations } = await world.order()
  t.equal((await world.client.get(url, world.account)).json['status'], 'invalid')
  const { url: challenge, reply } = await world.challenge(authorizations[0] ?? '')
  t.equal(reply.json['status'], 'invalid')
  t.equal(outcome(await world.client.post(challenge, {}, world.account)), '400 malformed')
})

test('an account is bound to an external one by its key, for this CA, where that is required', async (t) => {
  const mac = Buffer.alloc(32, 7).toString('base64url')
  const options = { externalAccounts: { kid1: mac }, externalAccountRequired: true }
  const { ca, client } = await startCa(t, options)
  const { json } = await client.send('GET', ca.directoryUrl)
  t.match(json['meta'], { externalAccountRequired: true })
  const key = makeKey()
  const url = await client.url('newAccount')
  const binding = (header: object, payload: unknown, secret = mac) => {
    const unsigned = signed({ alg: 'HS256', kid: 'kid1', url, ...header }, payload, key)
    const signature = createHmac('sha256', Buffer.from(secret, 'base64url'))
      .update(`${unsigned['protected']}.${unsigned['payload']}`)
      .digest('base64url')
    return { externalAccountBinding: { ...unsigned, signature } }
  }
  const cases = [
    [{}, '403 externalAccountRequired'],
    [binding({}, makeKey().jwk), '400 badPublicKey'],
    [binding({ url: 'https://elsewhere.example/' }, key.jwk), '400 malformed'],
    [binding({ nonce: 'abc' }, key.jwk), '400 malformed'],
    [binding({ kid: 'toString' }, key.jwk), '403 unauthorized'],
    [binding({ alg: 'ES256' }, key.jwk), '400 malformed'],
    [binding({}, key.jwk, 'AAAA'), '403 unauthorized'],
    [binding({}, key.jwk), '201'],
  ] as const
  for (const [wanted, seen] of cases) t.equal(outcome(await client.newAccount(key, wanted)), seen)
})

test('profiles are told, chosen and kept to', async (t) => {
  const profiles = {
    classic: { description: 'long', validitySeconds: 7_776_000, commonName: true },
    shortlived: { description: 'short', validitySeconds: 576_000 },
  }
  const { ca, world } = await openCa(t, { profiles })
  const { json } = await world.client.send('GET', ca.directoryUrl)
  t.match(json['meta'], { profiles: { classic: 'long', shortlived: 'short' } })
  const lifetimeOf = (pem: string): number => {
    const { validFromDate, validToDate } = new X509Certificate(pem)
    return (validToDate.getTime() - validFromDate.getTime()) / 1000
  }
  const usual = await world.issued()
  t.equal(usual.valid.json['profile'], 'classic')
  t.equal(lifetimeOf(usual.pem), 7_775_999)
  t.match(new X509Certificate(usual.pem).subject, /^CN=row/)
  const short = await world.issued({ more: { profile: 'shortlived' } })
  t.equal(lifetimeOf(short.pem), 575_999)
  t.notOk(new X509Certificate(short.pem).subject)
  const { client, account } = world
  const none = await client.newOrder(account, ['x.nt.example'], { profile: 'toString' })
  t.equal(outcome(none), '400 invalidProfile')
})

test('chains are as long and as many as it is told to make', async (t) => {
  const { ca, world } = await openCa(t, { alternateRoots: 2, chainLength: 3 })
  t.equal(ca.rootCertificates.length, 3)
  const { chain, pem } = await world.issued()
  t.equal(chain.links('alternate').length, 2)
  t.equal(pem.split('BEGIN CERTIFICATE').length - 1, 4)
})

test('Pebble’s knobs are taken, and others refused', async (t) => {
  t.same(optionsFromKnobs({ PEBBLE_WFE_NONCEREJECT: '50', PEBBLE_VA_NOSLEEP: '1' }), {
    badNonces: 0.5,
  })
  t.throws(() => optionsFromKnobs({ PEBBLE_VA_SLEEPTIME: '3' }), /no knob "PEBBLE_VA_SLEEPTIME"/)
  t.throws(() => optionsFromKnobs({ PEBBLE_AUTHZREUSE: '-1' }), RangeError)
  const resolver = { address: '127.0.0.1', port: 9 }
  for (const certificateValiditySeconds of [0, 1.5, Number.NaN]) {
    t.throws(() => settingsOf({ resolver, certificateValiditySeconds }), RangeError)
  }
})

test('two finalizations at once make one certificate', async (t) => {
  const { ca, world } = await openCa(t)
  const name = world.name()
  const { url, finalize } = await world.ready([name])
  const csr = await makeCsr({ names: [name], key: makeKey() })
  const clients = [world.client, new RawClient({ ...world.ca })]
  t.teardown(() => clients[1]?.close())
  const nonces = [await world.client.nonce(), await world.client.nonce()]
  // Both wait for the same moment.
  ca.pause()
  const finalizations = clients.map((client, index) =>
    client.post(finalize, { csr }, world.account, { header: { nonce: nonces[index] } }),
  )
  await othersAreAnswered()
  ca.resume()
  t.same((await Promise.all(finalizations)).map(outcome).toSorted(), ['200', '403 orderNotReady'])
  await world.settled(url, ['processing'])
  t.equal(ca.certificates.length, 1)
})
