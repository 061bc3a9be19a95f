// The proxy before a small HTTPS server in the CA's place: what passes, what is done to it, and who is cut off.
import { once } from 'node:events'
import { createServer, request } from 'node:https'
import { createServer as createHttpServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type Test } from 'tap'
import { CaRules, resourceOf, type CaRule } from './ca-faults.ts'
import { createHttpsCertificate } from './https-certificate.ts'
import { CaProxy, type CaProxyInit, type ProxiedRequest } from './proxy.ts'

interface Bench {
  readonly proxy: CaProxy
  /** What the CA was asked, and under which Host. */
  readonly asked: string[]
  readonly recorded: ProxiedRequest[]
  /** The status of the answer, or the code of the error. */
  readonly ask: (path: string, certificateAuthority?: string) => Promise<number | string>
  readonly answer: (
    path: string,
    certificateAuthority?: string,
    body?: string,
  ) => Promise<{ message: IncomingMessage; text: string }>
}

async function bench(t: Test, init: Partial<CaProxyInit> = {}, more: object = {}): Promise<Bench> {
  const https = await createHttpsCertificate()
  const asked: string[] = []
  const ca = createServer(
    { cert: https.certificate, key: https.privateKey },
    (incoming, answer) => {
      asked.push(`${incoming.method} ${incoming.url} ${incoming.headers.host}`)
      incoming.resume()
      answer.setHeader('replay-nonce', 'n')
      const newNonce = `https://${incoming.headers.host}/nonce-plz`
      answer.end(JSON.stringify({ newNonce, ...more }))
    },
  )
  ca.listen(0, '127.0.0.1')
  await once(ca, 'listening')
  t.teardown(() => {
    ca.closeAllConnections()
    ca.close()
  })
  const recorded: ProxiedRequest[] = []
  const proxy = await CaProxy.open({
    upstream: {
      directoryUrl: `https://127.0.0.1:${(ca.address() as AddressInfo).port}/dir`,
      certificateAuthority: https.certificate,
    },
    onRequest: (seen) => recorded.push(seen),
    ...init,
  })
  t.teardown(() => proxy[Symbol.asyncDispose]())
  const answer = async (path: string, trusted = proxy.certificateAuthority, body?: string) => {
    const method = body === undefined ? 'GET' : 'POST'
    const url = new URL(path, proxy.directoryUrl)
    const outgoing = request(url, { ca: trusted, agent: false, method })
    outgoing.end(body)
    const [message] = (await once(outgoing, 'response')) as [IncomingMessage]
    let text = ''
    for await (const chunk of message) text += String(chunk)
    return { message, text }
  }
  const ask = async (path: string, trusted?: string): Promise<number | string> =>
    answer(path, trusted).then(
      ({ message }) => message.statusCode ?? 0,
      (error: NodeJS.ErrnoException) => error.code ?? error.message,
    )
  return { proxy, asked, recorded, ask, answer }
}

test('a request passes with its Host, so that the CA names the proxy, and is recorded', async (t) => {
  const { proxy, answer, asked, recorded } = await bench(t)
  const { message, text } = await answer('/dir')
  const { host } = new URL(proxy.directoryUrl)
  t.same(JSON.parse(text), { newNonce: `https://${host}/nonce-plz` })
  t.equal(message.headers['replay-nonce'], 'n')
  t.same(asked, [`GET /dir ${host}`])
  t.same(recorded, [{ method: 'GET', resource: 'directory', path: '/dir', status: 200 }])
})

test('429 and 503 carry Retry-After in both forms, and the CA never hears of the request', async (t) => {
  const { proxy, answer, asked, recorded } = await bench(t)
  const refuse = (status: 429 | 503, as: 'seconds' | 'date'): CaRule => ({
    count: 1,
    effect: { kind: 'status', status, retryAfter: { seconds: 7, as } },
  })
  proxy.disturb([refuse(429, 'seconds'), refuse(503, 'date')])
  const first = await answer('/order-plz')
  t.equal(first.message.statusCode, 429)
  t.equal(first.message.headers['retry-after'], '7')
  t.match(JSON.parse(first.text), { type: 'urn:ietf:params:acme:error:rateLimited' })
  const second = await answer('/order-plz')
  t.equal(second.message.statusCode, 503)
  const waitMs = Date.parse(second.message.headers['retry-after'] ?? '') - Date.now()
  t.ok(waitMs > 0 && waitMs <= 7_000, `${waitMs} ms`)
  t.same(asked, [])
  t.equal((await answer('/order-plz')).message.statusCode, 200, 'the rules are used up')
  const [{ retryAfterMs } = {}, { retryAfterMs: untilMs = 0 } = {}, last] = recorded
  t.equal(retryAfterMs, 7_000, 'what was told is recorded')
  t.ok(untilMs > 5_000 && untilMs <= 7_000, `${untilMs} ms`)
  t.notHas(last, { retryAfterMs: Number })
})

test('of a signed request its nonce is recorded, and of an answer what became of the order', async (t) => {
  const { answer, recorded } = await bench(t, {}, { status: 'invalid' })
  const header = Buffer.from(JSON.stringify({ nonce: 'n1' })).toString('base64url')
  await answer('/my-order/1', undefined, JSON.stringify({ protected: header, payload: '' }))
  await answer('/my-order/1', undefined, 'no JWS')
  t.match(recorded, [{ path: '/my-order/1', nonce: 'n1', state: 'invalid' }, { state: 'invalid' }])
  t.notHas(recorded[1], { nonce: String })
})

