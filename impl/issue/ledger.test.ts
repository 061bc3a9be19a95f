// The CA's limits as kept here: the numbers, what uses them, and that neither time nor a restart loses or doubles one.
// No clock runs: every time is passed in.
import fc from 'fast-check'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type Test } from 'tap'
import { RefusalError } from '../wire/errors.ts'
import { backOffMs, budgetLeft, budgetRules, givenBack, used, type BudgetsInit } from './budgets.ts'
import { AcmeProblemError } from './acme/index.ts'
import { CaPause, type CaPaused } from './ca-pause.ts'
import { Ledger, type BudgetExhausted } from './ledger.ts'
import type { StoredOrder } from './records.ts'
import { MIGRATIONS } from './schema.ts'
import { Store } from './store.ts'
import { temporaryFolder, ZONE } from './testing.ts'

const DIRECTORY_URL = 'https://ca/directory'
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const START = Date.UTC(2026, 0, 1)

const REQUEST = { csr: Uint8Array.of(1), cryptoType: 2, keyId: 'key' }
const NO_FAILURE = { error: 'for a test', failedNames: [] }

interface Bench {
  readonly ledger: Ledger
  readonly store: Store
  readonly told: (BudgetExhausted & { readonly peer: string })[]
  /** Orders, and finishes, the certificate of a node; the budget that refuses it, or `ok`. */
  readonly certify: (node: string, now: number) => string
}

function open(t: Test, budgets: BudgetsInit, path = ':memory:'): Bench {
  const store = new Store({ path, directoryUrl: DIRECTORY_URL })
  t.teardown(() => store.close())
  const told: Bench['told'] = []
  const rules = budgetRules(budgets, DIRECTORY_URL)
  const ledger = new Ledger({ store, rules, zone: ZONE, exhausted: (detail) => told.push(detail) })
  const certify = (node: string, now: number): string =>
    attempt(() => finish(ledger, ledger.createOrder(want(node), REQUEST, now), now))
  return { ledger, store, told, certify }
}

function want(node: string) {
  return { peer: node, names: [`p${node}.${ZONE}`, `ip4${node}.${ZONE}`], keyChoice: 'key' }
}

function finish(ledger: Ledger, order: StoredOrder, now: number): void {
  const dates = { notBefore: now, notAfter: now + 90 * DAY_MS }
  ledger.finishOrder(order, { certificate: 'leaf', ca: 'ca', serial: '01', ...dates }, now)
}

function attempt(act: () => void): string {
  try {
    act()
    return 'ok'
  } catch (error) {
    if (!(error instanceof RefusalError) || error.code !== 'RATE_LIMIT') throw error
    return /budget (\w+)/.exec(error.message)?.[1] ?? error.message
  }
}

test('a budget gives its count at once and then evenly, and never more than the CA that counts likewise', async (t) => {
  const budget = { count: 5, periodMs: 100 }
  let fullAt: number | undefined
  const take = (now: number): boolean => {
    if (budgetLeft(fullAt, budget, now).left === 0) return false
    fullAt = used(fullAt, budget, now)
    return true
  }
  t.strictSame([0, 0, 0, 0, 0, 0, 19, 20, 20, 60, 60, 60, 60].map(take), [
    true,
    true,
    true,
    true,
    true,
    false,
    false,
    true,
    false,
    true,
    true,
    false,
    false,
  ])
  t.strictSame(budgetLeft(fullAt, budget, 60), { left: 0, nextAt: 80 })
  t.strictSame(budgetLeft(fullAt, budget, 1_000).left, 5)
  t.equal(givenBack(undefined, budget, 0), undefined, 'a full budget gets no fuller')
  t.equal(givenBack(used(undefined, budget, 0), budget, 0), undefined)
  t.equal(givenBack(60, budget, 0), 40)

  fc.assert(
    fc.property(fc.array(fc.nat({ max: 60 }), { maxLength: 200 }), (waits) => {
      let now = 0
      fullAt = undefined
      // Another way to count, with tokens: what the CA does.
      let tokens = budget.count
      return waits.every((waitMs) => {
        now += waitMs
        tokens = Math.min(budget.count, tokens + (waitMs * budget.count) / budget.periodMs)
        const taken = take(now)
        if (taken) tokens -= 1
        return tokens >= -1e-9 && (taken || tokens < 1 + 1e-9)
      })
    }),
  )
})

