// Reading a store beside the server that writes it.
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'tap'
import { budgetRules } from './budgets.ts'
import { Ledger } from './ledger.ts'
import { StoreReader } from './overview.ts'
import { MIGRATIONS } from './schema.ts'
import { Store } from './store.ts'
import { temporaryFolder } from './testing.ts'

const DIRECTORY_URL = 'https://ca/directory'
const REQUEST = { csr: Uint8Array.of(1), cryptoType: 2, keyId: 'k' }
const NOW = 1_800_000_000_000
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

interface Written {
  readonly peer: string
  readonly startsDaysAgo: number
  readonly lifetimeDays: number
  readonly keyChoice?: string
}

function finish(store: Store, written: Written): void {
  const { peer, startsDaysAgo, lifetimeDays, keyChoice = 'k' } = written
  const want = { peer, names: [`${peer}.nt.example`], keyChoice }
  const order = store.createOrder(want, REQUEST, NOW)
  const notBefore = NOW - startsDaysAgo * DAY_MS
  const dates = { notBefore, notAfter: notBefore + lifetimeDays * DAY_MS }
  const pem = { certificate: 'PEM', ca: 'PEM' }
  store.finishOrder(order, { ...pem, serial: `serial of ${peer}`, ...dates }, NOW)
}

test('the overview counts what one CA has certified and what is under way, and lists it in the order of need', (t) => {
  const path = join(temporaryFolder(t), 'issue.sqlite')
  const store = new Store({ path, directoryUrl: DIRECTORY_URL })
  t.teardown(() => store.close())
  finish(store, { peer: 'late', startsDaysAgo: 0, lifetimeDays: 90 })
  finish(store, { peer: 'due', startsDaysAgo: 60, lifetimeDays: 90 })
  finish(store, { peer: 'almost', startsDaysAgo: 59.9, lifetimeDays: 90 })
  finish(store, { peer: 'ended', startsDaysAgo: 90, lifetimeDays: 90 })
  const waiting = { peer: 'waiting', names: ['waiting.nt.example'], keyChoice: 'k' }
  const order = store.createOrder(waiting, REQUEST, NOW)
  store.updateOrder(order, { state: 'ordered', error: 'the ca is slow' }, NOW)
  const failed = store.createOrder({ ...waiting, peer: 'failed' }, REQUEST, NOW)
  store.updateOrder(failed, { state: 'failed' }, NOW)
  const other = new Store({ path, directoryUrl: 'https://staging/directory' })
  finish(other, { peer: 'staging', startsDaysAgo: 0, lifetimeDays: 90 })
  other.close()

  using reader = new StoreReader({ path, directoryUrl: DIRECTORY_URL })
  t.strictSame(reader.overview(NOW), {
    certificates: { valid: 3, replaced: 0, renewalDue: 1, firstEnd: NOW + 30 * DAY_MS },
    orders: { unfinished: 1 },
    pausedUntil: undefined,
  })
  store.budgets.save('pausedByCa', '', NOW + HOUR_MS)
  t.equal(reader.overview(NOW).pausedUntil, NOW + HOUR_MS)
  t.equal(reader.overview(NOW + HOUR_MS).pausedUntil, undefined)
  const certificates = reader.certificates(NOW, { max: 10 })
  t.strictSame(
    certificates.map(({ peer }) => peer),
    ['due', 'almost', 'late'],
  )
  t.strictSame(certificates[0], {
    peer: 'due',
    names: ['due.nt.example'],
    serial: 'serial of due',
    notBefore: NOW - 60 * DAY_MS,
    notAfter: NOW + 30 * DAY_MS,
    renewAt: NOW,
    replaced: false,
  })
  t.equal(reader.certificates(NOW, { max: 2 }).length, 2)
  t.strictSame(reader.unfinishedOrders({ max: 10 }), [
    {
      peer: 'waiting',
      names: ['waiting.nt.example'],
      state: 'ordered',
      createdAt: NOW,
      error: 'the ca is slow',
    },
  ])
  t.end()
})

