// Orders whose process was killed or stopped, and the challenges that it left.
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'tap'
import { RefusalError } from '../wire/errors.ts'
import type { OrdersInit } from './orders.ts'
import { FakeCa, type Step } from './testing-ca.ts'
import { temporaryFolder } from './testing.ts'
import { makeWant, never, openOrders, openStore, outcome } from './testing-orders.ts'

test('killed before or after any step, the next process finishes the order that there is', async (t) => {
  const steps: [Step, 'before' | 'after', string][] = [
    ['account', 'before', 'created'],
    ['newOrder', 'after', 'ordered'],
    ['answerChallenge', 'before', 'challenged'],
    ['answerChallenge', 'after', 'challenged'],
    ['waitForOrder', 'before', 'answered'],
    ['finalize', 'before', 'finalizing'],
    ['finalize', 'after', 'finalizing'],
    ['certificate', 'before', 'finalizing'],
  ]
  for (const [step, when, state] of steps) {
    for (const legacy of [false, true]) {
      const title = `${when} ${step}, ${legacy ? 'legacy' : 'csr'}`
      const path = join(temporaryFolder(t), 'issue.sqlite')
      const ca = new FakeCa()
      const want = await makeWant()
      const request = legacy ? undefined : want.request
      const reached = Promise.withResolvers<void>()
      ca.hook = (name, time, call) => {
        if (name !== step || time !== when || call !== 1) return
        reached.resolve()
        return never
      }
      // Nothing runs in this "process" any more once it hangs: that is a kill, as far as the store can tell.
      const killed = openOrders(t, ca, openStore(t, path))
      killed.orders.obtain(want, request).catch(() => {})
      await reached.promise
      ca.hook = () => {}

      const next = openOrders(t, ca, openStore(t, path))
      next.orders.resume()
      const obtained = await next.orders.obtain(want, request)
      t.equal(ca.orders.size, 1, title)
      t.equal(next.events[0], `resumed ${state}`, title)
      t.equal(next.events.at(-1), 'issued', title)
      t.equal(obtained.key === undefined, !legacy, title)
      t.equal(next.standing.size, 0, title)
      // What it has not set itself, it can only ask the servers to remove.
      const swept = next.swept.map(({ name, value }) => `${name} ${value}`)
      for (const left of killed.standing) t.ok(swept.includes(left), `${title}: ${left} is removed`)
    }
  }
})

test('orders that wait for the end of a pause are taken up when it is over', async (t) => {
  const path = join(temporaryFolder(t), 'issue.sqlite')
  const ca = new FakeCa()
  const want = await makeWant()
  const reached = Promise.withResolvers<void>()
  ca.hook = (step) => {
    if (step !== 'waitForOrder') return undefined
    reached.resolve()
    return never
  }
  const store = openStore(t, path)
  openOrders(t, ca, store)
    .orders.obtain(want, want.request)
    .catch(() => {})
  await reached.promise
  ca.hook = () => {}
  store.budgets.save('pausedByCa', '', Date.now() + 300)
  const issued = Promise.withResolvers<number>()
  const report: OrdersInit['report'] = {
    orderCreated: () => {},
    orderResumed: () => {},
    orderFailed: ({ reason }) => issued.reject(new Error(reason)),
    certificateIssued: () => issued.resolve(Date.now()),
  }
  const { orders } = openOrders(t, ca, openStore(t, path), { report })
  const until = store.budgets.fullAt('pausedByCa', '') ?? 0
  orders.resume()
  t.ok((await issued.promise) >= until)
  t.equal(ca.orders.size, 1)
})

test('NT-ISSUE-038 an order of somebody who is denied by now is not taken up, and its challenges are removed', async (t) => {
  const path = join(temporaryFolder(t), 'issue.sqlite')
  const ca = new FakeCa()
  const [denied, other] = await Promise.all([makeWant(), makeWant()])
  const killed = openOrders(t, ca, openStore(t, path))
  const reached = Promise.withResolvers<void>()
  ca.hook = (step, _when, call) => {
    if (step !== 'waitForOrder') return undefined
    if (call === 2) reached.resolve()
    return never
  }
  for (const want of [denied, other]) killed.orders.obtain(want, want.request).catch(() => {})
  await reached.promise
  ca.hook = () => {}
  const next = openOrders(t, ca, openStore(t, path), {
    denied: ({ peer, names }) => peer === denied.peer && names.length === 3,
  })
  next.orders.resume()
  t.same(next.swept.map(({ name }) => name).toSorted(), denied.names.toSorted())
  await next.orders.obtain(other, other.request)
  t.same(next.events, ['resumed answered', 'issued'])
})

