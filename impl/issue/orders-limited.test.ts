// Who has to wait for an order: budgets, pauses of the CA, names that failed, and the queue.
import { join } from 'node:path'
import { test } from 'tap'
import { holdDeadlines } from '../wire/testing.ts'
import { AcmeProblemError } from './acme/index.ts'
import { FakeCa } from './testing-ca.ts'
import { makeCaller, temporaryFolder, ZONE } from './testing.ts'
import {
  endPause,
  makeWant,
  openOrders,
  openStore,
  outcome,
  problem,
  proofKey,
} from './testing-orders.ts'

test('NT-ISSUE-027 beyond a budget the answer is E_RATE_LIMIT, and the CA hears nothing', async (t) => {
  const ca = new FakeCa()
  const store = openStore(t)
  const budgets = { certificatesPerDomain: { count: 2, periodMs: 3_600_000 } }
  const { orders, events, exhausted } = openOrders(t, ca, store, { budgets })
  const wants = await Promise.all(Array.from({ length: 4 }, () => makeWant()))
  const outcomes = await Promise.all(
    wants.map((want) => outcome(orders.obtain(want, want.request))),
  )
  t.strictSame(outcomes.toSorted(), ['RATE_LIMIT', 'RATE_LIMIT', 'new', 'new'], 'all at once')
  t.equal(ca.orders.size, 2)
  const calls = ca.calls.length
  const refused = wants[outcomes.indexOf('RATE_LIMIT')]
  const served = wants[outcomes.indexOf('new')]
  if (refused === undefined || served === undefined) throw new Error('none')
  const told = events.length
  t.equal(await outcome(orders.obtain(refused, undefined)), 'RATE_LIMIT')
  t.equal(events.length, told, 'no order begins, so none fails, and no key is made')
  t.equal(ca.calls.length, calls, 'without any request to the ca')
  t.match(exhausted, [{ budget: 'certificatesPerDomain', key: ZONE }])
  t.equal(events.filter((event) => event === 'created').length, 2)
  t.same(store.unfinishedOrders(), [], 'nothing is left of what was refused')
  t.equal(await outcome(orders.obtain(served, served.request)), 'cached')
  t.equal(await outcome(orders.obtain(served, undefined)), 'new', 'the same names are a renewal')
})

test('NT-ISSUE-027 after a 429 no order is made or goes on for as long as the CA says, also after a restart', async (t) => {
  const path = join(temporaryFolder(t), 'issue.sqlite')
  const ca = new FakeCa()
  const limited = (retryAfterMs: number | undefined) =>
    new AcmeProblemError({ problem: {}, status: 429, resource: 'newOrder', retryAfterMs })
  const [first, second, waiting] = await Promise.all([makeWant(), makeWant(), makeWant()])
  const store = openStore(t, path)
  const { orders, events, pauses } = openOrders(t, ca, store, { runningMax: 2 })
  const cached = await makeWant()
  await orders.obtain(cached, cached.request)

  // Both are at the CA when it says so; the third waits for its turn and never gets there.
  const both = Promise.withResolvers<void>()
  ca.hook = async (step, _when, call) => {
    if (step !== 'newOrder') return
    if (call === 3) both.resolve()
    await both.promise
    throw limited(call === 2 ? 90_000 : 7_200_000)
  }
  const before = Date.now()
  const outcomes = [first, second, waiting].map((want) =>
    outcome(orders.obtain(want, want.request)),
  )
  t.strictSame(await Promise.all(outcomes), ['RATE_LIMIT', 'RATE_LIMIT', 'RATE_LIMIT'])
  t.equal(pauses.length, 1, 'told once')
  t.equal(ca.calls.filter((step) => step === 'newOrder').length, 3)
  ca.hook = () => {}
  const calls = ca.calls.length
  const told = events.length
  t.equal(await outcome(orders.obtain(first, first.request)), 'RATE_LIMIT')
  t.equal(events.length, told, 'no order begins')
  t.equal(await outcome(orders.obtain(cached, cached.request)), 'cached')

  const next = openOrders(t, ca, openStore(t, path))
  next.orders.resume()
  t.same(next.events, [], 'nothing is taken up')
  t.equal(await outcome(next.orders.obtain(first, first.request)), 'RATE_LIMIT')
  t.equal(ca.calls.length, calls, 'without any request to the ca')
  const until = store.budgets.fullAt('pausedByCa', '') ?? 0
  const restMs = until - before
  t.ok(restMs >= 3_600_000 && restMs < 3_700_000, `the longer one counts, up to an hour: ${restMs}`)

  endPause(store)
  t.equal(await outcome(next.orders.obtain(first, first.request)), 'new')
  ca.hook = (step) => {
    if (step === 'newOrder') throw limited(undefined)
  }
  const unsaid = await makeWant()
  t.equal(await outcome(next.orders.obtain(unsaid, unsaid.request)), 'RATE_LIMIT')
  t.ok((next.pauses[0]?.until ?? 0) >= Date.now() + 50_000, 'a minute where the CA names no time')
})

