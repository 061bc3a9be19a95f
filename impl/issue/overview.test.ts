// Reading a store beside the server that writes it.
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'tap'
import { StoreReader } from './overview.ts'
import { MIGRATIONS } from './schema.ts'
import { Store } from './store.ts'
import { temporaryFolder } from './testing.ts'

const DIRECTORY_URL = 'https://ca/directory'
const REQUEST = { csr: Uint8Array.of(1), cryptoType: 2, keyId: 'k' }
const NOW = 1_800_000_000_000
const DAY_MS = 24 * 3_600_000

interface Written {
  readonly peer: string
  readonly startsDaysAgo: number
  readonly lifetimeDays: number
}

function finish(store: Store, { peer, startsDaysAgo, lifetimeDays }: Written): void {
  const want = { peer, names: [`${peer}.nt.example`], keyChoice: 'k' }
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
    certificates: { valid: 3, renewalDue: 1, firstEnd: NOW + 30 * DAY_MS },
    orders: { unfinished: 1 },
  })
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
