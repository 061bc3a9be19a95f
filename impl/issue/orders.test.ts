// Orders from their start to their end, whatever the CA does and wherever the process is killed. The CA is one in
// memory: what Pebble does is tested in issue.real.test.ts.
import { generateKeyPair } from '@libp2p/crypto/keys'
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type Test } from 'tap'
import { RefusalError } from '../wire/errors.ts'
import { holdDeadlines } from '../wire/testing.ts'
import { AcmeProblemError, AcmeTimeoutError } from './acme/index.ts'
import { budgetRules, type BudgetsInit } from './budgets.ts'
import { CaPause, type CaPaused } from './ca-pause.ts'
import { checkCsr, type CertificateRequest } from './csr.ts'
import { Ledger, type BudgetExhausted } from './ledger.ts'
import { Orders, type OrdersInit } from './orders.ts'
import type { ChallengeValue } from './records.ts'
import { Store } from './store.ts'
import { FakeCa, type Step } from './testing-ca.ts'
import { makeCaller, makeClientCsr, temporaryFolder, ZONE } from './testing.ts'

const DIRECTORY_URL = 'https://ca/directory'
const proofKey = await generateKeyPair('Ed25519')
const never = new Promise<void>(() => {})

interface Bench {
  readonly orders: Orders
  readonly events: string[]
  /** Values that stand on the DNS servers. */
  readonly standing: Set<string>
  /** Values that a start removed once more. */
  readonly swept: ChallengeValue[]
  readonly ledger: Ledger
  readonly exhausted: BudgetExhausted[]
  readonly pauses: CaPaused[]
}

function openOrders(
  t: Test,
  ca: FakeCa,
  store: Store,
  { budgets, ...options }: Partial<OrdersInit> & { readonly budgets?: BudgetsInit } = {},
): Bench {
  const exhausted: BudgetExhausted[] = []
  const ledger = new Ledger({
    store,
    rules: budgetRules(budgets, DIRECTORY_URL),
    zone: ZONE,
    exhausted: (detail) => exhausted.push(detail),
  })
  const pauses: CaPaused[] = []
  const events: string[] = []
  const standing = new Set<string>()
  const swept: ChallengeValue[] = []
  const key = ({ name, value }: ChallengeValue): string => `${name} ${value}`
  const orders = new Orders({
    acme: ca,
    store,
    ledger,
    pause: new CaPause({ rows: store.budgets, paused: (detail) => pauses.push(detail) }),
    denied: () => false,
    challenges: {
      publish: (values) => {
        for (const value of values) standing.add(key(value))
        return Promise.resolve()
      },
      withdraw: (values) => {
        for (const value of values) standing.delete(key(value))
        return Promise.resolve()
      },
      sweep: (values) => void swept.push(...values),
    },
    report: {
      orderCreated: () => events.push('created'),
      orderResumed: ({ state }) => events.push(`resumed ${state}`),
      orderFailed: ({ reason }) => events.push(`failed ${reason}`),
      certificateIssued: () => events.push('issued'),
    },
    orderTimeoutMs: 20_000,
    runningMax: 32,
    waitingMax: 32,
    ...options,
  })
  // Not waited for: some tests leave steps that never end.
  t.teardown(() => {
    orders.stop().catch(() => {})
  })
  return { orders, events, standing, swept, ledger, exhausted, pauses }
}

function openStore(t: Test, path = ':memory:'): Store {
  const store = new Store({ path, directoryUrl: DIRECTORY_URL })
  store.saveAccountUrl('none')
  t.teardown(() => store.close())
  return store
}

/** A want of its own and the request for it. */
async function makeWant(): Promise<{
  readonly peer: string
  readonly names: readonly string[]
  readonly request: CertificateRequest
}> {
  const { privateKey, names } = await makeCaller(proofKey)
  const own = names(['8.8.8.8', '2600::1'])
  const request = checkCsr(await makeClientCsr(own), { names: own })
  return { peer: privateKey.publicKey.toString(), names: own, request }
}

async function outcome(obtaining: Promise<{ readonly fromCache: boolean }>): Promise<string> {
  try {
    return (await obtaining).fromCache ? 'cached' : 'new'
  } catch (error) {
    if (error instanceof RefusalError) return error.code
    throw error
  }
}