test('a clock that jumps closes a budget for no longer than it takes to fill, and opens none', async (t) => {
  const budget = { count: 2, periodMs: HOUR_MS }
  let fullAt = used(used(undefined, budget, START + 1_000 * DAY_MS), budget, START + 1_000 * DAY_MS)
  t.strictSame(budgetLeft(fullAt, budget, START), { left: 0, nextAt: START + HOUR_MS / 2 })
  fullAt = used(fullAt, budget, START)
  t.equal(budgetLeft(fullAt, budget, START + HOUR_MS).left, 2)
  const spent = used(used(undefined, budget, START), budget, START)
  t.equal(budgetLeft(spent, budget, START - HOUR_MS).left, 0, 'set back by an hour')
})

test('the budgets are those of the CA whose directory it is, unless options say otherwise', async (t) => {
  const production = 'https://acme-v02.api.letsencrypt.org/directory'
  const staging = 'https://acme-staging-v02.api.letsencrypt.org/directory'
  t.match(budgetRules(undefined, production), {
    ordersPerAccount: { count: 300, periodMs: 3 * HOUR_MS },
    certificatesPerDomain: { count: 50, periodMs: 7 * DAY_MS },
    certificatesPerSet: { count: 5, periodMs: 7 * DAY_MS },
    failedValidationsPerName: { count: 5, periodMs: HOUR_MS },
    validationBackOffMs: [MINUTE_MS, 10 * MINUTE_MS, 100 * MINUTE_MS],
    zoneIsPublicSuffix: false,
  })
  t.match(budgetRules(undefined, staging), { ordersPerAccount: { count: 1_500 } })
  const none = { validationBackOffMs: [], zoneIsPublicSuffix: false }
  t.strictSame(budgetRules(undefined, DIRECTORY_URL), none)
  t.strictSame(budgetRules('none', production), none)
  t.strictSame(budgetRules('letsencrypt', DIRECTORY_URL), budgetRules(undefined, production))
  const override = { count: 500, periodMs: 7 * DAY_MS }
  t.strictSame(
    budgetRules(
      { certificatesPerDomain: override, certificatesPerSet: 'none', zoneIsPublicSuffix: true },
      production,
    ),
    {
      ordersPerAccount: { count: 300, periodMs: 3 * HOUR_MS },
      certificatesPerDomain: override,
      failedValidationsPerName: { count: 5, periodMs: HOUR_MS },
      validationBackOffMs: [MINUTE_MS, 10 * MINUTE_MS, 100 * MINUTE_MS],
      zoneIsPublicSuffix: true,
    },
  )
  for (const wrong of [
    { count: 0, periodMs: 1 },
    { count: 1, periodMs: 0 },
    { count: Number.NaN, periodMs: 1 },
  ]) {
    t.throws(() => budgetRules({ ordersPerAccount: wrong }, production), {
      name: 'RangeError',
      message: /budgets.ordersPerAccount/,
    })
  }
  t.strictSame(
    [0, 1, 2, 3, 4, 99].map((failures) => backOffMs(failures, [1, 10, 100])),
    [0, 1, 10, 100, 100, 100],
  )
})

test("a week of Let's Encrypt: 50 certificates for the zone, then one every 202 minutes, and renewals always", async (t) => {
  const { ledger, told, certify } = open(t, 'letsencrypt')
  for (let node = 0; node < 50; node += 1) t.equal(certify(`${node}`, START), 'ok')
  t.equal(certify('50', START), 'certificatesPerDomain')
  t.strictSame(told, [
    {
      budget: 'certificatesPerDomain',
      key: ZONE,
      retryAt: START + (7 * DAY_MS) / 50,
      peer: '50',
    },
  ])
  t.equal(certify('51', START + HOUR_MS), 'certificatesPerDomain')
  t.equal(told.length, 1, 'told once')
  const next = START + (7 * DAY_MS) / 50
  t.equal(certify('50', next - 1), 'certificatesPerDomain')
  t.equal(certify('50', next), 'ok')
  t.equal(certify('51', next), 'certificatesPerDomain')
  t.equal(told.length, 2, 'told again when it had something meanwhile')

  // Exactly the same names: exempt from the domain's budget, and not from the set's.
  t.strictSame(
    Array.from({ length: 5 }, () => certify('7', next)),
    ['ok', 'ok', 'ok', 'ok', 'certificatesPerSet'],
  )
  t.equal(certify('7', next + (7 * DAY_MS) / 5), 'ok')
  const other = { ...want('7'), names: want('7').names.slice(0, 1) }
  t.equal(
    attempt(() => ledger.check(other, next)),
    'certificatesPerDomain',
    'another set is new',
  )
  t.equal(certify('52', START + 14 * DAY_MS), 'ok')
})

