// What a crashed host finds again: everything that was written, and nothing that its dead process writes later.
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

test('a host that never wrote anything has an empty disk', (t) => {
  t.doesNotThrow(() => new Disk({ folder: t.testdir(), host: 'client1' }).copy())
  t.end()
})
