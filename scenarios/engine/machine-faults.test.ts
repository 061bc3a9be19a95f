// Two faults of one kind at one host: when the short one ends, the long one goes on, and when that ends all is well.
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'tap'
import type { Disk as HostDisk } from './disk.ts'
import { openDriver, prepareProcess } from './drivers/index.ts'
import type { World } from './world.ts'

// A simulation wants to be there before libp2p is.
await prepareProcess('sim')
const { Key } = await import('interface-datastore')
const { Disk } = await import('./disk.ts')
const { Faults } = await import('./faults.ts')
const { Trace } = await import('./trace.ts')

const SHORT_MS = 1_000
const LONG_MS = 60_000

type Kind = 'clock' | 'sleep' | 'disk'

const FAULTS: Readonly<Record<Kind, object>> = {
  clock: { kind: 'clock', offsetMs: 5_000, driftPpm: 0 },
  sleep: { kind: 'sleep' },
  disk: { kind: 'disk', problem: 'full' },
}

/** What a client's machine is asked while nothing is wrong, while both faults are, the long one is, and after them. */
async function through<T>(
  kind: Kind,
  { folder, ask }: { readonly folder: string; readonly ask: (disk: HostDisk) => Promise<T> | T },
): Promise<T[]> {
  const driver = await openDriver('sim')
  const answers: T[] = []
  await driver.drive(async () => {
    const place = driver.place({ name: 'client1', families: [4] })
    const disk = new Disk({ folder, host: 'client1' })
    const host = { disk, plan: { role: 'client' } }
    const world = { trace: new Trace(), driver, host: () => host } as unknown as World
    const note = async (): Promise<void> => {
      answers.push(await driver.run(place, () => ask(disk)))
    }
    await using faults = new Faults(world)
    await note()
    for (const forMs of [LONG_MS, SHORT_MS]) {
      await faults.add({ ...FAULTS[kind], host: 'client1', at: 0, forMs } as never)
    }
    await note()
    await sleep(2 * SHORT_MS)
    await note()
    await sleep(LONG_MS)
    await note()
    await driver.close()
  })
  return answers
}

test('a clock that is set twice is right again when both are healed', async (t) => {
  const times = await through('clock', { folder: t.testdir(), ask: () => Date.now() })
  const skew = (index: number, elapsedMs: number): number =>
    (times[index] ?? 0) - (times[0] ?? 0) - elapsedMs
  t.strictSame(
    [skew(1, 0), skew(2, 2 * SHORT_MS), skew(3, 2 * SHORT_MS + LONG_MS)],
    [10_000, 5_000, 0],
  )
})

test('a host that is put to sleep twice wakes when both are healed', async (t) => {
  const done: number[] = []
  let asked = 0
  const ask = (): number => {
    asked += 1
    const number = asked
    setTimeout(() => done.push(number), SHORT_MS / 2)
    return done.length
  }
  t.strictSame(await through('sleep', { folder: t.testdir(), ask }), [0, 0, 0, 3])
})

test('a disk that fails twice can be written when both are healed', async (t) => {
  const folder = t.testdir()
  const ask = async ({ storePath, datastore }: HostDisk): Promise<readonly string[]> => {
    const store = new DatabaseSync(storePath)
    try {
      return [
        outcome(() => store.exec('CREATE TABLE IF NOT EXISTS steps (name TEXT)')),
        outcome(() => void datastore.put(new Key('/certificate'), Uint8Array.of(1))),
      ]
    } finally {
      store.close()
    }
  }
  const written = ['written', 'written']
  const full = ['database or disk is full', 'ENOSPC: no space left on device, write']
  t.strictSame(await through('disk', { folder, ask }), [written, full, full, written])
})

function outcome(write: () => void): string {
  try {
    write()
    return 'written'
  } catch (error) {
    return (error as Error).message
  }
}

test('a client that crashes on a full disk finds it full, and what it had written', async (t) => {
  const disk = new Disk({ folder: t.testdir(), host: 'client1' })
  const key = new Key('/certificate')
  await disk.datastore.put(key, Uint8Array.of(1))
  const end = disk.problems.begin('full')
  const { datastore } = disk.copy()
  t.throws(() => datastore.put(key, Uint8Array.of(2)), { code: 'ENOSPC' })
  t.same(datastore.get(key), Uint8Array.of(1))
  end()
  await datastore.put(key, Uint8Array.of(2))
  t.same(datastore.get(key), Uint8Array.of(2))
})