test('orders of the account are counted, renewals are not, and a failed order gives back its certificate only', async (t) => {
  const { ledger, store, certify } = open(t, {
    ordersPerAccount: { count: 3, periodMs: 3 * HOUR_MS },
    certificatesPerDomain: { count: 3, periodMs: DAY_MS },
    certificatesPerSet: { count: 2, periodMs: DAY_MS },
  })
  const left = (): Record<string, number> =>
    Object.fromEntries(ledger.state(START).map(({ budget, left: count }) => [budget, count]))
  t.equal(certify('1', START), 'ok')
  t.strictSame(left(), { ordersPerAccount: 2, certificatesPerDomain: 2, certificatesPerSet: 1 })
  t.equal(certify('1', START), 'ok', 'a renewal')
  t.strictSame(left(), { ordersPerAccount: 2, certificatesPerDomain: 2, certificatesPerSet: 0 })

  const order = ledger.createOrder(want('2'), REQUEST, START)
  t.match(left(), { ordersPerAccount: 1, certificatesPerDomain: 1 })
  ledger.failOrder(order, NO_FAILURE, START)
  t.match(left(), { ordersPerAccount: 1, certificatesPerDomain: 2 })
  t.equal(store.unfinishedOrder(want('2')), undefined)

  const lost = ledger.createOrder(want('2'), REQUEST, START)
  t.match(left(), { ordersPerAccount: 0, certificatesPerDomain: 1 })
  // The order that takes its place is one more for the CA, and there is none.
  t.equal(
    attempt(() => ledger.reopenOrder(lost, NO_FAILURE, START)),
    'ordersPerAccount',
  )
  t.match(left(), { ordersPerAccount: 0, certificatesPerDomain: 2 })
  t.equal(store.unfinishedOrder(want('2')), undefined, 'it has failed')
  t.equal(certify('3', START), 'ordersPerAccount')
  t.equal(certify('3', START + HOUR_MS), 'ok')
  const states = ledger.state(START + HOUR_MS)
  t.match(states, [
    { budget: 'ordersPerAccount', key: '', count: 3, left: 0, nextAt: START + 2 * HOUR_MS },
    { budget: 'certificatesPerDomain', key: ZONE, count: 3, left: 1 },
    { budget: 'certificatesPerSet', key: want('1').names.join(' '), left: 0 },
    { budget: 'certificatesPerSet', key: want('3').names.join(' '), left: 1 },
  ])
})

test('a pause lasts as long as the longest that the CA asks for, an hour at most, and is told when it begins', (t) => {
  const { store } = open(t, 'none')
  const told: CaPaused[] = []
  const pause = new CaPause({ rows: store.budgets, paused: (detail) => told.push(detail) })
  const limit = (retryAfterMs?: number, status = 429) =>
    new AcmeProblemError({ problem: {}, status, resource: 'newOrder', retryAfterMs })
  pause.note(limit(HOUR_MS, 503), START)
  pause.note(new Error('429'), START)
  t.equal(pause.until(START), undefined, 'only a limit makes one')
  pause.note(limit(), START)
  t.equal(pause.until(START), START + MINUTE_MS, 'the CA has named no time')
  pause.note(limit(5_000), START)
  t.equal(pause.until(START), START + MINUTE_MS, 'it does not get shorter')
  pause.note(limit(DAY_MS), START)
  t.equal(pause.until(START), START + HOUR_MS)
  t.throws(() => pause.check(START + HOUR_MS - 1), { code: 'RATE_LIMIT' })
  t.equal(pause.until(START - DAY_MS), START - DAY_MS + HOUR_MS, 'a clock that was set back')
  pause.check(START + HOUR_MS)
  t.match(told, [{ until: START + MINUTE_MS, reason: /429/ }])
  pause.note(limit(), START + HOUR_MS)
  t.equal(told.length, 2)
  t.end()
})