test('a certificate whose peer has a newer one is marked as replaced, and nobody has to renew it', (t) => {
  const path = join(temporaryFolder(t), 'issue.sqlite')
  const store = new Store({ path, directoryUrl: DIRECTORY_URL })
  t.teardown(() => store.close())
  // A client makes a new key for each certificate.
  finish(store, { peer: 'p', startsDaysAgo: 65, lifetimeDays: 90, keyChoice: 'key1' })
  using reader = new StoreReader({ path, directoryUrl: DIRECTORY_URL })
  t.match(reader.overview(NOW).certificates, { valid: 1, replaced: 0, renewalDue: 1 })
  finish(store, { peer: 'p', startsDaysAgo: 5, lifetimeDays: 90, keyChoice: 'key2' })
  finish(store, { peer: 'alone', startsDaysAgo: 61, lifetimeDays: 90 })
  t.strictSame(reader.overview(NOW).certificates, {
    valid: 3,
    replaced: 1,
    renewalDue: 1,
    firstEnd: NOW + 29 * DAY_MS,
  })
  t.match(reader.certificates(NOW, { max: 10 }), [
    { peer: 'alone', replaced: false },
    { peer: 'p', notBefore: NOW - 5 * DAY_MS, replaced: false },
    { peer: 'p', notBefore: NOW - 65 * DAY_MS, replaced: true },
  ])
  t.end()
})

test('a certificate is due when its peer is told to renew it, within the bounds of server and client', (t) => {
  const path = join(temporaryFolder(t), 'issue.sqlite')
  const store = new Store({ path, directoryUrl: DIRECTORY_URL })
  t.teardown(() => store.close())
  finish(store, { peer: 'p', startsDaysAgo: 0, lifetimeDays: 90 })
  const row = store.renewals.find({ peer: 'p', serial: 'serial of p' })
  if (row === undefined) throw new Error('the certificate is gone')
  using reader = new StoreReader({ path, directoryUrl: DIRECTORY_URL })
  for (const [wanted, expected] of [
    [NOW - 5, NOW + HOUR_MS],
    [NOW + DAY_MS, NOW + DAY_MS],
    [NOW + 89 * DAY_MS, NOW + 81 * DAY_MS],
  ] as const) {
    store.renewals.save(row, NOW, { renewFrom: wanted, renewUntil: wanted, renewAt: wanted })
    t.equal(reader.certificates(NOW, { max: 1 })[0]?.renewAt, expected)
    t.equal(reader.overview(expected - 1).certificates.renewalDue, 0)
    t.equal(reader.overview(expected).certificates.renewalDue, 1)
  }
  t.end()
})

