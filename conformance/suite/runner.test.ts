import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { test } from 'tap'
import { CheckFailure, type Case } from './case.ts'
import { SharedThings } from './shared.ts'
import { makeCase, runAll, TARGET } from './testing.ts'
import { evidenceFolder } from './wire-files.ts'
import type { WireLog } from './wire-log.ts'

const failure = new CheckFailure({ expected: 'NOERROR', actual: 'NXDOMAIN' })

test('what a case does decides its verdict', async (t) => {
  const rows: readonly (readonly [string, Partial<Case>, object])[] = [
    ['returns', { run: async () => {} }, { verdict: 'pass' }],
    [
      'finds something',
      { run: async () => ({ verdict: 'info', reason: 'no cookies' }) },
      { verdict: 'info', reason: 'no cookies' },
    ],
    [
      'throws CheckFailure',
      { run: async () => Promise.reject(failure) },
      { verdict: 'fail', expected: 'NOERROR', actual: 'NXDOMAIN' },
    ],
    [
      'throws it for a SHOULD',
      { level: 'SHOULD', run: async () => Promise.reject(failure) },
      { verdict: 'nonstrict', expected: 'NOERROR' },
    ],
    [
      'throws it for a MAY',
      { level: 'MAY', run: async () => Promise.reject(failure) },
      { verdict: 'info' },
    ],
    [
      'throws something else',
      { run: async () => Promise.reject(new Error('connection refused')) },
      { verdict: 'inconclusive', reason: 'connection refused', suiteFault: undefined },
    ],
    [
      'has a mistake',
      { run: async () => Promise.reject(new TypeError('x is undefined')) },
      { verdict: 'inconclusive', suiteFault: /TypeError: x is undefined\n {4}at / },
    ],
    [
      'needs what the target has not',
      { needs: ['ipv6'] },
      { verdict: 'unsupported', reason: 'the target does not claim the capability "ipv6"' },
    ],
    [
      'calls with a key of another type than the target knows',
      { keyType: 'secp256k1' },
      {
        verdict: 'unsupported',
        reason: 'the target does not claim the key type "secp256k1"',
      },
    ],
    ['calls with one that it knows', { keyType: 'RSA' }, { verdict: 'pass' }],
    [
      'is about a server that the target has not',
      { role: 'issue' },
      { verdict: 'unsupported', reason: 'the target names no issue server' },
    ],
    [
      'waits for ever',
      { timeoutMs: 20, run: ({ signal }) => ended(signal) },
      { verdict: 'inconclusive', reason: 'the check took longer than 20 ms' },
    ],
  ]
  const cases = rows.map(([name, facts], index) =>
    makeCase({ id: `NT-DNS-010/case-${index}`, title: name, ...facts }),
  )
  const results = await runAll(cases)
  for (const [index, [name, , wanted]] of rows.entries()) t.match(results[index], wanted, name)
})

test('a strict run fails where a SHOULD is missed, and tolerates what a MUST tolerates', async (t) => {
  const nonstrict = async () => ({ verdict: 'nonstrict', reason: 'is silent' }) as const
  const results = await runAll(
    [
      makeCase({ id: 'NT-DNS-010/a', level: 'SHOULD', run: async () => Promise.reject(failure) }),
      makeCase({ id: 'NT-DNS-010/b', level: 'SHOULD', run: nonstrict }),
      makeCase({ id: 'NT-DNS-010/c', run: nonstrict }),
    ],
    { strict: true },
  )
  t.same(
    results.map(({ verdict }) => verdict),
    ['fail', 'fail', 'nonstrict'],
  )
})

test('a case that does not end when it is told to is left behind', async (t) => {
  const [result] = await runAll([makeCase({ timeoutMs: 10, run: () => new Promise(() => {}) })])
  t.equal(result?.verdict, 'inconclusive')
})

test('what a case opens is closed in reverse, also when it fails, and when closing fails', async (t) => {
  const closed: string[] = []
  const [result] = await runAll([
    makeCase({
      run: async ({ defer }) => {
        defer(() => closed.push('first'))
        defer(() => Promise.reject(new Error('is gone')))
        defer(() => closed.push('last'))
        throw failure
      },
    }),
  ])
  t.equal(result?.verdict, 'fail')
  t.same(closed, ['last', 'first'])
})

test('what cases share is made once and closed after the last; what could not be made is tried again', async (t) => {
  let made = 0
  let closed = 0
  let attempts = 0
  const uses = (id: string): Case =>
    makeCase({
      id,
      run: async ({ shared }) => {
        const make = async () => ({ value: ++made, close: async () => void closed++ })
        t.equal(await shared('node', make), 1)
        t.equal(closed, 0)
      },
    })
  const broken = (id: string): Case =>
    makeCase({
      id,
      alone: true,
      run: async ({ shared }) => {
        await shared('other', async () => {
          attempts++
          throw new Error('port taken')
        })
      },
    })
  await runAll([
    uses('NT-DNS-010/a'),
    uses('NT-DNS-010/b'),
    broken('NT-DNS-010/c'),
    broken('NT-DNS-010/d'),
  ])
  t.same({ made, closed, attempts }, { made: 1, closed: 1, attempts: 2 })
})

