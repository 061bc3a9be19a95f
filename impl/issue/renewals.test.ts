// When the CA is asked about which certificate, and what becomes of its answers. The clock is the test's.
import { mock } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { join } from 'node:path'
import { test, type Test } from 'tap'
import { AcmeProblemError, AcmeResponseError, type RenewalInfo } from './acme/index.ts'
import { CaPause } from './ca-pause.ts'
import { Renewals, type RenewalSuggested } from './renewals.ts'
import { Store } from './store.ts'
import { temporaryFolder, ZONE } from './testing.ts'

const DIRECTORY_URL = 'https://ca/directory'
const SECOND_MS = 1_000
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const START = Date.UTC(2026, 0, 1)

const silent = Object.assign(() => {}, { error: () => {}, trace: () => {}, enabled: false })

type Answer = RenewalInfo | undefined | Error

class Bench {
  readonly store: Store
  readonly renewals: Renewals
  readonly told: RenewalSuggested[] = []
  /** Which certificates the CA was asked about, and how many ms after the start. */
  readonly asked: [peer: string, atMs: number][] = []
  answer: (peer: string) => Answer = () => undefined
  readonly pause: CaPause

  constructor(t: Test, path = ':memory:') {
    this.store = new Store({ path, directoryUrl: DIRECTORY_URL })
    this.pause = new CaPause({ rows: this.store.budgets, paused: () => {} })
    this.renewals = new Renewals({
      acme: {
        renewalInfo: (certificate) => {
          this.asked.push([certificate, Date.now() - START])
          const answer = this.answer(certificate)
          return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)
        },
      },
      rows: this.store.renewals,
      pause: this.pause,
      suggested: (detail) => this.told.push(detail),
      log: Object.assign(silent, { newScope: () => silent as never }),
    })
    this.renewals.start()
    t.teardown(async () => {
      await this.renewals.stop()
      this.store.close()
    })
  }

  certify(peer: string, { lifetimeMs = 90 * DAY_MS, keyChoice = 'k' } = {}): void {
    const want = { peer, names: [`${peer}.${ZONE}`], keyChoice }
    const request = { csr: Uint8Array.of(1), cryptoType: 2, keyId: keyChoice }
    const now = Date.now()
    const dates = { notBefore: now, notAfter: now + lifetimeMs }
    // In the place of the PEM stands what tells us whom the CA is asked about.
    const parts = { certificate: peer, ca: '', serial: `${peer} ${keyChoice}` }
    this.store.finishOrder(this.store.createOrder(want, request, now), { ...parts, ...dates }, now)
  }

  renewAt(peer: string): number | undefined {
    return this.renewals.advice(peer, `${peer} k`).renewAt
  }

  askAfter(peer: string): number | undefined {
    return this.renewals.advice(peer, `${peer} k`).askAfter
  }
}

function info(startMs: number, endMs: number, retryAfterMs?: number): RenewalInfo {
  return { startMs, endMs, retryAfterMs, explanationUrl: undefined }
}

function holdClock(t: Test): (ms: number) => Promise<void> {
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: START })
  t.teardown(() => mock.timers.reset())
  return async (ms) => {
    for (let passed = 0; passed < ms; passed += 100) {
      mock.timers.tick(100)
      await setImmediate()
    }
  }
}

test('the CA is asked about a certificate at its own pace, and its window is kept until it changes', async (t) => {
  const pass = holdClock(t)
  const path = join(temporaryFolder(t), 'issue.sqlite')
  const bench = new Bench(t, path)
  bench.certify('a', { lifetimeMs: HOUR_MS })
  const window = info(START + 40 * MINUTE_MS, START + 50 * MINUTE_MS, 100 * SECOND_MS)
  bench.answer = () => window
  await pass(35 * SECOND_MS)
  t.same(bench.asked, [], 'a hundredth of its lifetime is not over')
  t.equal(bench.askAfter('a'), SECOND_MS, 'nothing is known before that')
  t.equal(bench.renewAt('a'), undefined)
  await pass(3 * SECOND_MS)
  t.equal(bench.asked.length, 1)
  const drawn = bench.renewAt('a') ?? 0
  t.ok(drawn >= window.startMs && drawn <= window.endMs, 'a time in the window')
  t.match(bench.told, [{ peer: 'a', names: [`a.${ZONE}`], from: window.startMs, renewAt: drawn }])

  await pass(95 * SECOND_MS)
  t.equal(bench.asked.length, 1, 'not before the time that the CA has named')
  await pass(10 * SECOND_MS)
  t.equal(bench.asked.length, 2)
  t.equal(bench.renewAt('a'), drawn, 'the same window, the same time')
  t.equal(bench.told.length, 1)
  const left = bench.askAfter('a') ?? 0
  t.ok(left > 80 * SECOND_MS && left <= 100 * SECOND_MS, 'what is left of what the CA has named')

  bench.answer = () => info(START, START + 1)
  await pass(105 * SECOND_MS)
  t.equal(bench.renewAt('a'), START + 6 * MINUTE_MS, 'at once, but not before a tenth of its life')
  t.equal(bench.told.length, 2)
  await pass(37 * SECOND_MS)
  t.equal(bench.asked.length, 4, 'a hundredth of the lifetime where the CA names no time')

  const next = new Bench(t, path)
  t.equal(next.renewAt('a'), START + 6 * MINUTE_MS, 'after a restart too')
})

