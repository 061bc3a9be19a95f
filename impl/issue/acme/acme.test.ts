// The client against a CA that misbehaves in every way that one was seen to, and a few more. What a CA that
// behaves makes of the client is in acme.real.test.ts.
import { generateKeyPairSync, webcrypto } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

import 'reflect-metadata'
import * as x509 from '@peculiar/x509'
import { compactVerify } from 'jose'
import { test } from 'tap'
import type { Test } from 'tap'

import { Http } from './http.ts'
import { AcmeClient, AcmeOrderInvalidError, certificateId } from './index.ts'
import type { AcmeClientInit, AcmeError, AcmeResource, Challenge, Order } from './index.ts'
import { parseRetryAfter } from './retry-after.ts'
import { TestCa } from './testing.ts'
import type { Fault } from './testing.ts'

const accountKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
const NAMES = ['a.example']

/** Every operation that asks the CA, and the resource that it is about. */
const OPERATIONS: Readonly<
  Record<
    string,
    [AcmeResource, (client: AcmeClient, ca: TestCa, signal?: AbortSignal) => Promise<unknown>]
  >
> = {
  account: ['account', (client, _, signal) => client.account(options(signal))],
  newOrder: ['newOrder', (client, _, signal) => client.newOrder({ names: NAMES }, options(signal))],
  order: ['order', (client, ca, signal) => client.order(order(ca).url, options(signal))],
  authorizations: [
    'authorization',
    (client, ca, signal) => client.authorizations(order(ca), options(signal)),
  ],
  answerChallenge: [
    'challenge',
    (client, ca, signal) => client.answerChallenge(challenge(ca), options(signal)),
  ],
  finalize: [
    'finalize',
    (client, ca, signal) => client.finalize(order(ca), new Uint8Array(3), options(signal)),
  ],
  waitForOrder: [
    'order',
    (client, ca, signal) =>
      client.waitForOrder(order(ca).url, { until: ['ready'], ...options(signal) }),
  ],
  certificate: [
    'certificate',
    (client, ca, signal) => client.certificate(order(ca), options(signal)),
  ],
  revoke: [
    'revocation',
    async (client, _, signal) => client.revoke(await makeCertificate(), options(signal)),
  ],
  renewalInfo: [
    'renewalInfo',
    async (client, _, signal) => client.renewalInfo(await makeCertificate(), options(signal)),
  ],
}

test('every operation ends with a TimeoutError when the ca hangs', async (t) => {
  const hangs: Record<string, Fault> = {
    'without an answer': () => {},
    'within the answer': ({ response }) => void response.writeHead(200).write('{'),
  }
  // All at once, and with a timeout that no other request comes near on a busy machine.
  const requestTimeoutMs = 1000
  const cases: (() => Promise<void>)[] = []
  for (const [name, [resource, operation]] of Object.entries(OPERATIONS)) {
    for (const [how, fault] of Object.entries(hangs)) {
      const { ca, client } = await open(t, { requestTimeoutMs })
      if (resource !== 'account') await client.account()
      ca.fault(resource, fault)
      cases.push(async () => {
        const error = await failure(operation(client, ca))
        t.match(error, { name: 'TimeoutError', action: 'retry' }, `${name}, ${how}`)
        t.match(error.message, `${resource} request`)
      })
    }
  }
  const startMs = Date.now()
  await Promise.all(cases.map((run) => run()))
  t.ok(Date.now() - startMs < 3 * requestTimeoutMs, 'none took a second timeout')
})

test('every operation throws the reason of its signal, before and while it runs', async (t) => {
  for (const [name, [resource, operation]] of Object.entries(OPERATIONS)) {
    const { ca, client } = await open(t)
    const reason = new Error('stop')
    t.equal(
      await failure(operation(client, ca, AbortSignal.abort(reason))),
      reason,
      `${name} before`,
    )
    t.equal(ca.count(resource), 0)
    const controller = new AbortController()
    ca.fault(resource, () => controller.abort(reason))
    t.equal(await failure(operation(client, ca, controller.signal)), reason, `${name} while`)
  }
})

test('close ends what is under way and what comes', async (t) => {
  const { ca, client } = await open(t)
  ca.fault('order', () => void client.close())
  t.match(await failure(client.order(order(ca).url)), { action: 'final', message: /closed/ })
  t.match(await failure(client.account()), { action: 'final', message: /closed/ })
  await client.close()
})