test('killed before or after any step, an order is counted once', async (t) => {
  const steps: readonly [Step, 'before' | 'after'][] = [
    ['account', 'before'],
    ['newOrder', 'before'],
    ['newOrder', 'after'],
    ['answerChallenge', 'after'],
    ['finalize', 'before'],
    ['certificate', 'after'],
  ]
  const hour = { count: 10, periodMs: 3_600_000_000 }
  const budgets = {
    ordersPerAccount: hour,
    certificatesPerDomain: hour,
    certificatesPerSet: hour,
  }
  for (const [step, when] of steps) {
    const path = join(temporaryFolder(t), 'issue.sqlite')
    const ca = new FakeCa()
    const want = await makeWant()
    const reached = Promise.withResolvers<void>()
    ca.hook = (name, time, call) => {
      if (name !== step || time !== when || call !== 1) return
      reached.resolve()
      return never
    }
    const killed = openOrders(t, ca, openStore(t, path), { budgets })
    killed.orders.obtain(want, want.request).catch(() => {})
    await reached.promise
    ca.hook = () => {}
    const next = openOrders(t, ca, openStore(t, path), { budgets })
    next.orders.resume()
    t.equal(await outcome(next.orders.obtain(want, want.request)), 'new')
    t.strictSame(
      next.ledger.state(Date.now()).map(({ left }) => left),
      [9, 9, 9],
      `${when} ${step}`,
    )
  }
})

test('NT-ISSUE-038 the values are written before they are set, so that a later process can remove them', async (t) => {
  const ca = new FakeCa()
  const store = openStore(t)
  const written: unknown[] = []
  const removed: string[] = []
  const { orders } = openOrders(t, ca, store, {
    challenges: {
      publish: (values) => {
        written.push(store.unfinishedOrders()[0]?.challenges)
        written.push(values)
        throw new RefusalError('OTHER', 'no dns server works')
      },
      withdraw: (values) => {
        removed.push(...values.map(({ name }) => name))
        return Promise.resolve()
      },
      sweep: () => {},
    },
  })
  const want = await makeWant()
  t.equal(await outcome(orders.obtain(want, want.request)), 'OTHER')
  t.equal((written[0] as unknown[]).length, 3)
  t.same(written[0], written[1])
  t.same(removed.toSorted(), want.names.toSorted(), 'removed although not all can have been set')
  t.match(store.unfinishedOrders(), [{ state: 'ordered' }], 'the order can still succeed')
})

test('NT-ISSUE-038 a start removes the challenges of orders that ended shortly before, and of no others', async (t) => {
  const path = join(temporaryFolder(t), 'issue.sqlite')
  const ca = new FakeCa()
  const [long, lately, failing, hanging] = await Promise.all(
    Array.from({ length: 4 }, () => makeWant()),
  )
  if (!long || !lately || !failing || !hanging) throw new Error('no want')
  const first = openOrders(t, ca, openStore(t, path))
  t.equal(await outcome(first.orders.obtain(long, long.request)), 'new')
  const raw = new DatabaseSync(path)
  raw.prepare('UPDATE orders SET updated_at = ?').run(Date.now() - 3_700_000)
  raw.close()
  t.equal(await outcome(first.orders.obtain(lately, lately.request)), 'new')
  ca.wrongNames = ['evil.example']
  t.equal(await outcome(first.orders.obtain(failing, failing.request)), 'OTHER')
  const reached = Promise.withResolvers<void>()
  ca.hook = (step) => {
    if (step !== 'waitForOrder') return
    reached.resolve()
    return never
  }
  first.orders.obtain(hanging, hanging.request).catch(() => {})
  await reached.promise

  const next = openOrders(t, ca, openStore(t, path))
  next.orders.resume()
  t.strictSame(
    next.swept.map(({ name }) => name).toSorted(),
    [...lately.names, ...failing.names].toSorted(),
    'the CA may be looking at those of the order that is taken up',
  )
})

