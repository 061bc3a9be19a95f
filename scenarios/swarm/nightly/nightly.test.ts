// A night with recorded results: what it runs, what makes it a bad one, what it remembers, and its page. No world is run
// here.
import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'tap'
import { localCrew, type Crew } from '../campaign/crew.ts'
import { Tally } from '../campaign/tally.ts'
import { makeFailure, makeResult, recordedRunner } from '../campaign/testing.ts'
import type { SeedResult } from '../result.ts'
import { ENGINE_FAULT } from '../verdict.ts'
import { COMMITS_MAX, EMPTY, readDatabase, withNight, writeDatabase } from './database.ts'
import { openFolder } from './folder.ts'
import { nightHtml } from './html.ts'
import { judgeNight } from './night-report.ts'
import { runNight, type NightInit } from './night.ts'
import { makeNight } from './testing.ts'

const found = (seed: string): SeedResult =>
  makeFailure('the planted bug', { seed, world: 'canary', class: 'invariant' })

/** Worlds that pass after a moment, except those that a test says otherwise of. */
function crewOf(
  resultOf: (seed: string, world: string) => SeedResult | undefined = () => undefined,
): Crew & { readonly runs: (readonly [string, string])[] } {
  const runs: (readonly [string, string])[] = []
  const crew = localCrew({
    jobs: 2,
    openRunner: () =>
      recordedRunner(async (seed, world) => {
        runs.push([world, seed])
        await new Promise(setImmediate)
        return (
          resultOf(seed, world) ??
          (world === 'canary' ? found(seed) : makeResult({ seed, world, sometimes: ['met'] }))
        )
      }),
  })
  return Object.assign(crew, { runs })
}

const init = (night: Partial<NightInit> = {}): NightInit => ({
  date: '2026-11-21',
  commit: 'abc',
  budgetMs: 150,
  crew: crewOf(),
  worlds: ['swarm', 'long'],
  sometimes: ['met'],
  slow: [],
  machine: 'a test',
  again: 'npm run nightly',
  signal: new AbortController().signal,
  ...night,
})

test('a night finds its canary, runs every lane, and runs the same seeds when it is repeated', async (t) => {
  const crews = [crewOf(), crewOf()]
  const nights = await Promise.all(crews.map((crew) => runNight(init({ crew }))))
  const [night] = nights
  t.match(night, { exitCode: 0, problems: [], canary: { seeds: Number } })
  t.same(
    night?.lanes.map(({ world, seeds }) => [world, seeds > 0]),
    [
      ['swarm', true],
      ['long', true],
    ],
  )
  const seedsOf = (world: string): (readonly string[])[] =>
    crews.map(({ runs }) => runs.flatMap(([of, seed]) => (of === world ? [seed] : [])).slice(0, 3))
  for (const world of ['swarm', 'long']) t.same(seedsOf(world)[0], seedsOf(world)[1], world)
  t.notSame(seedsOf('swarm')[0], seedsOf('long')[0])
})