/** As time would. */
function endPause(store: Store): void {
  store.budgets.save('pausedByCa', '', undefined)
}

const problem = (type: string, status: number, resource: 'newOrder' | 'order' = 'order') =>
  new AcmeProblemError({
    problem: { type: `urn:ietf:params:acme:error:${type}` },
    status,
    resource,
  })

test('NT-ISSUE-030 NT-ISSUE-031 equal wants share an order and then a certificate, unequal ones never', async (t) => {
  const ca = new FakeCa()
  const store = openStore(t)
  const { orders, events, standing } = openOrders(t, ca, store)
  const want = await makeWant()
  const swapped = { ...want, names: [want.names[0] ?? '', ...want.names.slice(1).toReversed()] }
  const all = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      orders.obtain(index % 2 === 0 ? want : swapped, want.request),
    ),
  )
  t.equal(new Set(all.map(({ certificate }) => certificate)).size, 1)
  t.equal(ca.orders.size, 1)
  t.same(events, ['created', 'issued'])
  t.equal(standing.size, 0, 'NT-ISSUE-038 no challenge is left')
  t.equal(await outcome(orders.obtain(swapped, want.request)), 'cached')

  const legacy = await orders.obtain(want, undefined)
  t.match(legacy, { fromCache: false, cryptoType: 1, key: /PRIVATE KEY/ })
  t.same(await orders.obtain(want, undefined), { ...legacy, fromCache: true }, 'with the same key')
  t.equal(await outcome(orders.obtain({ ...want, peer: 'another' }, want.request)), 'new')
  t.equal(
    await outcome(orders.obtain({ ...want, names: want.names.slice(0, 2) }, undefined)),
    'new',
  )
  t.equal(ca.orders.size, 4)

  ca.lifetimeMs = 0
  const short = await makeWant()
  t.equal(await outcome(orders.obtain(short, short.request)), 'new')
  t.equal(await outcome(orders.obtain(short, short.request)), 'new', 'nothing left of its lifetime')
})

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

test('NT-ISSUE-027 NT-ISSUE-028 what the CA does wrong becomes the code for the caller, and decides whether the order lives on', async (t) => {
  // The timers of abort signals alone do not keep a process alive; in a server its sockets do.
  const alive = setInterval(() => {}, 1_000)
  t.teardown(() => clearInterval(alive))
  const deadlines = holdDeadlines(t)
  const hung = Promise.withResolvers<void>()
  const cases: {
    readonly title: string
    readonly arrange: (ca: FakeCa) => void
    readonly first: string
    /** CA orders after the first request, and after a second one without the fault. */
    readonly orders: readonly [number, number]
  }[] = [
    {
      title: 'rate limited',
      arrange: (ca) => {
        ca.hook = (step) => {
          if (step === 'newOrder') throw problem('rateLimited', 429, 'newOrder')
        }
      },
      first: 'RATE_LIMIT',
      orders: [0, 1],
    },
    {
      title: 'refused for good',
      arrange: (ca) => {
        ca.hook = (step) => {
          if (step === 'finalize') throw problem('badCSR', 400)
        }
      },
      first: 'OTHER',
      orders: [1, 2],
    },
    {
      title: 'CA down after the order was made',
      arrange: (ca) => {
        ca.hook = (step) => {
          if (step === 'answerChallenge') throw new AcmeTimeoutError('no answer')
        }
      },
      first: 'OTHER',
      orders: [1, 1],
    },
    {
      title: 'order lost once',
      arrange: (ca) => {
        ca.hook = (step, when, call) => {
          if (step === 'answerChallenge' && when === 'before' && call === 1) ca.orders.clear()
        }
      },
      first: 'new',
      orders: [1, 1],
    },
    {
      title: 'order lost again and again',
      arrange: (ca) => {
        ca.hook = (step) => {
          if (step === 'finalize') throw problem('accountDoesNotExist', 400)
        }
      },
      first: 'OTHER',
      orders: [2, 2],
    },
    {
      title: 'order became invalid',
      arrange: (ca) => {
        ca.hook = (step, when) => {
          if (step !== 'waitForOrder' || when !== 'before') return
          for (const order of ca.orders.values()) order.status = 'invalid'
        }
      },
      first: 'OTHER',
      orders: [1, 2],
    },
    {
      title: 'other names certified',
      arrange: (ca) => {
        ca.wrongNames = ['evil.example']
      },
      first: 'OTHER',
      orders: [1, 2],
    },
    {
      title: 'no dns-01 offered',
      arrange: (ca) => {
        ca.challengeType = 'http-01'
      },
      first: 'OTHER',
      orders: [1, 1],
    },
    {
      title: 'CA that never answers',
      arrange: (ca) => {
        ca.hook = (step) => {
          if (step !== 'waitForOrder') return undefined
          hung.resolve()
          return never
        }
      },
      first: 'OTHER',
      orders: [1, 1],
    },
  ]
  for (const { title, arrange, first, orders: counts } of cases) {
    const ca = new FakeCa()
    const store = openStore(t)
    const { orders, events } = openOrders(t, ca, store, { orderTimeoutMs: deadlines.timeoutMs })
    arrange(ca)
    const want = await makeWant()
    const obtained = outcome(orders.obtain(want, want.request))
    await Promise.race([obtained, hung.promise])
    t.equal(await deadlines.hurry(obtained), first, title)
    t.equal(ca.orders.size, counts[0], `${title}: orders at the ca`)
    t.equal(events.at(-1)?.startsWith('failed'), first !== 'new', title)
    ca.hook = () => {}
    ca.wrongNames = undefined
    ca.challengeType = 'dns-01'
    endPause(store)
    t.equal(
      await outcome(orders.obtain(want, want.request)),
      first === 'new' ? 'cached' : 'new',
      title,
    )
    t.equal(ca.orders.size, counts[1], `${title}: orders at the ca in the end`)
  }
})

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