test('budgets and the names that wait are read as the server counts them, with the peer that asked', (t) => {
  const path = join(temporaryFolder(t), 'issue.sqlite')
  const store = new Store({ path, directoryUrl: DIRECTORY_URL })
  t.teardown(() => store.close())
  const zone = 'nt.example'
  const rules = budgetRules(
    {
      ordersPerAccount: { count: 8, periodMs: 8 * HOUR_MS },
      certificatesPerDomain: { count: 4, periodMs: 4 * DAY_MS },
      certificatesPerSet: { count: 1, periodMs: 7 * DAY_MS },
      failedValidationsPerName: { count: 2, periodMs: 40 * HOUR_MS },
      validationBackOffMs: [HOUR_MS, 10 * HOUR_MS],
    },
    DIRECTORY_URL,
  )
  const ledger = new Ledger({ store, rules, zone, exhausted: () => {} })
  const attempt = (
    { peer, shared }: { readonly peer: string; readonly shared: string },
    time: number,
  ) => {
    const names = [`${peer}.${zone}`, `${shared}.${zone}`]
    return { names, order: ledger.createOrder({ peer, names, keyChoice: 'k' }, REQUEST, time) }
  }
  using reader = new StoreReader({ path, directoryUrl: DIRECTORY_URL })
  t.strictSame(reader.budgets({ rules, zone }, NOW), [
    { budget: 'ordersPerAccount', key: '', ...rules.ordersPerAccount, left: 8 },
    { budget: 'certificatesPerDomain', key: zone, ...rules.certificatesPerDomain, left: 4 },
  ])
  t.strictSame(reader.blockedNames(rules, NOW), [])

  const { order } = attempt({ peer: 'served', shared: 'one' }, NOW)
  const dates = { notBefore: NOW, notAfter: NOW + 90 * DAY_MS }
  ledger.finishOrder(order, { certificate: 'PEM', ca: 'PEM', serial: '01', ...dates }, NOW)
  // Two peers share an address: its name fails twice, their own names once.
  for (const [peer, time] of [
    ['first', NOW],
    ['second', NOW + HOUR_MS],
  ] as const) {
    const failing = attempt({ peer, shared: 'two' }, time)
    ledger.failOrder(failing.order, { error: 'invalid', failedNames: failing.names }, time)
  }

  const later = NOW + HOUR_MS
  t.match(reader.budgets({ rules, zone }, later), [
    { budget: 'ordersPerAccount', left: 6, nextAt: NOW + 2 * HOUR_MS },
    { budget: 'certificatesPerDomain', left: 3, nextAt: NOW + DAY_MS },
    { budget: 'certificatesPerSet', left: 0, nextAt: NOW + 7 * DAY_MS },
    { budget: 'failedValidationsPerName', key: `two.${zone}`, left: 0, nextAt: NOW + 20 * HOUR_MS },
    { budget: 'failedValidationsPerName', left: 1 },
    { budget: 'failedValidationsPerName', left: 1 },
  ])
  t.strictSame(ledger.state(later), reader.budgets({ rules, zone }, later))
  t.strictSame(reader.blockedNames(rules, later), [
    { name: `two.${zone}`, failures: 2, until: NOW + 20 * HOUR_MS, peer: 'second' },
    { name: `second.${zone}`, failures: 1, until: NOW + 2 * HOUR_MS, peer: 'second' },
  ])
  t.match(reader.budgetTotals(rules, later), [
    { budget: 'ordersPerAccount', count: 8, leastLeft: 6, usedUp: 0 },
    { budget: 'certificatesPerDomain', count: 4, leastLeft: 3, usedUp: 0 },
    { budget: 'certificatesPerSet', count: 1, leastLeft: 0, usedUp: 1 },
    { budget: 'failedValidationsPerName', count: 2, leastLeft: 0, usedUp: 1 },
  ])
  // To the millisecond, a name is blocked exactly as long as no order is made for it.
  const want = { peer: 'second', names: [`two.${zone}`], keyChoice: 'k' }
  t.throws(() => ledger.check(want, NOW + 20 * HOUR_MS - 1))
  t.equal(reader.blockedNames(rules, NOW + 20 * HOUR_MS - 1).length, 1)
  ledger.check(want, NOW + 20 * HOUR_MS)
  t.strictSame(reader.blockedNames(rules, NOW + 20 * HOUR_MS), [])
  t.strictSame(reader.budgetTotals(rules, NOW + 20 * HOUR_MS)[3], {
    budget: 'failedValidationsPerName',
    count: 2,
    leastLeft: 1,
    usedUp: 0,
  })
  t.end()
})

test('a reader neither waits for a writer nor keeps it waiting, and changes nothing', (t) => {
  const path = join(temporaryFolder(t), 'issue.sqlite')
  const store = new Store({ path, directoryUrl: DIRECTORY_URL })
  t.teardown(() => store.close())
  finish(store, { peer: 'first', startsDaysAgo: 0, lifetimeDays: 90 })
  const writer = new DatabaseSync(path)
  t.teardown(() => writer.close())

  writer.exec('BEGIN IMMEDIATE; DELETE FROM certificates')
  using during = new StoreReader({ path, directoryUrl: DIRECTORY_URL })
  t.equal(during.overview(NOW).certificates.valid, 1, 'what is not committed is not there')
  writer.exec('COMMIT')
  t.equal(during.overview(NOW).certificates.valid, 0)
  finish(store, { peer: 'second', startsDaysAgo: 0, lifetimeDays: 90 })
  store.probe()
  t.equal(during.overview(NOW).certificates.valid, 1, 'the server wrote while it was being read')
  t.end()
})

