// Planted bugs as data, how they are looked for, and a short form of `npm run planted`: three that the first seeds find, and
// no bug, with which the same seeds pass.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { REQUIREMENTS } from '../../conformance/suite/catalogue.ts'
import { invariants } from '../engine/invariants.ts'
import { mutate } from '../engine/mutation/mutate.ts'
import { ROOT } from '../engine/mutation/on-load.ts'
import { EVENTUALLY } from '../swarm/eventually.ts'
import type { SeedResult } from '../swarm/result.ts'
import { ChildRunner } from '../swarm/runner.ts'
import { WATCHES } from '../swarm/watches/index.ts'
import { SEEN, type PlantedBug } from './bug.ts'
import { chooseBugs } from './choose.ts'
import { hunt, type Hunt } from './hunt.ts'
import { huntAll, sharedControl } from './hunt-all.ts'
import { PLANTED_BUGS } from './index.ts'
import { isGood, reportText, rowText, toReport } from './report.ts'

const signal = new AbortController().signal

test('every planted bug still has its text in the file, once', async (t) => {
  t.ok(PLANTED_BUGS.length >= 25)
  for (const bug of PLANTED_BUGS) {
    const source = readFileSync(join(ROOT, bug.file), 'utf8')
    t.doesNotThrow(() => mutate(source, bug), bug.id)
    t.not(bug.find, bug.replace, `${bug.id} changes something`)
  }
})

test('planted bugs say what they break, who sees it, and why', async (t) => {
  const ids = PLANTED_BUGS.map(({ id }) => id)
  t.equal(new Set(ids).size, ids.length, 'each has an id of its own')
  const requirements = new Set(REQUIREMENTS.map(({ id }) => id))
  for (const { id, breaks, seenBy, why, hides } of PLANTED_BUGS) {
    for (const requirement of breaks) t.ok(requirements.has(requirement), `${id}: ${requirement}`)
    t.ok(seenBy.length > 0 && why !== '', id)
    if (hides !== undefined) t.ok(ids.includes(hides), `${id} hides a bug that there is`)
  }
})

test('bugs name invariants that there are', async (t) => {
  const source = ['swarm/leaks.ts', 'swarm/run-plan.ts']
    .map((file) => readFileSync(join(ROOT, 'scenarios', file), 'utf8'))
    .join()
  const known = [...invariants, ...EVENTUALLY, ...WATCHES].map(({ name }) => name)
  for (const name of Object.values(SEEN)) {
    t.ok(known.includes(name) || source.includes(`'${name}'`), name)
  }
})

test('--only takes bugs, areas and requirements, and refuses what names none', async (t) => {
  t.equal(chooseBugs(PLANTED_BUGS, []).length, PLANTED_BUGS.length)
  const chosen = chooseBugs(PLANTED_BUGS, ['client/key-lost', 'oracles', 'NT-ISSUE-013'])
  const ids = chosen.map(({ id }) => id)
  t.ok(ids.includes('client/key-lost') && ids.includes('issue/proof-id-not-compared'))
  t.ok(ids.filter((id) => id.startsWith('oracles/')).length > 1)
  t.notOk(ids.includes('client/timer-left'))
  t.throws(() => chooseBugs(PLANTED_BUGS, ['client', 'nobody']), {
    name: 'RangeError',
    message: /--only nobody names no bug/,
  })
})

test('the table says of each bug how many seeds it took, and fails when one is missed', async (t) => {
  const [first, second] = PLANTED_BUGS as [PlantedBug, PlantedBug]
  const found: Hunt = {
    bug: first,
    state: 'found',
    seeds: 3,
    cpuMs: 1,
    failure: {
      seed: '3',
      class: 'invariant',
      invariant: first.seenBy[0] ?? '',
      problem: 'it is so',
    },
    shrunk: { hosts: 4, faults: 1, runs: 9 },
  }
  t.match(rowText(found), /^found +\S+ +3 .*4 hosts, 1 faults in 9 runs/)
  for (const state of ['missed', 'broken'] as const) {
    const report = toReport([found, { bug: second, state, seeds: 20, cpuMs: 1 }], 1)
    t.notOk(isGood(report), state)
    t.match(reportText(report), `not found: ${second.id}`)
  }
  const all = toReport([found, { ...found, bug: second, seeds: 9 }], 60_000)
  t.ok(isGood(all))
  t.match(reportText(all), /2 of 2 planted bugs found, half of all within 3 seeds/)
})

test('a seed is run once without a bug for all hunts, and what runs out of time is missed', async (t) => {
  const runs: string[] = []
  const run = async (seed: string): Promise<SeedResult> => {
    runs.push(seed)
    return { class: 'pass' } as SeedResult
  }
  const control = sharedControl({ run }, 'swarm')
  await Promise.all([control('1', signal), control('1', signal), control('2', signal)])
  t.same(runs, ['1', '2'])

  const hunts = await huntAll(PLANTED_BUGS.slice(0, 3), {
    ...OPTIONS,
    jobs: 2,
    budgetMs: 1,
    async hunt(bug, { signal: ending, onSeed }) {
      onSeed?.(7)
      if (bug === PLANTED_BUGS[0]) return { bug, state: 'found', seeds: 1, cpuMs: 1 }
      const { promise, reject } = Promise.withResolvers<never>()
      const end = (): void => reject(ending.reason)
      if (ending.aborted) end()
      else ending.addEventListener('abort', end)
      return await promise
    },
  })
  t.match(hunts, [
    { state: 'found' },
    { state: 'missed', seeds: 7, reason: 'out of time' },
    { state: 'missed', seeds: 7 },
  ])
})

const OPTIONS = {
  world: 'swarm',
  from: '1',
  seedsMax: 3,
  shrinkRunsMax: 0,
  signal,
  bugs: PLANTED_BUGS,
} as const

/** Of each kind one: in a server, in the client, and in what looks for bugs. */
const QUICK = ['servers/frame-cut-in-two', 'client/timer-left', 'oracles/nonces-not-kept']

test('planted bugs are found by the first seeds, which pass without them', async (t) => {
  await using runner = new ChildRunner()
  const unplanted = sharedControl(runner, 'swarm')
  const none = await hunt(NONE, { ...OPTIONS, seedsMax: 1, control: unplanted })
  t.match(none, { state: 'missed', seeds: 1 }, 'a change that changes nothing is not found')
  for (const bug of chooseBugs(PLANTED_BUGS, QUICK)) {
    const one = await hunt(bug, { ...OPTIONS, control: unplanted })
    t.equal(one.state, 'found', `${bug.id}: ${one.failure?.problem ?? one.reason ?? ''}`)
    t.ok(bug.seenBy.includes(one.failure?.invariant ?? ''), `${bug.id} is seen as expected`)
  }
  const [cut] = chooseBugs(PLANTED_BUGS, QUICK)
  const doubtful = await hunt(cut as PlantedBug, {
    ...OPTIONS,
    seedsMax: 1,
    control: async (seed, until) => ({ ...(await unplanted(seed, until)), class: 'liveness' }),
  })
  t.match(doubtful, { state: 'missed', reason: /seeds that show nothing fail: / })
  const stale = await hunt(
    { ...NONE, find: 'no such text', replace: '' },
    { ...OPTIONS, control: unplanted },
  )
  t.match(stale, { state: 'broken', reason: /StaleMutationError/ })
})

const NONE: PlantedBug = {
  id: 'none',
  file: 'impl/client/errors.ts',
  find: 'one proof server gave no proof',
  replace: 'one proof server gave no proof',
  breaks: [],
  seenBy: [],
  why: 'is none',
}