test('a night whose canary is not found fails as the engine fault that it is', async (t) => {
  for (const kind of ['pass', 'unknown', 'crash'] as const) {
    const crew = crewOf((seed, world) =>
      world === 'canary' ? makeResult({ seed, world, class: kind }) : undefined,
    )
    const { problems, exitCode, canary } = await runNight(init({ crew }))
    t.match(problems[0], /the canary's bug was not found in [\d,]+ seeds/, kind)
    t.equal(exitCode, 70)
    t.ok(canary.seeds > 0)
  }
})

test('a failing seed is told of, fails the night with the exit code of its class, and is shrunk', async (t) => {
  let failed = 0
  const crew = crewOf((seed, world) =>
    world === 'swarm' && failed++ === 0 ? makeFailure('it holds', { seed }) : undefined,
  )
  const shrink = (result: SeedResult): Promise<SeedResult> =>
    Promise.resolve({ ...result, shrunk: { hosts: 2, faults: 1, runs: 9, replay: 'small' } })
  const told: SeedResult[] = []
  const night = await runNight(init({ crew, shrink, onFailure: (result) => told.push(result) }))
  t.match(told, [{ class: 'liveness', shrunk: undefined }], 'told of when it was found')
  t.match(night, {
    exitCode: 3,
    problems: ['1 seed of swarm: liveness: it holds'],
    lanes: [{ failures: [{ count: 1, fastest: [{ shrunk: { replay: 'small' } }] }] }, {}],
  })
  const lost = await runNight(
    init({
      crew: crewOf((seed, world) =>
        world === 'long' ? makeFailure('x', { seed, world }) : undefined,
      ),
      shrink: () => Promise.reject(new Error('no time')),
    }),
  )
  t.match(lost, { exitCode: 3, lanes: [{}, { failures: [{ fastest: [{ replay: /replay/ }] }] }] })
})

test('what would not be known again in a smaller world is not shrunk', async (t) => {
  for (const kind of ['unknown', 'non-determinism'] as const) {
    const shrunk: string[] = []
    const crew = crewOf((seed, world) =>
      world === 'swarm' ? makeFailure('x', { seed, world, class: kind }) : undefined,
    )
    const shrink = (result: SeedResult): Promise<SeedResult> => {
      shrunk.push(result.class)
      return Promise.resolve(result)
    }
    const { lanes } = await runNight(init({ crew, shrink }))
    t.match(lanes, [{ failures: [{ fastest: [{ class: kind }] }] }, {}])
    t.same(shrunk, [], kind)
  }
})

test('real time comes first and gets its share; a scenario that does not hold fails the night', async (t) => {
  const order: string[] = []
  const slow = ['one', 'two', 'three'].map((scenario) => async () => {
    order.push(scenario)
    await new Promise((resolve) => setTimeout(resolve, 40))
    const holds = scenario !== 'one'
    return { scenario, transport: 'tcp', holds, durationMs: 40, problems: [], again: '' }
  })
  const crew = crewOf((_seed, world) => {
    if (!order.includes(world)) order.push(world)
    return undefined
  })
  const night = await runNight(init({ slow, crew }))
  t.same(order, ['one', 'canary', 'long', 'swarm'], 'one is enough for this budget')
  t.match(night, { exitCode: 1, problems: ['"one" does not hold on tcp'], slowLeftOut: 2 })
})

test('a night whose time is over runs one seed of each lane', async (t) => {
  const slow = async () => {
    await new Promise((resolve) => setTimeout(resolve, 20))
    const holds = true
    return { scenario: 'one', transport: 'tcp', holds, durationMs: 20, problems: [], again: '' }
  }
  const { lanes } = await runNight(init({ slow: [slow], budgetMs: 1 }))
  t.match(lanes, [
    { seeds: 1, end: 'late' },
    { seeds: 1, end: 'late' },
  ])
})

test('a night tells how each lane ended, and one that was broken off makes it a bad one', async (t) => {
  const fault = makeFailure(ENGINE_FAULT, { class: 'unknown' })
  const crew = crewOf((_seed, world) => (world === 'long' ? fault : undefined))
  const night = await runNight(init({ crew }))
  t.match(night, { exitCode: 70, lanes: [{ end: 'time' }, { end: 'engine' }] })
  const brokenOff = 'broken off: the engine itself fails, seed after seed'
  t.ok(night.problems.includes(`lane "long" was ${brokenOff}`))
  const text = nightHtml({ ...night, slowLeftOut: 1 }, EMPTY).replaceAll(/<[^>]+>|\s+/g, ' ')
  for (const words of [brokenOff, 'until its time was over', '1 more scenario']) {
    t.ok(text.includes(words), words)
  }
})

test('what was never met fails a night of many worlds, and none of few', (t) => {
  const { lanes, canary, slow, sometimes } = makeNight()
  const judge = (part: object) => judgeNight({ lanes, canary, slow, sometimes, ...part })
  const never = 'never met: an order is taken up again after a crash'
  t.ok(judge({}).problems.includes(never))
  const few = lanes.map((lane) => ({ ...lane, seeds: 100, failures: [], classes: { pass: 100 } }))
  t.same(judge({ lanes: few, slow: [] }), { problems: [], exitCode: 0 })
  t.match(judge({ lanes: few.map((lane) => ({ ...lane, seeds: 0 })) }), { exitCode: 70 })
  t.end()
})

test('the database keeps the fastest seeds of each failure and commit, and passing ones as a count', async (t) => {
  const first = withNight(EMPTY, makeNight())
  t.match(first.commits, [{ commit: 'c885bc4', passed: 2402, failed: 6 }])
  t.same(
    first.commits[0]?.seeds.map(({ seed, replay }) => [seed, replay]),
    [
      ['9001', 'npm run scenario -- replay 9001'],
      ['9002', 'npm run scenario -- replay 9002'],
      ['9003', 'npm run scenario -- replay 9003'],
      ['9004', 'npm run scenario -- replay 9004'],
      ['9100', 'npm run scenario -- replay 9100 --faults 3'],
    ],
    'a shrunk seed has its smallest line',
  )
  const again = withNight(first, makeNight({ date: '2026-11-22' }))
  t.match(again.commits, [{ passed: 4804, failed: 12 }])
  t.equal(again.commits[0]?.seeds.length, 5, 'the same seeds are kept once')
  t.equal(again.nights.length, 2)

  let many = EMPTY
  for (let night = 0; night < 40; night++)
    many = withNight(many, makeNight({ commit: `c${night}` }))
  t.equal(many.commits.length, COMMITS_MAX)
  t.equal(many.commits[0]?.commit, 'c39')

  const folder = await mkdtemp(join(tmpdir(), 'nodetrust-night-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const file = join(folder, 'deeper', 'seeds.json')
  t.same(await readDatabase(file), EMPTY)
  await writeDatabase(file, many)
  t.same(await readDatabase(file), many)
  for (const text of ['', '{', '{"version":2}']) {
    await writeFile(file, text)
    await t.rejects(readDatabase(file), {
      name: 'UnavailableError',
      message: /seeds.json" is no seed database: move it away/,
    })
  }
  await t.rejects(readDatabase(folder), { name: 'UnavailableError', message: /\(EISDIR\)/ })
})

test('the page tells what ran, what failed with its line, what was never met, and the nights before', async (t) => {
  const night = makeNight()
  const earlier = withNight(EMPTY, makeNight({ date: '2026-11-20', commit: 'b000000' }))
  const database = withNight(earlier, night)
  const page = nightHtml(night, database)
  t.notMatch(page, /<b>\n?\s*<\/pre>|<script/, 'what hosts say is text')
  t.notMatch(page, /\b(src|href)="/)
  const text = page.replaceAll(/<[^>]+>/g, ' ').replaceAll(/\s+/g, ' ')
  for (const words of [
    'Not a good night exit code 4',
    '5 seeds of swarm: liveness: every client has a certificate',
    'npm run scenario -- replay 9001',
    'shrunk to 4 hosts and 1 fault in 23 runs',
    'npm run scenario -- replay 9100 --faults 3',
    'an order is taken up again after a crash never',
    'seed 17 canary found the planted bug',
    'every client has a new certificate: client1 has not',
    '2026-11-20',
    'b000000 since 2026-11-21',
    'npm run nightly -- --date 2026-11-21',
  ]) {
    t.ok(text.includes(words), words)
  }
  const style = await readFile(new URL('page/style.css', import.meta.url), 'utf8')
  t.ok(page.includes(style.slice(0, 40)))
  t.match(
    nightHtml(night, database, new Map([['9001', 'runs/a.html']])),
    /<a href="runs\/a\.html">/,
  )
  t.match(nightHtml(makeNight({ problems: [], exitCode: 0 }), EMPTY), /All is well/)
})

test('the page counts one thing as one', (t) => {
  const swarm = new Tally('swarm')
  const shrunk = { hosts: 1, faults: 1, runs: 1, replay: 'replay 1' }
  for (const seed of ['1', '2']) {
    swarm.add(makeFailure('it holds', { seed, faults: 1, events: 0, shrunk }))
  }
  const night = makeNight({ lanes: [swarm.report()], canary: { seeds: 1 } })
  const page = nightHtml(night, withNight(withNight(EMPTY, night), makeNight({ commit: 'other' })))
  const text = page.replaceAll(/<[^>]+>/g, ' ').replaceAll(/\s+/g, ' ')
  for (const words of ['1 different way ', '1 more seed ', 'in 1 run ', 'of 1 commit before']) {
    t.ok(text.includes(words), words)
  }
  t.notMatch(text, /\b(?<![\d,.])1 (\w+ )?(seeds|ways|faults|hosts|runs|worlds|commits|nights)\b/)
  t.end()
})

test('a night is not begun in a folder that cannot be written to', async (t) => {
  const parent = await mkdtemp(join(tmpdir(), 'nodetrust-night-'))
  t.teardown(() => rm(parent, { recursive: true }))
  const folder = join(parent, 'nightly')
  await (await openFolder(folder))[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
  await mkdir(join(folder, 'index.html'), { recursive: true })
  await t.rejects(openFolder(folder), { name: 'UnavailableError', message: /index.html" is a/ })
  const reader = join(parent, 'read-only')
  await mkdir(reader)
  await chmod(reader, 0o555)
  // Root may write everywhere.
  if (process.getuid?.() === 0) return
  await t.rejects(openFolder(reader), /the folder ".*read-only" cannot be written to \(EACCES\)/)
})

test('two nights do not share a folder at once; one that was killed leaves it to the next', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'nodetrust-night-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const first = await openFolder(folder)
  const message = /another night writes to this folder \(process \d+ on .*\): .* remove ".*running"/
  await t.rejects(openFolder(folder), { name: 'UnavailableError', message })
  await first[Symbol.asyncDispose]()
  const lock = join(folder, 'running')
  const { promise: gone, resolve } = Promise.withResolvers<void>()
  const { pid } = execFile(process.execPath, ['--version'], () => resolve())
  await gone
  await writeFile(lock, `process ${pid} on ${hostname()}`)
  await (await openFolder(folder))[Symbol.asyncDispose]()
  await writeFile(lock, `process ${pid} on another-machine`)
  await t.rejects(openFolder(folder), message, 'nobody can know')
})