test('cases run at once, as many as allowed; one that wants to be alone is; results keep the order', async (t) => {
  let running = 0
  let most = 0
  const seen: Record<string, number> = {}
  const order: string[] = []
  const make = (id: string, facts: Partial<Case> = {}): Case =>
    makeCase({
      id,
      ...facts,
      run: async () => {
        running++
        order.push(id)
        most = Math.max(most, running)
        await new Promise((resolve) => setImmediate(resolve))
        seen[id] = running
        running--
      },
    })
  const cases = [
    make('NT-DNS-010/flood', { alone: true, intrusive: true }),
    make('NT-DNS-010/alone', { alone: true }),
    ...['a', 'b', 'c', 'd', 'e'].map((slug) => make(`NT-DNS-010/${slug}`)),
  ]
  const results = await runAll(cases, { concurrency: 3 })
  t.equal(most, 3)
  t.equal(seen['NT-DNS-010/alone'], 1)
  t.same(order.slice(-2), ['NT-DNS-010/alone', 'NT-DNS-010/flood'], 'floods come last')
  t.same(
    results.map((result) => result.case.id),
    cases.map(({ id }) => id),
  )
})

test('exchanges keep to the rate, all cases together', async (t) => {
  const startedMs = performance.now()
  const paces = async ({ pace }: Parameters<Case['run']>[0]) => {
    await pace()
    await pace()
  }
  // 3 cases with a turn for each start and two of their own: 9 turns, 8 pauses of 10 ms.
  await runAll(
    ['a', 'b', 'c'].map((slug) => makeCase({ id: `NT-DNS-010/${slug}`, run: paces })),
    { perSecond: 100 },
  )
  t.ok(performance.now() - startedMs >= 79)
})

test('the deadline of a case stands still while the run makes it wait', async (t) => {
  const waits = (id: string, timeoutMs: number, run: Case['run']): Case =>
    makeCase({ id, timeoutMs, run })
  const [patient, slow] = await runAll(
    [
      waits('NT-DNS-010/patient', 40, async ({ pace }) => {
        for (let turn = 0; turn < 4; turn++) await pace()
      }),
      waits('NT-DNS-010/slow', 40, async ({ pace, signal }) => {
        await Promise.all([pace(), pace()])
        await ended(signal)
      }),
    ],
    { concurrency: 1, perSecond: 50 },
  )
  t.equal(patient?.verdict, 'pass')
  t.equal(slow?.verdict, 'inconclusive')
})

test('a run that is ended breaks off what is running, and says nothing of it', async (t) => {
  const interruption = new AbortController()
  const results = await runAll(
    [
      makeCase({ id: 'NT-DNS-010/a' }),
      makeCase({
        id: 'NT-DNS-010/b',
        run: async ({ signal }) => {
          interruption.abort(new Error('interrupted'))
          signal.throwIfAborted()
        },
      }),
      makeCase({ id: 'NT-DNS-010/c' }),
    ],
    { concurrency: 1, signal: interruption.signal },
  )
  t.same(
    results.map(({ case: { id } }) => id),
    ['NT-DNS-010/a'],
  )
})

test('random numbers are those of the seed and the case, whatever runs beside it', async (t) => {
  const numbers = async (seed: number, ids: readonly string[]): Promise<Map<string, number>> => {
    const found = new Map<string, number>()
    const cases = ids.map((id) =>
      makeCase({ id, run: async ({ random }) => void found.set(id, random() + random()) }),
    )
    await runAll(cases, { seed })
    return found
  }
  const both = await numbers(7, ['NT-DNS-010/a', 'NT-DNS-010/b'])
  t.not(both.get('NT-DNS-010/a'), both.get('NT-DNS-010/b'))
  t.equal(both.get('NT-DNS-010/b'), (await numbers(7, ['NT-DNS-010/b'])).get('NT-DNS-010/b'))
  t.not(both.get('NT-DNS-010/b'), (await numbers(8, ['NT-DNS-010/b'])).get('NT-DNS-010/b'))
})

test('evidence is kept on disk, for its owner only, and no name leads out of its folder', async (t) => {
  const out = await mkdtemp(join(tmpdir(), 'nodetrust-evidence-'))
  const bytes = Uint8Array.of(8, 0)
  const [result] = await runAll(
    [
      makeCase({
        run: async ({ wire }) => {
          wire.record({ direction: 'sent', channel: 'udp 127.0.0.1:53', bytes, note: 'a query' })
          throw failure
        },
      }),
    ],
    { out, target: { ...TARGET, name: '../other $(id)' } },
  )
  t.match(relative(out, result?.evidence ?? ''), /^-other---id--[0-9a-f]{12}\/NT-DNS-010\/test$/)
  const file = join(result?.evidence ?? '', 'wire.jsonl')
  t.match(JSON.parse(await readFile(file, 'utf8')), {
    direction: 'sent',
    channel: 'udp 127.0.0.1:53',
    hex: '0800',
    note: 'a query',
  })
  t.equal((await stat(file)).mode & 0o777, 0o600)
  const output = await readFile(join(result?.evidence ?? '', 'output.txt'), 'utf8')
  t.match(output, /expected: NOERROR\nactual: NXDOMAIN/)
})