test('an overloaded ca is asked again after the time that it names, and not sooner', async (t) => {
  const seconds = (status: number, value: string): Fault => {
    return ({ problem }) => problem(status, 'rateLimited', { 'retry-after': value })
  }
  const past = new Date(0).toUTCString()
  for (const [what, fault] of Object.entries({
    '429 with seconds': seconds(429, '0'),
    '429 with a date': seconds(429, past),
    '503 with seconds': seconds(503, '0'),
    '503 without': (({ response }) => void response.writeHead(503).end('busy')) satisfies Fault,
  })) {
    const { ca, client } = await open(t)
    ca.fault('newOrder', fault, 2)
    await client.newOrder({ names: NAMES })
    t.equal(ca.count('newOrder'), 3, what)
  }
  const later = new Date(Date.now() + 7_200_000).toUTCString()
  for (const [value, retryAfterMs] of [
    ['3', 3000],
    ['9999999999999', 365 * 86_400_000],
    [later, 7_200_000],
  ] as const) {
    const { ca, client } = await open(t, { retryAfterMsMax: 2000 })
    ca.fault('newOrder', seconds(429, value))
    const error = await failure(client.newOrder({ names: NAMES }))
    t.match(error, { action: 'retry', type: 'rateLimited', status: 429 })
    t.ok(
      Math.abs((error.retryAfterMs ?? 0) - retryAfterMs) <= 2000,
      `${value} is told to the caller`,
    )
    t.equal(ca.count('newOrder'), 1, 'and not waited for')
  }
  const { ca, client } = await open(t)
  ca.fault('newOrder', ({ problem }) => problem(429, 'rateLimited'))
  t.match(await failure(client.newOrder({ names: NAMES })), { action: 'retry' })
  t.equal(ca.count('newOrder'), 1, 'a limit without a time is not tried again')
  ca.fault('order', ({ problem }) => problem(503, 'serverInternal'))
  t.match(await failure(client.order(order(ca).url)), { action: 'retry', status: 503 })
  t.equal(ca.count('order'), 4, 'attempts are bounded')
})

test('Retry-After is read as seconds or as a date by the clock of the ca', async (t) => {
  const now = Date.parse('2026-01-01T00:00:00Z')
  for (const [value, expected] of [
    ['120', 120_000],
    [' 5 ', 5000],
    ['Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
    ['soon', undefined],
    ['-5', 0],
    ['', undefined],
    [undefined, undefined],
  ] as const) {
    t.equal(parseRetryAfter(value, now), expected, `"${value}"`)
  }
})

test('a broken connection is made anew, but an order that may exist is not ordered again', async (t) => {
  const reset: Fault = ({ response }) => response.socket?.resetAndDestroy()
  for (const [resource, requests] of [
    ['directory', 2],
    ['nonce', 2],
    ['account', 2],
    ['order', 2],
    ['authorization', 4],
    ['challenge', 2],
    ['finalize', 2],
    ['newOrder', 1],
  ] as const) {
    const { ca, client } = await open(t)
    ca.fault(resource, reset, 1)
    const name = { directory: 'account', nonce: 'account' }[resource as string] ?? ''
    const operation = Object.entries(OPERATIONS).find(
      ([key, [about]]) => key === name || about === resource,
    )?.[1][1]
    if (resource === 'newOrder') {
      const error = await failure(client.newOrder({ names: NAMES }))
      t.match(error, { name: 'AcmeConnectionError', action: 'retry', sent: true })
    } else {
      await operation?.(client, ca)
    }
    t.equal(ca.count(resource), requests, resource)
  }
})

test('a ca that refuses connections is an AcmeConnectionError', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  const client = new AcmeClient({ directoryUrl: `http://127.0.0.1:${port}/`, accountKey })
  t.teardown(() => client.close())
  const error = await failure(client.account())
  t.match(error, {
    name: 'AcmeConnectionError',
    action: 'retry',
    sent: false,
    message: /ECONNREFUSED/,
  })
})

