// What a crashed host finds again: everything that was written, or all but its end, and nothing that its dead process writes later.
import { Key } from 'interface-datastore'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'tap'
import { Disk } from './disk.ts'

test('a copy has what was written, also what stands in the write-ahead log, and nothing that comes after', async (t) => {
  const disk = new Disk({ folder: t.testdir(), host: 'issue1' })
  const store = new DatabaseSync(disk.storePath)
  t.teardown(() => store.close())
  store.exec('PRAGMA journal_mode = WAL; CREATE TABLE steps (name TEXT)')
  store.exec("INSERT INTO steps VALUES ('ordered')")
  const key = new Key('/certificate')
  await disk.datastore.put(key, Uint8Array.of(1))

  const copy = disk.copy()
  store.exec("INSERT INTO steps VALUES ('answered')")
  await disk.datastore.put(key, Uint8Array.of(2))

  const found = new DatabaseSync(copy.storePath)
  t.teardown(() => found.close())
  t.same(
    found
      .prepare('SELECT name FROM steps')
      .all()
      .map((row) => row['name']),
    ['ordered'],
  )
  t.same(await copy.datastore.get(key), Uint8Array.of(1))
  t.not(copy.copy().storePath, copy.storePath, 'the next copy is another one')
})

/** A store with a row for each write, of which the first ones have been forced to the disk. */
function written(storePath: string): DatabaseSync {
  const store = new DatabaseSync(storePath)
  store.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE steps (number INTEGER)',
  )
  for (let number = 1; number <= WRITES; number += 1) {
    store.exec(`INSERT INTO steps VALUES (${number})`)
    if (number === FORCED) store.exec('PRAGMA wal_checkpoint')
  }
  return store
}

const WRITES = 60
const FORCED = 20

/** What SQLite finds on a disk, which it finds whole. */
function numbersOn({ storePath }: Disk): readonly number[] {
  const store = new DatabaseSync(storePath)
  try {
    const [check] = store.prepare('PRAGMA integrity_check').all()
    if (check?.['integrity_check'] !== 'ok') throw new Error(JSON.stringify(check))
    return store
      .prepare('SELECT number FROM steps')
      .all()
      .map((row) => Number(row['number']))
  } finally {
    store.close()
  }
}

test('a torn disk has lost the last writes, at most those that were not forced to it, and SQLite opens it', (t) => {
  const disk = new Disk({ folder: t.testdir(), host: 'issue1' })
  const store = written(disk.storePath)
  t.teardown(() => store.close())
  const all = Array.from({ length: WRITES }, (_, index) => index + 1)
  const counts = [0, 0.01, 0.1, 0.33, 0.5, 0.77, 1].map((lostShare) => {
    const numbers = numbersOn(disk.copy({ disk: 'torn', lostShare }))
    t.same(numbers, all.slice(0, numbers.length), 'none is lost from their midst')
    return numbers.length
  })
  t.equal(counts[0], WRITES - 1, 'a byte of it makes the last write void')
  t.same(
    counts,
    counts.toSorted((one, other) => other - one),
  )
  t.ok((counts.at(-1) ?? 0) < WRITES - 10, `${counts.at(-1)} are left`)

  store.exec('PRAGMA wal_checkpoint')
  t.equal(numbersOn(disk.copy({ disk: 'torn', lostShare: 1 })).length, WRITES, 'all are forced')
  store.exec(`INSERT INTO steps VALUES (${WRITES + 1})`)
  store.exec(`INSERT INTO steps VALUES (${WRITES + 2})`)
  t.equal(numbersOn(disk.copy({ disk: 'torn', lostShare: 1 })).length, WRITES, 'and stay')
  t.end()
})

test('from a read-only disk nothing is removed either, from a full one it is', async (t) => {
  const { datastore, problems } = new Disk({ folder: t.testdir(), host: 'client1' })
  const key = new Key('/certificate')
  await datastore.put(key, Uint8Array.of(1))
  const end = problems.begin('read-only')
  t.throws(() => datastore.delete(key), { code: 'EROFS' })
  const batch = datastore.batch()
  batch.delete(key)
  await t.rejects(Promise.resolve(batch.commit()), { code: 'EROFS' })
  t.ok(datastore.has(key))
  end()
  problems.begin('full')
  await datastore.delete(key)
  t.notOk(datastore.has(key))
})

test('a host that never wrote anything has an empty disk', (t) => {
  const disk = new Disk({ folder: t.testdir(), host: 'client1' })
  for (const what of ['kept', 'torn', 'lost'] as const) {
    t.doesNotThrow(() => disk.copy({ disk: what }))
  }
  t.end()
})

test('what is written stays as it was, whatever becomes of the bytes that it was written from', async (t) => {
  const { datastore } = new Disk({ folder: t.testdir(), host: 'client1' })
  const key = new Key('/certificate')
  const bytes = Uint8Array.of(1)
  await datastore.put(key, bytes)
  bytes.fill(2)
  t.same(await datastore.get(key), Uint8Array.of(1))
})