test('evidence is bounded, and says how much was left out', async (t) => {
  const out = await mkdtemp(join(tmpdir(), 'nodetrust-evidence-'))
  const bytes = new Uint8Array(1024 * 1024)
  const [result] = await runAll(
    [
      makeCase({
        run: async ({ wire }) => {
          for (let n = 0; n < 6; n++) wire.record({ direction: 'sent', channel: 'tcp', bytes })
        },
      }),
    ],
    { out },
  )
  const text = await readFile(join(result?.evidence ?? '', 'wire.jsonl'), 'utf8')
  t.equal(text.trim().split('\n').length, 5)
  t.match(text, /\{"left":2\}\n$/)
})

async function ended(signal: AbortSignal): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>()
  signal.addEventListener('abort', () => reject(signal.reason as Error))
  await promise
}

test('evidence that cannot be written is told, and the verdict stands', async (t) => {
  const out = await mkdtemp(join(tmpdir(), 'nodetrust-evidence-'))
  t.teardown(() => rm(out, { recursive: true, force: true }))
  // A file is where the folder should be.
  const folder = evidenceFolder(out, TARGET.name, 'NT-DNS-010')
  await mkdir(dirname(folder), { recursive: true })
  await writeFile(folder, '')
  const lost: unknown[] = []
  const results = await runAll([makeCase()], { out, onEvidenceLost: (error) => lost.push(error) })
  t.match(results, [{ verdict: 'pass', evidence: undefined }])
  t.match(lost, [{ code: /EEXIST|ENOTDIR/ }])
})

test('each name of a target has one folder of its own, inside of the one for all', (t) => {
  const names = [
    'a-b',
    'a/b',
    'a b',
    '.',
    '..',
    '...',
    '',
    '../a-b',
    '.a',
    'a'.repeat(65),
    'a'.repeat(66),
  ]
  const folders = names.map((name) => evidenceFolder('/out', name, 'NT-DNS-010/x'))
  t.match(folders[0], '/out/a-b/NT-DNS-010/x')
  for (const folder of folders) t.match(folder, /^\/out\/[\w-][\w.-]{0,80}\/NT-DNS-010\/x$/)
  const taken = folders[1]?.split('/')[2] ?? ''
  const all = [...folders, evidenceFolder('/out', taken, 'NT-DNS-010/x')]
  t.equal(new Set(all).size, all.length)
  t.end()
})

test('what was made before the first case is that of the cases, and closed after the last', async (t) => {
  const shared = new SharedThings()
  let closed = 0
  const made = { value: 'early', close: async () => void closed++ }
  await shared.get('player', async () => made)
  const [result] = await runAll(
    [
      makeCase({
        run: async (context) => {
          const reason = await context.shared('player', async () => ({ ...made, value: 'late' }))
          return { verdict: 'info', reason: `${reason}, closed ${closed}` }
        },
      }),
    ],
    { shared },
  )
  t.equal(result?.reason, 'early, closed 0')
  t.equal(closed, 1)
})

test('what was recorded for a shared thing is evidence of each case that asks for it, once', async (t) => {
  const record = (wire: WireLog, note: string): void =>
    wire.record({ direction: 'received', channel: 'player', bytes: Uint8Array.of(1), note })
  const logs: WireLog[] = []
  const one = makeCase({
    run: async ({ shared }) => {
      const make = async (wire: WireLog) => {
        logs.push(wire)
        record(wire, 'made')
        return { value: wire, close: async () => {} }
      }
      await shared('player', make)
      record(await shared('player', make), 'used')
    },
  })
  const results = await runAll([one, one], { concurrency: 1 })
  t.equal(logs.length, 1)
  t.match(
    results.map(({ wire }) => wire.map(({ note }) => note)),
    [
      ['made', 'used'],
      ['made', 'used', 'used'],
    ],
  )
})

test('nothing that a case had stays in memory after it, as long as the run that it belongs to may go on', async (t) => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const opened: WeakRef<object>[] = []
  const one = makeCase({
    run: async ({ defer }) => {
      const node = {}
      opened.push(new WeakRef(node))
      defer(() => void node)
    },
  })
  const { signal } = new AbortController()
  await runAll([one, one, one], { signal })
  // What is done with promises may still be on the stack.
  await new Promise((resolve) => setTimeout(resolve, 10))
  collect()
  t.strictSame(
    opened.map((node) => node.deref()),
    [undefined, undefined, undefined],
  )
  t.notOk(signal.aborted)
})