test('answers that are not what RFC 8555 says are refused as such', async (t) => {
  const json = (body: unknown): Fault => {
    return ({ json: send, request }) =>
      send(request.resource === 'newOrder' ? 201 : 200, body, { location: '/order/1' })
  }
  const valid = {
    status: 'pending',
    identifiers: [{ type: 'dns', value: 'a.example' }],
    authorizations: [],
    finalize: 'https://ca.example/finalize',
  }
  const cases: readonly [string, AcmeResource, Fault, RegExp][] = [
    ['garbage', 'order', ({ response }) => void response.end('<html>'), /not json/],
    ['nothing', 'order', ({ response }) => void response.end(), /not json/],
    ['huge', 'order', ({ response }) => void response.end(Buffer.alloc(2_000_000)), /longer than/],
    ['huge chain', 'certificate', ({ response }) => void response.end(Buffer.alloc(2e6)), /longer/],
    ['redirect', 'order', ({ response }) => void response.writeHead(302).end(), /status 302/],
    ['null', 'order', json(null), /unusable/],
    ['status', 'order', json({ ...valid, status: 'perhaps' }), /"status"/],
    ['no finalize', 'order', json({ ...valid, finalize: undefined }), /"finalize"/],
    ['a script', 'order', json({ ...valid, finalize: 'javascript:1' }), /"finalize"/],
    [
      'many names',
      'order',
      json({ ...valid, identifiers: Array(101).fill(valid.identifiers[0]) }),
      /"identifiers"/,
    ],
    [
      'other names',
      'newOrder',
      json({ ...valid, identifiers: [{ type: 'dns', value: 'b' }] }),
      /other names/,
    ],
    [
      'plain http',
      'newOrder',
      json({ ...valid, authorizations: ['http://ca.example/'] }),
      /must be https/,
    ],
    ['no location', 'newOrder', ({ json: send }) => send(201, valid), /no location/],
    ['empty directory', 'directory', json({}), /"newNonce"/],
    ['no account url', 'account', ({ json: send }) => send(201, {}), /no location/],
    [
      'token',
      'challenge',
      json({ type: 'dns-01', url: 'https://a/', status: 'pending', token: '../' }),
      /"token"/,
    ],
    ['no pem', 'certificate', ({ response }) => void response.end('chain'), /pem/],
    [
      'private key',
      'certificate',
      ({ response }) =>
        void response.end('-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----'),
      /nothing else/,
    ],
    [
      'window',
      'renewalInfo',
      json({ suggestedWindow: { start: '2030-01-02', end: '2030-01-01' } }),
      /window/,
    ],
    ['no dates', 'renewalInfo', json({ suggestedWindow: { start: 'x', end: 1 } }), /unusable/],
  ]
  for (const [what, resource, fault, message] of cases) {
    const { ca, client } = await open(t)
    ca.fault(resource, fault)
    const name = resource === 'directory' ? 'account' : resource
    const [, [, operation]] = Object.entries(OPERATIONS).find(
      ([key, [about]]) => key === name || about === name,
    ) ?? ['', OPERATIONS['account'] ?? []]
    if (operation === undefined) throw new Error(`no operation for ${resource}`)
    const error = await failure(operation(client, ca))
    t.match(error, { name: 'AcmeResponseError', action: 'retry', message }, what)
  }
})