test('a pause that the store has no room for is kept until the process ends', (t) => {
  const told: CaPaused[] = []
  const rows = {
    fullAt: () => undefined,
    save: () => {
      throw new Error('database or disk is full')
    },
  }
  const pause = new CaPause({ rows, paused: (detail) => told.push(detail) })
  pause.note(new AcmeProblemError({ problem: {}, status: 429, resource: 'newOrder' }), START)
  t.equal(pause.until(START), START + MINUTE_MS)
  t.equal(told.length, 1)
  pause.check(START + MINUTE_MS)
  t.end()
})

test('a certificate that has ended is not renewed: the next one counts as new', (t) => {
  const { certify } = open(t, { certificatesPerDomain: { count: 1, periodMs: 365 * DAY_MS } })
  t.equal(certify('1', START), 'ok')
  t.equal(certify('1', START + 89 * DAY_MS), 'ok', 'a renewal')
  t.equal(certify('1', START + 179 * DAY_MS), 'certificatesPerDomain', 'it has just ended')
  t.end()
})

test('a zone on the public suffix list has a budget for each name', async (t) => {
  const { certify } = open(t, {
    certificatesPerDomain: { count: 1, periodMs: DAY_MS },
    zoneIsPublicSuffix: true,
  })
  t.strictSame(
    ['1', '2', '3', '1'].map((node) => certify(node, START)),
    ['ok', 'ok', 'ok', 'ok'],
    'the last one is a renewal',
  )
})

test('a name whose validation failed waits 1, 10, 100 minutes, has a budget, and begins anew after a success', async (t) => {
  const { ledger, store, told, certify } = open(t, {
    failedValidationsPerName: { count: 3, periodMs: 1_000 * HOUR_MS },
    validationBackOffMs: [MINUTE_MS, 10 * MINUTE_MS, 100 * MINUTE_MS],
  })
  const [name = '', other = ''] = want('1').names
  const fail = (now: number, failedNames: readonly string[] = [name]): void =>
    ledger.failOrder(
      ledger.createOrder(want('1'), REQUEST, now),
      { error: 'for a test', failedNames },
      now,
    )
  let now = START
  fail(now, ['not.ours.example'])
  t.strictSame(store.budgets.failures('not.ours.example'), { failures: 0, failedAt: 0 })
  for (const waitMs of [MINUTE_MS, 10 * MINUTE_MS]) {
    fail(now)
    t.equal(certify('1', now + waitMs - 1), 'validationBackOff')
    t.match(told.at(-1), { budget: 'validationBackOff', key: name, retryAt: now + waitMs })
    t.equal(certify('2', now), 'ok', 'others do not wait')
    t.equal(store.budgets.failures(other).failures, 0)
    now += waitMs
  }
  fail(now)
  t.equal(certify('1', now + 100 * MINUTE_MS), 'failedValidationsPerName', 'three have failed')
  now += 334 * HOUR_MS
  t.equal(certify('1', now), 'ok')
  t.strictSame(store.budgets.failures(name), { failures: 0, failedAt: 0 })
})

test('an order of an earlier process that is found failed counts its failures once, however often it is asked for', async (t) => {
  const { ledger, store, told } = open(t, {
    failedValidationsPerName: { count: 5, periodMs: HOUR_MS },
    validationBackOffMs: [MINUTE_MS],
  })
  const failure = { error: 'invalid', failedNames: want('1').names.slice(0, 1) }
  const order = ledger.createOrder(want('1'), REQUEST, START)
  t.equal(
    attempt(() => ledger.reopenOrder(order, failure, START)),
    'validationBackOff',
  )
  t.equal(store.unfinishedOrder(want('1')), undefined, 'nobody finds it once more')
  t.match(ledger.state(START), [{ budget: 'failedValidationsPerName', left: 4 }])

  const check = (now: number): string => attempt(() => ledger.check(want('1'), now))
  t.equal(check(START + MINUTE_MS - 1), 'validationBackOff')
  t.match(told, [{ retryAt: START + MINUTE_MS }])
  t.equal(told.length, 1, 'told once')
  t.equal(check(START - MINUTE_MS), 'validationBackOff', 'a clock that was set back')
  t.equal(check(START + MINUTE_MS), 'ok')
})