test('NT-ISSUE-030 a certificate that the CA wants renewed is not given again', async (t) => {
  const ca = new FakeCa()
  ca.ageMs = 2 * 3_600_000
  const store = openStore(t)
  const { orders } = openOrders(t, ca, store)
  const want = await makeWant()
  const { serial } = await orders.obtain(want, want.request)
  const suggest = (renewFrom: number): void => {
    const row = store.renewals.find({ peer: want.peer, serial })
    if (row === undefined) throw new Error('the certificate is gone')
    store.renewals.save(row, 0, { renewFrom, renewUntil: renewFrom + 1, renewAt: renewFrom })
  }
  suggest(Date.now() + 60_000)
  t.equal(await outcome(orders.obtain(want, want.request)), 'cached')
  suggest(Date.now())
  const next = await orders.obtain(want, want.request)
  t.equal(next.fromCache, false)
  t.not(next.serial, serial)
  t.equal(await outcome(orders.obtain(want, want.request)), 'cached', 'nothing is said of this one')
})

test('an order names the newest certificate that it replaces, and never one that has ended', async (t) => {
  const ca = new FakeCa()
  const { orders } = openOrders(t, ca, openStore(t))
  const want = await makeWant()
  const obtain = async (names = want.names): Promise<string | undefined> => {
    const request = checkCsr(await makeClientCsr(names), { names })
    const { certificate } = await orders.obtain({ ...want, names }, request)
    return certificate
  }
  const first = await obtain()
  ca.ageMs = -1_000
  const second = await obtain()
  await obtain()
  t.type(first, 'string')
  t.strictSame(
    ca.wanted.map(({ replaces }) => replaces),
    [undefined, first, second],
  )
  await obtain(want.names.slice(0, 2))
  t.equal(ca.wanted.at(-1)?.replaces, undefined, 'other names')

  ca.ageMs = 10_000
  ca.lifetimeMs = 9_000
  const ended = await makeWant()
  await orders.obtain(ended, ended.request)
  await orders.obtain(ended, ended.request)
  t.equal(ca.wanted.length, 6)
  t.equal(ca.wanted.at(-1)?.replaces, undefined, 'it has ended')
})