test('problems say what to do', async (t) => {
  const cases: readonly [AcmeResource, number, string, Partial<AcmeError> & { lost?: string }][] = [
    ['newOrder', 400, 'accountDoesNotExist', { action: 'reset', lost: 'account' }],
    ['newOrder', 400, 'rejectedIdentifier', { action: 'final' }],
    ['newOrder', 400, 'malformed', { action: 'final' }],
    ['newOrder', 409, 'alreadyReplaced', { action: 'final' }],
    ['newOrder', 400, 'invalidProfile', { action: 'final' }],
    ['newOrder', 403, 'userActionRequired', { action: 'final' }],
    ['newOrder', 500, 'serverInternal', { action: 'retry' }],
    ['account', 403, 'agreementRequired', { action: 'final' }],
    ['account', 403, 'externalAccountRequired', { action: 'final' }],
    ['order', 404, 'malformed', { action: 'reset', lost: 'order' }],
    ['order', 403, 'unauthorized', { action: 'final' }],
    ['authorization', 404, 'malformed', { action: 'reset', lost: 'order' }],
    ['finalize', 400, 'badCSR', { action: 'final' }],
    ['certificate', 404, 'malformed', { action: 'reset', lost: 'order' }],
    ['revocation', 403, 'unauthorized', { action: 'final' }],
  ]
  for (const [resource, status, type, expected] of cases) {
    const { ca, client } = await open(t)
    ca.fault(resource, ({ problem }) => problem(status, type))
    const operation = Object.values(OPERATIONS).find(([about]) => about === resource)?.[1]
    const error = await failure(operation?.(client, ca) ?? Promise.resolve())
    t.match(
      error,
      { name: 'AcmeProblemError', type, status, resource, ...expected },
      `${resource} ${type}`,
    )
  }
  const { ca, client } = await open(t)
  ca.fault('order', ({ response }) => void response.writeHead(404).end())
  t.match(await failure(client.order(order(ca).url)), { action: 'reset', type: 'about:blank' })
  ca.fault('newOrder', ({ json }) =>
    json(403, {
      type: 'urn:ietf:params:acme:error:rejectedIdentifier',
      detail: `bad\n\u001b[31mname ${'x'.repeat(1000)}`,
      instance: 'https://ca.example/terms',
      subproblems: [{ type: 'x', identifier: { type: 'dns', value: 'a.example' } }, { type: 5 }],
    }),
  )
  const error = await failure(client.newOrder({ names: NAMES }))
  t.match(error, {
    instance: 'https://ca.example/terms',
    subproblems: [{ type: 'x', detail: '', identifier: 'a.example' }, { type: 'about:blank' }],
  })
  t.match(
    error.message,
    /^newOrder request was refused: rejectedIdentifier \(403\): bad \\u\{1b\}\[31mname x+…$/,
  )
})

test('a lost account is made anew, once for all who wait', async (t) => {
  const { ca, client } = await open(t)
  const before = await client.account()
  ca.fault('order', ({ problem }) => problem(400, 'accountDoesNotExist'), 3)
  const errors = await Promise.all([1, 2, 3].map(() => failure(client.order(order(ca).url))))
  t.same(
    errors.map(({ action }) => action),
    ['reset', 'reset', 'reset'],
  )
  const orders = await Promise.all([1, 2, 3].map(() => client.order(order(ca).url)))
  t.equal(orders.length, 3)
  const after = await client.account()
  t.not(after.url, before.url)
  t.equal(ca.accounts, 2)
  t.equal(ca.requests.at(-1)?.header['kid'], after.url)

  // An answer to the lost account that comes late says nothing about the new one.
  const { promise: asked, resolve: ask } = Promise.withResolvers<() => void>()
  ca.fault('order', ({ problem }) => ask(() => problem(400, 'accountDoesNotExist')), 1)
  const late = failure(client.order(order(ca).url))
  const answer = await asked
  client.forgetAccount()
  const newest = await client.account()
  answer()
  t.match(await late, { action: 'reset' })
  t.same(await client.account(), newest)
})

test('a failure that many shared is not kept', async (t) => {
  const { ca, client } = await open(t)
  ca.fault('directory', ({ response }) => void response.end('{}'), 1)
  const errors = await Promise.all([1, 2, 3].map(() => failure(client.account())))
  t.ok(errors.every(({ name }) => name === 'AcmeResponseError'))
  t.equal(ca.count('directory'), 1)
  t.ok(await client.account())
})

test('NT-ISSUE-037 refused nonces are replaced at once, and not for ever', async (t) => {
  const { ca, client } = await open(t)
  await client.account()
  ca.fault('order', ({ problem }) => problem(400, 'badNonce'), 30)
  await client.order(order(ca).url)
  t.equal(ca.count('order'), 31)
  t.equal(ca.count('nonce'), 1, 'the refusal brings the next nonce')
  await Promise.all([1, 2, 3, 4, 5].map(() => client.order(order(ca).url)))
  ca.forgetNonces()
  ca.requests.length = 0
  await client.order(order(ca).url)
  t.equal(ca.count('order'), 2, 'nonces that lie unused do not cost a refusal each')
  ca.requests.length = 0
  ca.fault('order', ({ problem }) => problem(400, 'badNonce'))
  t.match(await failure(client.order(order(ca).url)), { action: 'retry', type: 'badNonce' })
  t.equal(ca.count('order'), 40)

  const bare = await open(t)
  bare.ca.fault('account', ({ response }, next) => {
    response.setHeader('replay-nonce', 'not a nonce!')
    next()
  })
  await bare.client.account()
  await bare.client.order(order(bare.ca).url)
  t.equal(bare.ca.count('nonce'), 2, 'what is no nonce is not used as one')
  const none = await open(t)
  none.ca.fault('nonce', ({ response }) => {
    response.removeHeader('replay-nonce')
    response.end()
  })
  t.match(await failure(none.client.account()), { message: /no usable nonce/ })
})

test('reads of authorizations never overlap with orders being made', async (t) => {
  const { ca, client } = await open(t)
  const overlaps: string[] = []
  const watch: Fault = ({ request }, next) => {
    const other = request.resource === 'newOrder' ? 'authorization' : 'newOrder'
    if (ca.active.includes(other)) overlaps.push(`${request.resource} during ${other}`)
    if (
      request.resource === 'newOrder' &&
      ca.active.filter((name) => name === 'newOrder').length > 1
    ) {
      overlaps.push('newOrder during newOrder')
    }
    setImmediate(next)
  }
  ca.fault('newOrder', watch)
  // One read fails at once while the others are under way: the gate must wait for them too.
  ca.fault('authorization', (answer, next) => {
    if (ca.count('authorization') % 4 === 1) answer.problem(403, 'unauthorized')
    else setTimeout(() => watch(answer, next), 5)
  })
  const results = await Promise.allSettled(
    Array.from({ length: 16 }, (_, index) =>
      index % 3 === 0
        ? client.authorizations(order(ca))
        : client.newOrder({ names: NAMES }).then(({ authorizations }) => authorizations),
    ),
  )
  t.same(overlaps, [])
  t.ok(results.some(({ status }) => status === 'rejected'))
  t.equal(ca.accounts, 1)
})

test('orders behind one that hangs end with it, and those after them have their turn', async (t) => {
  const { ca, client } = await open(t, { requestTimeoutMs: 5_000 })
  await client.account()
  ca.fault('newOrder', () => {}, 1)
  const [first, ...behind] = await Promise.all(
    Array.from({ length: 10 }, () => failure(client.newOrder({ names: NAMES }))),
  )
  t.match(first, { name: 'TimeoutError', message: /did not answer the newOrder request/ })
  // Ten orders do not wait for ten timeouts.
  for (const error of behind) {
    t.match(error, { name: 'TimeoutError', message: 'ca did not answer an order before this one' })
  }
  t.ok(await client.newOrder({ names: NAMES }))
})

test('an order that waits for its turn can be given up', async (t) => {
  const { ca, client } = await open(t)
  const controller = new AbortController()
  ca.fault('newOrder', (_, next) => setImmediate(next))
  const first = client.newOrder({ names: NAMES })
  const second = failure(client.newOrder({ names: NAMES }, { signal: controller.signal }))
  const third = client.newOrder({ names: NAMES })
  await client.account()
  setImmediate(() => controller.abort(new Error('given up')))
  t.match(await second, { message: 'given up' })
  await Promise.all([first, third])
  t.equal(ca.count('newOrder'), 2)
})

test('an order is written down before its authorizations are read', async (t) => {
  const { ca, client } = await open(t)
  let readsBefore = -1
  await client.newOrder(
    { names: NAMES },
    {
      onOrder: async ({ url }) => {
        t.equal(url, order(ca).url)
        // Long enough for a read that did not wait.
        await delay(20)
        readsBefore = ca.count('authorization')
      },
    },
  )
  t.equal(readsBefore, 0)
  t.equal(ca.count('authorization'), 3)
  const full = failure(
    client.newOrder(
      { names: NAMES },
      {
        onOrder: () => {
          throw new Error('disk full')
        },
      },
    ),
  )
  t.match(await full, { message: 'disk full' })
  t.equal(ca.count('authorization'), 3)
  t.match(await failure(client.newOrder({ names: [] })), { name: 'RangeError' })
  t.match(await failure(client.newOrder({ names: Array(101).fill('a') })), { name: 'RangeError' })
})

test('profile and replaces are asked for only where the ca offers them', async (t) => {
  const wanted = { names: NAMES, profile: 'shortlived', replaces: await makeCertificate() }
  const plain = await open(t, {}, () => {})
  await plain.client.newOrder(wanted)
  t.same(payload(plain.ca, 'newOrder'), { identifiers: [{ type: 'dns', value: 'a.example' }] })
  const modern = await open(t, { profile: 'tlsserver' }, (ca) => {
    ca.directory = { renewalInfo: `${ca.url}/renewalInfo/`, meta: { profiles: { tlsserver: '' } } }
  })
  await modern.client.newOrder(wanted)
  t.match(payload(modern.ca, 'newOrder'), {
    profile: 'shortlived',
    replaces: certificateId(wanted.replaces),
  })
  modern.ca.requests.length = 0
  await modern.client.newOrder({ names: NAMES })
  t.match(payload(modern.ca, 'newOrder'), { profile: 'tlsserver' })
  t.same(await modern.client.renewalInfo(await makeCertificate()), {
    startMs: Date.parse('2030-01-01'),
    endMs: Date.parse('2030-01-02'),
    explanationUrl: undefined,
    retryAfterMs: undefined,
  })
  t.equal(await plain.client.renewalInfo(await makeCertificate()), undefined)
})

test('the account request carries contacts and the external account binding', async (t) => {
  const hmacKey = Buffer.from('a key of thirty-two bytes at least').toString('base64url')
  const { ca, client } = await open(t, {
    contacts: ['mailto:a@example.org'],
    externalAccount: { kid: 'kid-1', hmacKey },
    userAgent: 'test/1',
  })
  await Promise.all([client.account(), client.account(), client.newOrder({ names: NAMES })])
  t.equal(ca.accounts, 1)
  t.ok(ca.requests.every(({ userAgent }) => userAgent === 'test/1'))
  const { externalAccountBinding: binding, ...rest } = payload(ca, 'account') as {
    externalAccountBinding: { protected: string; payload: string; signature: string }
  }
  t.same(rest, { termsOfServiceAgreed: true, contact: ['mailto:a@example.org'] })
  const compact = `${binding.protected}.${binding.payload}.${binding.signature}`
  const verified = await compactVerify(compact, Buffer.from(hmacKey, 'base64url'))
  t.match(verified.protectedHeader, { alg: 'HS256', kid: 'kid-1', url: `${ca.url}/account` })
  const account = ca.requests.find(({ resource }) => resource === 'account')
  t.same(JSON.parse(Buffer.from(verified.payload).toString()), account?.header['jwk'])
  ca.fault('account', ({ json }) =>
    json(200, { status: 'deactivated' }, { location: '/account/1' }),
  )
  client.forgetAccount()
  t.match(await failure(client.account()), { action: 'final', message: /"deactivated"/ })
})

test('an order is taken as it stands when a step was done before', async (t) => {
  const { ca, client } = await open(t)
  ca.fault('finalize', ({ problem }) => problem(403, 'orderNotReady'))
  for (const status of ['processing', 'valid']) {
    ca.order = { status }
    t.equal((await client.finalize(order(ca), new Uint8Array(1))).status, status)
  }
  ca.order = { status: 'pending' }
  t.match(await failure(client.finalize(order(ca), new Uint8Array(1))), {
    action: 'retry',
    type: 'orderNotReady',
  })
  ca.challenge = { status: 'processing' }
  ca.fault('challenge', ({ problem }) => problem(400, 'malformed'), 1)
  t.equal((await client.answerChallenge(challenge(ca))).status, 'processing')
  ca.requests.length = 0
  t.equal((await client.answerChallenge({ ...challenge(ca), status: 'valid' })).status, 'valid')
  t.equal(ca.requests.length, 0, 'an answered challenge is not answered again')
  ca.challenge = { status: 'pending' }
  ca.fault('challenge', ({ problem }) => problem(400, 'malformed'), 1)
  t.match(await failure(client.answerChallenge(challenge(ca))), { action: 'final' })
})

test('an order that failed tells why, from itself or from its challenge, and which names failed', async (t) => {
  const error = { type: 'urn:ietf:params:acme:error:caa', detail: 'CAA forbids' }
  const wait = { until: ['valid'] } as const
  for (const status of ['invalid', 'deactivated']) {
    const { ca, client } = await open(t)
    ca.order = { status, error }
    const own = await failure(client.waitForOrder(order(ca).url, wait))
    t.match(own, {
      name: 'AcmeOrderInvalidError',
      action: 'final',
      type: 'caa',
      detail: 'CAA forbids',
    })
    t.match(own, { failedNames: [] }, 'no challenge failed: it may be of age')
    ca.order = { status }
    ca.challenge = { status: 'invalid', error }
    const challenged = await failure(client.waitForOrder(order(ca).url, wait))
    t.match(challenged, { type: 'caa' })
    if (!(challenged instanceof AcmeOrderInvalidError)) throw challenged
    t.strictSame(challenged.failedNames, order(ca).names)
    ca.fault('authorization', ({ problem }) => problem(403, 'unauthorized'))
    t.match(await failure(client.waitForOrder(order(ca).url, wait)), { type: 'about:blank' })
    ca.fault('finalize', ({ problem }) => problem(403, 'orderNotReady'))
    t.match(await failure(client.finalize(order(ca), new Uint8Array(1))), {
      name: 'AcmeOrderInvalidError',
    })
  }
})

test('waiting for an order follows Retry-After up to its cap and ends at its own bound', async (t) => {
  const { ca, client } = await open(t, { retryAfterMsMax: 40 })
  const wait = { until: ['valid'] } as const
  ca.order = { status: 'processing' }
  t.match(await failure(client.waitForOrder(order(ca).url, { ...wait, timeoutMs: 30 })), {
    name: 'TimeoutError',
    message: /still "processing"/,
  })
  t.ok(ca.count('order') <= 7, 'the waits double')
  const beyond = await client.waitForOrder(order(ca).url, { until: ['ready'] })
  t.equal(beyond.status, 'processing', 'an order that has gone beyond is not waited for')
  const looksMs: number[] = []
  ca.fault('order', ({ response }, next) => {
    looksMs.push(performance.now())
    if (looksMs.length === 3) ca.order = { status: 'valid' }
    response.setHeader('retry-after', '3600')
    next()
  })
  t.equal((await client.waitForOrder(order(ca).url, wait)).status, 'valid', 'an hour is cut')
  const [first = 0, second = 0, third = 0] = looksMs
  // A timer may be early by the part of a millisecond that clocks round off.
  t.ok(second - first >= 39 && third - second >= 39, 'to 40 ms and not to nothing')
})

test('a clock that is set while an order is waited for neither ends the wait nor stretches it', async (t) => {
  const { ca, client } = await open(t)
  const now = Date.now.bind(Date)
  t.teardown(() => {
    Date.now = now
  })
  for (const jumpMs of [3_600_000, -3_600_000]) {
    ca.order = { status: 'processing' }
    let looks = 0
    ca.fault('order', (_, next) => {
      looks += 1
      Date.now = () => now() + jumpMs
      if (looks === 4) ca.order = { status: 'valid' }
      next()
    })
    const found = await client.waitForOrder(order(ca).url, { until: ['valid'] })
    t.equal(found.status, 'valid')
    ca.order = { status: 'processing' }
    ca.fault('order', (_, next) => next())
    Date.now = now
    const waiting = client.waitForOrder(order(ca).url, { until: ['valid'], timeoutMs: 60 })
    Date.now = () => now() + jumpMs
    await t.rejects(waiting, { name: 'TimeoutError', message: /after \d{1,3} ms/ })
    Date.now = now
  }
})

test('a chain is given clean, and the preferred one where there are several', async (t) => {
  const { ca, client } = await open(t)
  const [one, two] = await Promise.all([makeCertificate('One'), makeCertificate('Two')])
  ca.chains.set('1', `\r\n${one}\r\n`).set('2', two)
  const alternateUrls = [`${ca.url}/certificate/2`]
  const first = await client.certificate(order(ca))
  t.match(first.pem, /^-----BEGIN CERTIFICATE-----\n[^-]+-----END CERTIFICATE-----\n$/)
  t.same(first.alternateUrls, alternateUrls)
  const second = await client.certificate(order(ca), { preferredChain: 'Two' })
  t.not(second.pem, first.pem)
  t.same(await client.certificate(order(ca), { preferredChain: 'Three' }), first)
  const { certificateUrl: _, ...without } = order(ca)
  t.match(await failure(client.certificate({ ...without, certificateUrl: undefined })), {
    message: /must be valid/,
  })
})

test('a certificate that is revoked already is revoked', async (t) => {
  const { ca, client } = await open(t)
  const pem = await makeCertificate()
  await client.revoke(pem, { reason: 4 })
  t.match(payload(ca, 'revocation'), { reason: 4, certificate: /^MI[\w-]+$/ })
  ca.fault('revocation', ({ problem }) => problem(400, 'alreadyRevoked'))
  await client.revoke(pem)
  t.equal(ca.count('revocation'), 2)
})

test('values are those of the RFCs', async (t) => {
  // RFC 9773 section 4.1.
  const pem = await makeCertificate('a', {
    serialNumber: '0087654321',
    keyId: '69885b6b87464041e1b37b847ba0ae2cde01c8d4',
  })
  t.equal(certificateId(pem), 'aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE')
  // The key of RFC 7515 appendix A.3; the thumbprint by jose and the digest by openssl.
  const client = new AcmeClient({
    directoryUrl: 'https://ca.example/',
    accountKey: {
      kty: 'EC',
      crv: 'P-256',
      x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
      y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
      d: 'jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI',
    },
  })
  t.equal(
    client.dns01Value('evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA'),
    'ZaJgFtIV4WA0t2MzN7kbSk0sfRd2GZjaxRqaSTAK6lI',
  )
})

test('a client refuses keys and directories that cannot be right', async (t) => {
  const directoryUrl = 'https://ca.example/directory'
  for (const wrong of [
    generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
    generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey,
    generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey,
  ]) {
    t.throws(() => new AcmeClient({ directoryUrl, accountKey: wrong }), TypeError)
  }
  for (const url of [
    'http://ca.example/',
    'ftp://127.0.0.1/',
    'directory',
    'http://127.0.0.1.example/',
  ]) {
    t.throws(() => new AcmeClient({ directoryUrl: url, accountKey }), /must be https/, url)
  }
})

interface World {
  readonly ca: TestCa
  readonly client: AcmeClient
}

async function open(
  t: Test,
  init: Partial<AcmeClientInit> = {},
  prepare: (ca: TestCa) => void = (ca) => {
    ca.directory = { renewalInfo: `${ca.url}/renewalInfo` }
  },
): Promise<World> {
  const ca = await TestCa.open()
  prepare(ca)
  const client = new AcmeClient({ directoryUrl: ca.directoryUrl, accountKey, ...init })
  t.teardown(async () => {
    await client.close()
    await ca[Symbol.asyncDispose]()
  })
  return { ca, client }
}

function options(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal }
}

