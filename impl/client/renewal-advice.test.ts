// Whom the client asks when to renew, when, and whom it believes. The clock is the test's.
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { mock } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { test, type Test } from 'tap'
import { RenewalRequest, RenewalResponse } from '../wire/messages.ts'
import { RENEWAL_PROTOCOL } from '../wire/protocols.ts'
import type { Certificate } from './check.ts'
import type { Server } from './exchange.ts'
import type { Ask } from './obtain.ts'
import { RenewalAdvice } from './renewal-advice.ts'

const HOUR_MS = 3_600_000
const START = Date.UTC(2026, 0, 1)

const server = async (): Promise<Server> => ({
  id: peerIdFromPrivateKey(await generateKeyPair('Ed25519')),
  addresses: [],
})
const servers = [await server(), await server()]

/** What a server says; an error is thrown instead. */
type Answer = RenewalResponse | Error

function certificate(serial: string, lifetimeMs = 100 * HOUR_MS): Certificate {
  const [notBefore, notAfter] = [START, START + lifetimeMs]
  const rest = { certificate: '', chain: '', key: '', zone: '', names: [], issuer: '' }
  return { ...rest, serial, notBefore, notAfter }
}

function open(t: Test, answers: readonly Answer[]) {
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: START })
  const advice: (number | undefined)[] = []
  const asked: { index: number; serial: string; atMs: number }[] = []
  const hook = { ask: (): Promise<void> | undefined => undefined }
  const ask: Ask = async (to, { protocol, request }) => {
    const index = servers.indexOf(to)
    const { serial } = RenewalRequest.decode(request ?? new Uint8Array())
    t.equal(protocol, RENEWAL_PROTOCOL)
    asked.push({ index, serial, atMs: Date.now() - START })
    await hook.ask()
    const answer = answers[index] ?? new Error('nobody')
    if (answer instanceof Error) throw answer
    return RenewalResponse.encode(answer)
  }
  const renewal = new RenewalAdvice({
    issueServers: servers,
    context: () => ({ ask, requestTimeoutMs: 1 }),
    onAdvice: (_certificate, renewAt) => advice.push(renewAt),
  })
  t.teardown(async () => {
    await renewal.stop()
    mock.timers.reset()
  })
  const pass = async (ms: number): Promise<void> => {
    // An alarm looks at the clock at least once a minute.
    for (let passed = 0; passed < ms; passed += 60_000) {
      mock.timers.tick(Math.min(60_000, ms - passed))
      for (let turn = 0; turn < 10; turn += 1) await setImmediate()
    }
  }
  return { renewal, advice, asked, pass, hook }
}

const unsupported = Object.assign(new Error('no such protocol'), {
  name: 'UnsupportedProtocolError',
})

test('NT-CLIENT-012 the first server that knows when to renew is believed, and silence is no advice', async (t) => {
  const cases: readonly (readonly [
    title: string,
    answers: readonly Answer[],
    advice: readonly (number | undefined)[],
    asked: number,
  ])[] = [
    [
      'the first knows',
      [
        { error: 0, renewAt: 5 },
        { error: 0, renewAt: 6 },
      ],
      [5],
      1,
    ],
    ['the first knows nothing', [{ error: 0 }, { error: 0, renewAt: 6 }], [6], 2],
    ['the first is of 2018', [unsupported, { error: 0, renewAt: 6 }], [6], 2],
    ['the first is down', [new Error('down'), { error: 0, renewAt: 6 }], [6], 2],
    [
      'the first refuses',
      [
        { error: 1, renewAt: 1 },
        { error: 0, renewAt: 6 },
      ],
      [6],
      2,
    ],
    ['nobody knows', [unsupported, { error: 0 }], [undefined], 2],
    ['one was not heard', [new Error('down'), { error: 0 }], [], 2],
    ['one refused', [{ error: 0 }, { error: 3 }], [], 2],
  ]
  for (const [title, answers, wanted, count] of cases) {
    await t.test(title, async (t) => {
      const { renewal, advice, asked, pass } = open(t, answers)
      renewal.follow(certificate('0a'), { now: true })
      await pass(1)
      t.strictSame(advice, wanted)
      t.equal(asked.length, count)
      t.equal(asked[0]?.serial, '0a')
    })
  }
})