test('NT-ISSUE-027 a 429 is told as one when the store has no room for the pause, which holds all the same', async (t) => {
  const ca = new FakeCa()
  const store = openStore(t)
  const { orders, events } = openOrders(t, ca, store)
  const want = await makeWant()
  ca.hook = (step) => {
    if (step !== 'newOrder') return
    store.budgets.save = () => {
      throw new Error('database or disk is full')
    }
    throw problem('rateLimited', 429, 'newOrder')
  }
  t.equal(await outcome(orders.obtain(want, want.request)), 'RATE_LIMIT')
  t.match(events, [/^failed .*rateLimited/])
  t.equal(await outcome(orders.obtain(want, want.request)), 'RATE_LIMIT')
  t.equal(ca.calls.filter((step) => step === 'newOrder').length, 1)
})

test('an order whose validation failed makes its name wait, and the names of others not', async (t) => {
  const path = join(temporaryFolder(t), 'issue.sqlite')
  const ca = new FakeCa()
  const want = await makeWant()
  const [, address = ''] = want.names
  const budgets = { validationBackOffMs: [60_000] }
  const { orders, exhausted } = openOrders(t, ca, openStore(t, path), { budgets })
  ca.failedNames = [address]
  ca.hook = (step, when) => {
    if (step !== 'waitForOrder' || when !== 'before') return
    for (const order of ca.orders.values()) order.status = 'invalid'
  }
  t.equal(await outcome(orders.obtain(want, want.request)), 'OTHER')
  t.equal(await outcome(orders.obtain(want, want.request)), 'RATE_LIMIT')
  t.match(exhausted, [{ budget: 'validationBackOff', key: address }])
  t.equal(ca.orders.size, 1)
  ca.hook = () => {}
  const next = openOrders(t, ca, openStore(t, path), { budgets })
  t.equal(
    await outcome(next.orders.obtain(want, want.request)),
    'RATE_LIMIT',
    'a restart helps not',
  )
  const other = await makeCaller(proofKey)
  const names = other.names(['9.9.9.9'])
  const peer = other.privateKey.publicKey.toString()
  t.equal(await outcome(next.orders.obtain({ peer, names }, undefined)), 'new')
})

test('a certificate makes its names forget that they failed', async (t) => {
  const ca = new FakeCa()
  const store = openStore(t)
  const want = await makeWant()
  const { orders } = openOrders(t, ca, store)
  ca.failedNames = want.names.slice(0, 1)
  ca.hook = (step, when) => {
    if (step !== 'waitForOrder' || when !== 'before') return
    for (const order of ca.orders.values()) order.status = 'invalid'
  }
  const failures = (): number => store.budgets.failures(want.names[0] ?? '').failures
  t.equal(await outcome(orders.obtain(want, want.request)), 'OTHER')
  t.equal(failures(), 1)
  ca.hook = () => {}
  t.equal(await outcome(orders.obtain(want, want.request)), 'new')
  t.equal(failures(), 0)
})

test('a full queue answers E_RATE_LIMIT, and those in it are served in their order', async (t) => {
  const ca = new FakeCa()
  const gates = Array.from({ length: 3 }, () => Promise.withResolvers<void>())
  const arrived = Array.from({ length: 3 }, () => Promise.withResolvers<void>())
  ca.hook = (step, when, call) => {
    if (step !== 'account' || when !== 'before') return
    arrived[call - 1]?.resolve()
    return gates[call - 1]?.promise
  }
  const { orders, events } = openOrders(t, ca, openStore(t), { runningMax: 1, waitingMax: 1 })
  const wants = await Promise.all(Array.from({ length: 5 }, () => makeWant()))
  const obtain = (index: number): Promise<string> => {
    const want = wants[index]
    if (want === undefined) throw new Error('no want')
    return outcome(orders.obtain(want, want.request))
  }
  const first = obtain(0)
  const second = obtain(1)
  t.equal(await obtain(2), 'RATE_LIMIT', 'one runs, one waits')
  await arrived[0]?.promise
  t.equal(ca.calls.length, 1)
  gates[0]?.resolve()
  await arrived[1]?.promise
  const third = obtain(2)
  t.equal(await obtain(3), 'RATE_LIMIT', 'and so again after the first has handed over its slot')
  gates[1]?.resolve()
  gates[2]?.resolve()
  t.same(await Promise.all([first, second, third]), ['new', 'new', 'new'])
  t.same(
    events.filter((event) => !event.startsWith('failed')),
    Array.from({ length: 3 }, () => ['created', 'issued']).flat(),
  )
  t.equal(await obtain(4), 'new')
})

test('NT-ISSUE-028 who waits for its turn until its time is over gets E_RATE_LIMIT, and has cost nothing', async (t) => {
  const deadlines = holdDeadlines(t)
  const ca = new FakeCa()
  const hung = Promise.withResolvers<void>()
  ca.hook = (step) => {
    if (step !== 'newOrder') return undefined
    hung.resolve()
    return new Promise(() => {})
  }
  const store = openStore(t)
  const { orders } = openOrders(t, ca, store, {
    orderTimeoutMs: deadlines.timeoutMs,
    runningMax: 1,
  })
  const [first, second] = await Promise.all([makeWant(), makeWant()])
  const running = outcome(orders.obtain(first, first.request))
  await hung.promise
  const waiting = outcome(orders.obtain(second, second.request))
  t.strictSame(await deadlines.hurry(Promise.all([running, waiting])), ['OTHER', 'RATE_LIMIT'])
  t.strictSame(
    store.unfinishedOrders().map(({ peer }) => peer),
    [first.peer],
  )
})