/** The order of the test CA. */
function order({ url }: TestCa): Order {
  return {
    url: `${url}/order/1`,
    status: 'pending',
    names: NAMES,
    authorizationUrls: [1, 2, 3].map((number) => `${url}/authorization/${number}`),
    finalizeUrl: `${url}/finalize/1`,
    certificateUrl: `${url}/certificate/1`,
    expiresMs: undefined,
    profile: undefined,
    error: undefined,
    retryAfterMs: undefined,
  }
}

function challenge({ url }: TestCa): Challenge {
  return {
    type: 'dns-01',
    url: `${url}/challenge/1`,
    status: 'pending',
    token: 'token',
    error: undefined,
  }
}

function payload(ca: TestCa, resource: AcmeResource): unknown {
  return ca.requests.find((request) => request.resource === resource)?.payload
}

/** The error of a promise that must fail. */
async function failure(promise: Promise<unknown>): Promise<AcmeError> {
  return await promise.then(
    () => {
      throw new Error('it succeeded')
    },
    (error: unknown) => error as AcmeError,
  )
}

async function makeCertificate(
  issuer = 'Test',
  { serialNumber = '01', keyId = '0102030405' } = {},
): Promise<string> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber,
      subject: 'CN=a.example',
      issuer: `CN=${issuer}`,
      notBefore: new Date('2026-01-01'),
      notAfter: new Date('2030-01-01'),
      signingAlgorithm: algorithm,
      publicKey: keys.publicKey,
      signingKey: keys.privateKey,
      extensions: [new x509.AuthorityKeyIdentifierExtension(keyId)],
    },
    webcrypto,
  )
  return certificate.toString('pem')
}

test('an abort ends a request at once, even while the connection to the CA is still being made', async (t) => {
  // Takes connections and never answers the TLS handshake.
  const server = createServer((socket) => socket.on('error', () => {}))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const http = new Http({ requestTimeoutMs: 10_000, userAgent: 'test' })
  const controller = new AbortController()
  server.once('connection', () => controller.abort(new Error('given up')))
  const startMs = performance.now()
  const directory = {
    url: `https://127.0.0.1:${port}/dir`,
    method: 'GET',
    resource: 'directory',
    signal: controller.signal,
  } as const
  await t.rejects(http.send(directory), { message: 'given up' })
  t.ok(performance.now() - startMs < 5_000, 'long before the request times out')
  await http.close()
  server.close()
})