test('a reset before leaves the CA alone, one after does not, and a duplicate is there twice', async (t) => {
  const { proxy, ask, asked, recorded } = await bench(t)
  const end = proxy.disturb([
    { count: 1, effect: { kind: 'reset', when: 'before' } },
    { count: 1, effect: { kind: 'reset', when: 'after' } },
    { count: 1, effect: { kind: 'duplicate' } },
    { effect: { kind: 'status', status: 503 } },
  ])
  t.equal(await ask('/a'), 'ECONNRESET')
  t.equal(asked.length, 0)
  t.equal(await ask('/b'), 'ECONNRESET')
  t.equal(asked.length, 1)
  t.equal(await ask('/c'), 200)
  t.equal(asked.length, 3)
  t.equal(await ask('/d'), 503)
  end()
  t.equal(await ask('/e'), 200, 'the rules were ended')
  t.same(
    recorded.map(({ status, effect }) => [status, effect]),
    [
      [0, 'reset'],
      [0, 'reset'],
      [200, 'duplicate'],
      [503, 'status'],
      [200, undefined],
    ],
  )
})

test('who was cut off does not come back, and the next one with the new certificate does', async (t) => {
  const { proxy, ask, asked } = await bench(t)
  const before = proxy.certificateAuthority
  t.equal(await ask('/dir', before), 200)
  await proxy.cut()
  t.equal(await ask('/dir', before), 'ECONNREFUSED')
  await proxy.accept()
  t.equal(await ask('/dir', before), 'DEPTH_ZERO_SELF_SIGNED_CERT')
  t.equal(asked.length, 1)
  t.equal(await ask('/dir'), 200)
})

test('a CA that leaves TLS to the proxy is asked without, by the name of the proxy', async (t) => {
  const ca = createHttpServer((incoming, answer) => void answer.end(incoming.headers.host))
  ca.listen(0, '127.0.0.1')
  await once(ca, 'listening')
  t.teardown(() => {
    ca.closeAllConnections()
    ca.close()
  })
  const directoryUrl = `http://127.0.0.1:${(ca.address() as AddressInfo).port}/dir`
  const { proxy, answer } = await bench(t, {
    upstream: { directoryUrl, certificateAuthority: '' },
  })
  t.equal((await answer('/dir')).text, new URL(proxy.directoryUrl).host)
})

test('renewal information is offered for a CA that has none', async (t) => {
  const { answer, proxy } = await bench(t, {
    renewalInfo: { startMs: 1_000, endMs: 3_000, retryAfterSeconds: 5 },
  })
  const directory = JSON.parse((await answer('/dir')).text) as { renewalInfo: string }
  const path = `${new URL(directory.renewalInfo).pathname}/aki.serial`
  const { message, text } = await answer(path)
  const { suggestedWindow } = JSON.parse(text) as {
    suggestedWindow: { start: string; end: string }
  }
  t.equal(Date.parse(suggestedWindow.end) - Date.parse(suggestedWindow.start), 2_000)
  t.equal(message.headers['retry-after'], '5')
  t.equal((await answer(path)).text, text, 'the window stays where it is')
  proxy.suggest({ startMs: -5_000, endMs: -4_000 })
  const start = (json: string): number =>
    Date.parse((JSON.parse(json) as typeof window).suggestedWindow.start)
  const window = { suggestedWindow: { start: '' } }
  t.ok(start((await answer(path)).text) < Date.now() - 4_000, 'until the CA wants it sooner')
  t.ok(start((await answer(`${path}2`)).text) > Date.now(), 'which holds for no other')
})

test('what a new order replaces is recorded, and no other body is looked at', async (t) => {
  const { answer, recorded } = await bench(t)
  const jws = (payload: object): string =>
    JSON.stringify({ payload: Buffer.from(JSON.stringify(payload)).toString('base64url') })
  for (const [path, body] of [
    ['/order-plz', jws({ replaces: 'a.b' })],
    ['/order-plz', jws({})],
    ['/order-plz', 'no JWS'],
    ['/my-order/1', jws({ replaces: 'a.b' })],
  ] as const) {
    await answer(path, undefined, body)
  }
  t.same(
    recorded.map(({ replaces }) => replaces),
    ['a.b', undefined, undefined, undefined],
  )
})

test('a rule with a chance decides alike for the same seed, and about as often as it says', async (t) => {
  const decide = (seed: number): boolean[] => {
    const rules = new CaRules([{ probability: 0.3, seed, effect: { kind: 'duplicate' } }])
    return Array.from({ length: 1_000 }, () => rules.effectOn('order') !== undefined)
  }
  t.same(decide(1), decide(1))
  t.notSame(decide(1), decide(2))
  const taken = decide(3).filter(Boolean).length
  t.ok(taken > 240 && taken < 360, `${taken} of 1000`)
})

test('a rule spares the first requests, and looks at its resources only', async (t) => {
  const rules = new CaRules([
    { resources: ['finalize'], after: 1, count: 1, effect: { kind: 'duplicate' } },
  ])
  const met = (['order', 'finalize', 'finalize', 'finalize'] as const).map(
    (resource) => rules.effectOn(resource)?.kind,
  )
  t.same(met, [undefined, undefined, 'duplicate', undefined])
  t.equal(resourceOf('/my-order/x'), 'order')
  t.equal(resourceOf('/draft-ietf-acme-ari-03/renewalInfo/x'), 'renewalInfo')
  t.equal(resourceOf('/what'), 'other')
})