test('NT-CLIENT-012 it is asked every hundredth of the lifetime, at least each 6 h and at most each second', async (t) => {
  const random = Math.random
  t.teardown(() => {
    Math.random = random
  })
  for (const [lifetimeMs, jitter, intervalMs] of [
    [100 * HOUR_MS, 0.5, HOUR_MS],
    [100 * HOUR_MS, 0, 0.9 * HOUR_MS],
    [100 * HOUR_MS, 1, 1.1 * HOUR_MS],
    [9_000 * HOUR_MS, 0.5, 6 * HOUR_MS],
    [40_000, 0.5, 1_000],
  ] as const) {
    await t.test(`${lifetimeMs} ms, ${jitter}`, async (t) => {
      Math.random = () => jitter
      const { renewal, asked, pass } = open(t, [{ error: 0, renewAt: 1 }])
      renewal.follow(certificate('0a', lifetimeMs), { now: false })
      await pass(intervalMs - 1)
      t.equal(asked.length, 0)
      await pass(1)
      t.equal(asked.length, 1)
      await pass(intervalMs - 1)
      t.equal(asked.length, 1)
      await pass(1)
      t.equal(asked.length, 2)
      renewal.pause()
      await pass(3 * intervalMs)
      t.equal(asked.length, 2, 'there is no certificate any more')
    })
  }
})

test('NT-CLIENT-012 a server that says when it will know more is asked then, within bounds', async (t) => {
  const random = Math.random
  t.teardown(() => {
    Math.random = random
  })
  const knows = { error: 0, renewAt: 1 }
  for (const [title, answers, jitter, waitMs, lifetimeMs = 9_000 * HOUR_MS] of [
    ['as it says', [{ ...knows, askAfter: 10 * HOUR_MS }], 0, 10 * HOUR_MS],
    ['never before', [{ ...knows, askAfter: 10 * HOUR_MS }], 1, 11 * HOUR_MS],
    ['within a day', [{ ...knows, askAfter: 90 * HOUR_MS }], 0, 24 * HOUR_MS],
    ['of a short life', [{ ...knows, askAfter: 90 * HOUR_MS }], 0, 10 * HOUR_MS, 100 * HOUR_MS],
    ['not at once', [{ ...knows, askAfter: 1 }], 0, 60_000],
    ['of a very short life', [{ ...knows, askAfter: 1 }], 0, 1_000, 60_000],
    [
      'that of who knows',
      [
        { error: 0, askAfter: HOUR_MS },
        { ...knows, askAfter: 2 * HOUR_MS },
      ],
      0,
      2 * HOUR_MS,
    ],
    [
      'the soonest where nobody knows',
      [
        { error: 0, askAfter: 3 * HOUR_MS },
        { error: 0, askAfter: 2 * HOUR_MS },
      ],
      0,
      2 * HOUR_MS,
    ],
    [
      'as usual where one was not heard',
      [{ error: 0, askAfter: 24 * HOUR_MS }, new Error('down')],
      0.5,
      6 * HOUR_MS,
    ],
  ] as const) {
    await t.test(title, async (t) => {
      Math.random = () => jitter
      const { renewal, asked, pass } = open(t, answers)
      renewal.follow(certificate('0a', lifetimeMs), { now: true })
      await pass(1)
      const before = asked.length
      await pass(waitMs - 2)
      t.equal(asked.length, before)
      await pass(2)
      t.ok(asked.length > before)
    })
  }
})

test('NT-CLIENT-012 an answer that comes when there is another certificate is not for that one', async (t) => {
  const { renewal, advice, asked, pass, hook } = open(t, [{ error: 0, renewAt: 7 }])
  const gate = Promise.withResolvers<void>()
  hook.ask = () => gate.promise
  renewal.follow(certificate('0a'), { now: true })
  await pass(1)
  renewal.follow(certificate('0b'), { now: false })
  hook.ask = () => undefined
  gate.resolve()
  await pass(1)
  t.strictSame(advice, [])
  await pass(1.2 * HOUR_MS)
  t.same(
    asked.map(({ serial }) => serial),
    ['0a', '0b'],
  )
  t.strictSame(advice, [7])
})