test('what the CA says of Retry-After has bounds', async (t) => {
  const pass = holdClock(t)
  const bench = new Bench(t)
  bench.certify('often')
  bench.certify('seldom')
  const soon = START + DAY_MS
  bench.answer = (peer) => info(soon, soon + 1, peer === 'often' ? 0 : 400 * DAY_MS)
  mock.timers.setTime(START + 6 * HOUR_MS)
  await pass(3 * MINUTE_MS)
  const times = Object.groupBy(bench.asked, ([peer]) => peer)
  t.equal(times['often']?.length, 3, 'once a minute')
  t.equal(times['seldom']?.length, 1)
  bench.answer = () => undefined
  mock.timers.setTime(START + 31 * HOUR_MS)
  await pass(2 * SECOND_MS)
  t.equal(bench.asked.filter(([peer]) => peer === 'seldom').length, 2, 'once a day at least')
})

test('a draw is made from the whole window', async (t) => {
  const pass = holdClock(t)
  const random = Math.random
  t.teardown(() => {
    Math.random = random
  })
  for (const [value, share] of [
    [0, 0],
    [0.25, 0.25],
    [0.999, 0.999],
  ] as const) {
    Math.random = () => value
    const bench = new Bench(t)
    const now = Date.now()
    bench.certify('a', { lifetimeMs: 100 * SECOND_MS })
    bench.answer = () => info(now + 50 * SECOND_MS, now + 60 * SECOND_MS)
    await pass(2 * SECOND_MS)
    t.equal(bench.renewAt('a'), now + (50 + 10 * share) * SECOND_MS)
  }
})

test('the CA is not asked about certificates that have ended or were renewed', async (t) => {
  const pass = holdClock(t)
  const bench = new Bench(t)
  bench.certify('renewed', { lifetimeMs: 1_000 * SECOND_MS })
  bench.certify('renewed', { lifetimeMs: 1_000 * SECOND_MS, keyChoice: 'next' })
  bench.certify('ended', { lifetimeMs: 20 * SECOND_MS })
  await pass(19 * SECOND_MS)
  t.equal(bench.asked.filter(([peer]) => peer === 'renewed').length, 1, 'the newer one only')
  const before = bench.asked.length
  t.ok(before > 2, 'the other several times, although the CA knows nothing')
  await pass((1_100 * MINUTE_MS) / 60)
  const after = bench.asked.slice(before).filter(([peer]) => peer === 'ended')
  t.ok(after.every(([, atMs]) => atMs < 20 * SECOND_MS))
  t.equal(bench.renewAt('ended'), undefined)
  t.equal(bench.askAfter('renewed'), undefined, 'of the older one nothing new will come')
})

test('a CA that fails is asked ever more seldom; what is wrong with one certificate does not hold up others', async (t) => {
  const pass = holdClock(t)
  const bench = new Bench(t)
  for (const peer of ['a', 'b', 'c']) bench.certify(peer)
  const failure = (status: number, retryAfterMs?: number) =>
    new AcmeProblemError({ problem: {}, status, resource: 'renewalInfo', retryAfterMs })
  bench.answer = () => failure(503)
  mock.timers.setTime(START + 6 * HOUR_MS)
  await pass(9 * SECOND_MS)
  const at = bench.asked.map(([, atMs]) => atMs - 6 * HOUR_MS)
  const [first = 0, second = 0, third = 0] = at
  t.equal(at.length, 3, 'each once')
  t.ok(second - first >= 1_000 && third - second >= 2_000, at.join())

  bench.asked.length = 0
  bench.answer = () => failure(503, 5 * MINUTE_MS)
  mock.timers.setTime(START + 13 * HOUR_MS)
  await pass(4 * MINUTE_MS)
  t.equal(bench.asked.length, 1, 'Retry-After is kept to')

  mock.timers.setTime(START + 20 * HOUR_MS)
  bench.asked.length = 0
  bench.answer = () => failure(503, HOUR_MS)
  await pass(MINUTE_MS)
  mock.timers.tick(50 * MINUTE_MS)
  await pass(SECOND_MS)
  t.equal(bench.asked.length, 1, 'up to an hour')

  mock.timers.setTime(START + 30 * HOUR_MS)
  bench.asked.length = 0
  bench.answer = (peer) =>
    peer === 'c'
      ? undefined
      : new AcmeProblemError({ problem: { type: 'x' }, status: 400, resource: 'renewalInfo' })
  await pass(2 * SECOND_MS)
  t.same(bench.asked.map(([peer]) => peer).toSorted(), ['a', 'b', 'c'])
  t.ok(bench.asked.length === 3)

  mock.timers.setTime(START + 40 * HOUR_MS)
  bench.asked.length = 0
  bench.answer = () => failure(429, HOUR_MS)
  await pass(5 * SECOND_MS)
  t.equal(bench.asked.length, 1)
  const restMs = (bench.pause.until(Date.now()) ?? 0) - Date.now()
  t.ok(restMs > 59 * MINUTE_MS, 'a limit that a question meets holds for orders too')

  mock.timers.setTime(START + 50 * HOUR_MS)
  bench.asked.length = 0
  bench.answer = () => new AcmeResponseError('no json')
  bench.store.budgets.save('pausedByCa', '', START + 100 * HOUR_MS)
  await pass(5 * SECOND_MS)
  t.equal(bench.asked.length, 0, 'the CA limits us: it is left alone')
})