test('a restart neither forgets nor doubles what was used; a refusal writes nothing', async (t) => {
  const path = join(temporaryFolder(t), 'issue.sqlite')
  const budgets: BudgetsInit = {
    ordersPerAccount: { count: 3, periodMs: HOUR_MS },
    certificatesPerDomain: { count: 2, periodMs: DAY_MS },
    validationBackOffMs: [HOUR_MS],
  }
  const first = open(t, budgets, path)
  first.ledger.createOrder(want('1'), REQUEST, START)
  t.equal(first.certify('2', START), 'ok')
  t.equal(first.certify('3', START), 'certificatesPerDomain')

  const second = open(t, budgets, path)
  const states = second.ledger.state(START)
  t.match(states, [
    { budget: 'ordersPerAccount', left: 1 },
    { budget: 'certificatesPerDomain', left: 0, nextAt: START + DAY_MS / 2 },
  ])
  const [order, ...more] = second.store.unfinishedOrders()
  if (order === undefined) throw new Error('the order is gone')
  t.same(more, [])
  finish(second.ledger, order, START)
  t.strictSame(second.ledger.state(START), states, 'an order that goes on is not counted again')
  t.equal(second.certify('3', START), 'certificatesPerDomain')

  // The CA counts a certificate when it makes it, which may be long after the order.
  const late = second.ledger.createOrder(want('4'), REQUEST, START + DAY_MS)
  finish(second.ledger, late, START + 2 * DAY_MS)
  t.match(second.ledger.state(START + 2 * DAY_MS)[1], { left: 1 })

  const elsewhere = new Store({ path, directoryUrl: 'https://staging/directory' })
  t.equal(elsewhere.budgets.fullAt('certificatesPerDomain', ZONE), undefined, 'for each CA its own')
  elsewhere.close()
  second.store.prune(START + 400 * DAY_MS)
  const raw = new DatabaseSync(path)
  t.equal(raw.prepare('SELECT count(*) AS count FROM budgets').get()?.['count'], 0)
  raw.close()
})

test('what two writes belong together is written whole or not at all', async (t) => {
  const { ledger, store } = open(t, { ordersPerAccount: { count: 3, periodMs: HOUR_MS } })
  ledger.createOrder(want('1'), REQUEST, START)
  t.throws(() => ledger.createOrder(want('1'), REQUEST, START), /UNIQUE/)
  t.match(ledger.state(START), [{ left: 2 }], 'the order that was not written is not counted')
  t.throws(() =>
    store.transaction(() => {
      store.budgets.save('x', 'y', 1)
      throw new Error('for a test')
    }),
  )
  t.equal(store.budgets.fullAt('x', 'y'), undefined)
})

test('a store of the version before is brought to this one with its orders', async (t) => {
  const path = join(temporaryFolder(t), 'issue.sqlite')
  const raw = new DatabaseSync(path)
  raw.exec(`${MIGRATIONS[0] ?? ''}; PRAGMA user_version = 1`)
  raw
    .prepare(
      `INSERT INTO orders (directory_url, peer, names, key_choice, state, csr, crypto_type, key_id, created_at, updated_at)
       VALUES (?, ?, ?, 'key', 'created', x'01', 2, 'key', 1, 1)`,
    )
    .run(DIRECTORY_URL, '1', JSON.stringify(want('1').names))
  raw.close()
  const { ledger, store } = open(t, 'letsencrypt', path)
  const order = store.unfinishedOrder(want('1'))
  t.match(order, { ...want('1'), renewal: false })
  if (order !== undefined) ledger.failOrder(order, NO_FAILURE, START)
  t.match(ledger.state(START)[1], { left: 50 })
})