test('an order that is refused for what it replaces is made without that, once; others are not', async (t) => {
  for (const [type, status, first, wanted] of [
    ['alreadyReplaced', 409, 'new', 2],
    ['malformed', 404, 'new', 2],
    ['unauthorized', 403, 'new', 2],
    ['about:blank', 404, 'new', 2],
    ['rateLimited', 429, 'RATE_LIMIT', 1],
    ['serverInternal', 500, 'OTHER', 1],
  ] as const) {
    const ca = new FakeCa()
    const { orders } = openOrders(t, ca, openStore(t))
    const want = await makeWant()
    await orders.obtain(want, want.request)
    ca.wanted.length = 0
    ca.hook = (step, when) => {
      if (step !== 'newOrder' || when !== 'before') return
      if (ca.wanted.at(-1)?.replaces !== undefined) throw problem(type, status, 'newOrder')
    }
    t.equal(await outcome(orders.obtain(want, undefined)), first, type)
    t.equal(ca.wanted.length, wanted, type)
    t.equal(ca.orders.size, wanted, type)

    ca.hook = (step) => {
      if (step === 'newOrder') throw problem('rejectedIdentifier', 400, 'newOrder')
    }
    if (first !== 'new') continue
    const other = { ...want, names: want.names.slice(0, 2) }
    ca.wanted.length = 0
    t.equal(await outcome(orders.obtain(other, undefined)), 'OTHER')
    t.equal(ca.wanted.length, 1, 'an order that replaces nothing is not repeated')
  }
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

test('NT-ISSUE-032 the store is private, keeps keys no longer than it must, and says what is wrong with it', async (t) => {
  const folder = temporaryFolder(t)
  const path = join(folder, 'new', 'issue.sqlite')
  const store = openStore(t, path)
  const mode = (file: string): string => (statSync(file).mode & 0o777).toString(8)
  t.equal(mode(join(folder, 'new')), '700')
  for (const file of [path, `${path}-wal`, `${path}-shm`]) t.equal(mode(file), '600', file)
  store.saveAccountKey('-----BEGIN PRIVATE KEY-----', 1)
  store.saveAccountUrl('https://ca/account/1')
  t.same(openStore(t, path).account()?.key, '-----BEGIN PRIVATE KEY-----')
  const elsewhere = new Store({ path, directoryUrl: 'https://staging/directory' })
  t.equal(elsewhere.account(), undefined, 'another ca, another account')
  elsewhere.close()

  const want = { ...(await makeWant()), keyChoice: 'server' }
  const request = { ...want.request, key: 'server made' }
  const order = store.createOrder(want, request, 1)
  t.same(store.unfinishedOrder(want), { ...order, names: want.names })
  t.throws(() => store.createOrder(want, request, 1), /UNIQUE/, 'one order for one want')
  store.updateOrder(order, { state: 'failed', error: 'for a test' }, 2)
  t.equal(store.unfinishedOrder(want), undefined)
  const raw = new DatabaseSync(path)
  t.match(raw.prepare('SELECT key, error FROM orders').get(), { key: null, error: 'for a test' })
  const dates = { notBefore: 3, notAfter: 10 }
  const certificate = { certificate: 'leaf', ca: 'ca', serial: '01', ...dates }
  store.finishOrder(store.createOrder(want, request, 3), certificate, 3)
  const kept = { ...certificate, cryptoType: 2, key: 'server made', renewFrom: undefined }
  t.same(store.certificate(want), kept)
  t.match(raw.prepare(`SELECT key FROM orders WHERE state = 'valid'`).get(), { key: null })
  store.prune(11)
  t.equal(store.certificate(want), undefined, 'expired certificates go')
  store.prune(Date.now())
  t.equal(raw.prepare('SELECT count(*) AS count FROM orders').get()?.['count'], 0, 'old orders go')
  raw.exec('PRAGMA user_version = 99')
  raw.close()

  const garbage = join(folder, 'garbage.sqlite')
  writeFileSync(garbage, 'x'.repeat(5000))
  chmodSync(garbage, 0o644)
  t.throws(
    () => openStore(t, garbage),
    /cannot open the store .*garbage.sqlite": file is not a database/,
  )
  t.equal(mode(garbage), '600', 'what was open to others is so no more')
  t.equal(readFileSync(garbage, 'utf8').length, 5000, 'and nothing was written over it')
  t.throws(() => openStore(t, path), /version 99, this program knows 3/)
  mkdirSync(join(folder, 'folder.sqlite'))
  t.throws(() => openStore(t, join(folder, 'folder.sqlite')), /EISDIR/)
})