test('the store that a killed server has left is read as it was', (t) => {
  const folder = temporaryFolder(t)
  const path = join(folder, 'issue.sqlite')
  const store = new Store({ path, directoryUrl: DIRECTORY_URL })
  finish(store, { peer: 'first', startsDaysAgo: 0, lifetimeDays: 90 })
  // As a kill leaves it: the certificate stands in the write-ahead log only.
  const killed = join(folder, 'killed.sqlite')
  for (const end of ['', '-wal']) copyFileSync(path + end, killed + end)
  const log = readFileSync(`${killed}-wal`)
  const reader = new StoreReader({ path: killed, directoryUrl: DIRECTORY_URL })
  t.equal(reader.overview(NOW).certificates.valid, 1)
  reader.close()
  t.ok(readFileSync(`${killed}-wal`).equals(log), 'the log is for the next server to put in order')
  store.close()
  using closed = new StoreReader({ path, directoryUrl: DIRECTORY_URL })
  t.equal(closed.overview(NOW).certificates.valid, 1, 'and that of one that was stopped')
  t.end()
})

test('a store that no server has brought to this version yet is read too', (t) => {
  const path = join(temporaryFolder(t), 'issue.sqlite')
  const older = new DatabaseSync(path)
  older.exec(`${MIGRATIONS[0] ?? ''}; PRAGMA user_version = 1`)
  older
    .prepare(`INSERT INTO certificates VALUES (?, 'p', '[]', 'k', 2, '', '', NULL, '01', ?, ?)`)
    .run(DIRECTORY_URL, NOW, NOW + 3)
  older.close()
  using reader = new StoreReader({ path, directoryUrl: DIRECTORY_URL })
  t.match(reader.certificates(NOW, { max: 1 }), [{ renewAt: NOW + 2, replaced: false }])
  t.equal(reader.overview(NOW + 2).certificates.renewalDue, 1)
  t.end()
})

test('a store that is missing, newer or none says so, and is not made', (t) => {
  const folder = temporaryFolder(t)
  const open = (name: string): StoreReader =>
    new StoreReader({ path: join(folder, name), directoryUrl: DIRECTORY_URL })
  t.throws(() => open('none.sqlite'), /^no store ".*none\.sqlite" yet$/)
  t.throws(() => open('none.sqlite'), /no store/, 'reading made none')
  writeFileSync(join(folder, 'text.sqlite'), 'not a database, but long enough to be looked at')
  t.throws(() => open('text.sqlite'), /cannot read the store ".*": file is not a database/)
  const newer = new DatabaseSync(join(folder, 'newer.sqlite'))
  newer.exec(`PRAGMA user_version = ${MIGRATIONS.length + 1}`)
  newer.close()
  t.throws(() => open('newer.sqlite'), new RegExp(`is of version ${MIGRATIONS.length + 1}`))
  t.end()
})

test('the store of a program without budgets is read, and nothing of them is used', (t) => {
  const path = join(temporaryFolder(t), 'issue.sqlite')
  const before = new DatabaseSync(path)
  before.exec(`${MIGRATIONS[0] ?? ''}; PRAGMA user_version = 1`)
  before.close()
  using reader = new StoreReader({ path, directoryUrl: DIRECTORY_URL })
  const rules = budgetRules('letsencrypt', DIRECTORY_URL)
  t.equal(reader.overview(NOW).certificates.valid, 0)
  t.match(reader.budgets({ rules, zone: 'nt.example' }, NOW), [{ left: 300 }, { left: 50 }])
  t.strictSame(reader.blockedNames(rules, NOW), [])
  t.end()
})

test('the probe of a store fails when nothing can be written to it', (t) => {
  const path = join(temporaryFolder(t), 'issue.sqlite')
  const store = new Store({ path, directoryUrl: DIRECTORY_URL })
  t.teardown(() => store.close())
  store.probe()
  const writer = new DatabaseSync(path)
  t.teardown(() => writer.close())
  writer.exec('PRAGMA max_page_count = 1; BEGIN EXCLUSIVE')
  t.throws(() => store.probe(), /locked/)
  writer.exec('COMMIT')
  store.probe()
  t.end()
})