test('an order of an earlier process that failed meanwhile is made anew at once', async (t) => {
  const path = join(temporaryFolder(t), 'issue.sqlite')
  const ca = new FakeCa()
  const want = await makeWant()
  const reached = Promise.withResolvers<void>()
  ca.hook = (step) => {
    if (step !== 'answerChallenge') return
    reached.resolve()
    return never
  }
  openOrders(t, ca, openStore(t, path))
    .orders.obtain(want, want.request)
    .catch(() => {})
  await reached.promise
  ca.hook = () => {}
  for (const order of ca.orders.values()) order.status = 'invalid'
  const { orders } = openOrders(t, ca, openStore(t, path))
  t.equal(await outcome(orders.obtain(want, want.request)), 'new')
  t.equal(ca.orders.size, 2)
})

test('NT-ISSUE-038 killed in the order that it made for a lost one, a server leaves the challenges of both to be removed', async (t) => {
  const path = join(temporaryFolder(t), 'issue.sqlite')
  const ca = new FakeCa()
  const want = await makeWant()
  const reached = Promise.withResolvers<void>()
  ca.hook = (step, when, call) => {
    const [url = ''] = ca.orders.keys()
    const order = ca.orders.get(url)
    if (step === 'answerChallenge' && order !== undefined && ca.orders.delete(url)) {
      ca.orders.set('another CA', order)
    }
    if (step !== 'newOrder' || when !== 'after' || call !== 2) return
    reached.resolve()
    return never
  }
  const { orders, standing } = openOrders(t, ca, openStore(t, path))
  orders.obtain(want, want.request).catch(() => {})
  await reached.promise
  ca.hook = () => {}
  const next = openOrders(t, ca, openStore(t, path))
  t.equal(await outcome(next.orders.obtain(want, want.request)), 'new')
  t.equal(standing.size, want.names.length)
  t.same(
    next.swept.map(({ name, value }) => `${name} ${value}`).toSorted(),
    [...standing].toSorted(),
    'what stands there for the lost order is removed',
  )
})

test('a stopping server leaves the challenges that the CA may be looking for, and whoever takes the order up removes them', async (t) => {
  for (const [step, left] of [
    ['authorizations', 0],
    ['answerChallenge', 3],
    ['waitForOrder', 3],
    ['finalize', 0],
  ] as const) {
    const ca = new FakeCa()
    const store = openStore(t)
    const want = await makeWant()
    const { orders, standing } = openOrders(t, ca, store)
    const reached = Promise.withResolvers<void>()
    const given = Promise.withResolvers<void>()
    ca.hook = (name) => {
      // Authorizations of a new order come with it.
      if (name !== (step === 'authorizations' ? 'newOrder' : step)) return undefined
      reached.resolve()
      return given.promise
    }
    const asking = outcome(orders.obtain(want, want.request))
    await reached.promise
    const stopping = orders.stop()
    // A step that listens ends with the signal.
    given.reject(new Error('the issue server is stopping'))
    await stopping
    t.equal(await asking, 'OTHER')
    t.equal(standing.size, left, step)
    ca.hook = () => {}
    const next = openOrders(t, ca, store)
    for (const value of standing) next.standing.add(value)
    t.equal(await outcome(next.orders.obtain(want, want.request)), 'new')
    t.equal(next.standing.size, 0, 'NT-ISSUE-038')
  }
})

test('a stopping server lets go of its orders in time, even of steps that do not listen', async (t) => {
  const ca = new FakeCa()
  const reached = Promise.withResolvers<void>()
  ca.hook = (step) => {
    if (step !== 'waitForOrder') return
    reached.resolve()
    return never
  }
  const store = openStore(t)
  const { orders } = openOrders(t, ca, store)
  const want = await makeWant()
  const asking = outcome(orders.obtain(want, want.request))
  await reached.promise
  const startedAt = performance.now()
  await orders.stop()
  t.ok(performance.now() - startedAt < 2_500)
  t.equal(await asking, 'OTHER')
  t.match(store.unfinishedOrders(), [{ state: 'answered', peer: want.peer }], 'the order is kept')
  t.equal(
    await outcome(orders.obtain(await makeWant(), undefined)),
    'OTHER',
    'and nothing new begins',
  )
})
