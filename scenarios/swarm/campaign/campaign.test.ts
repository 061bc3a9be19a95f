// How a campaign runs its seeds, with recorded results: no world is run here.
import { test } from 'tap'
import type { SeedResult } from '../result.ts'
import { ENGINE_FAULT } from '../verdict.ts'
import { compared, runCampaign } from './campaign.ts'
import { localCrew, NotTakenError, type Crew } from './crew.ts'
import { isRunAgain, nightSeeds } from './seeds.ts'
import { signatureOf, Tally } from './tally.ts'
import { makeFailure, makeResult, recordedRunner } from './testing.ts'

const NEVER = new AbortController().signal
const count = (length: number): Iterator<string> =>
  Array.from({ length }, (_, index) => String(index)).values()

function crewOf(resultOf: (seed: string) => SeedResult | Promise<SeedResult>, jobs = 2): Crew {
  return localCrew({ jobs, openRunner: () => recordedRunner(resultOf) })
}

test('the seeds of a night follow from its date, commit and world, and from nothing else', (t) => {
  const night = { date: '2026-11-21', commit: 'abc', world: 'swarm' }
  const first = (of: typeof night): readonly string[] => nightSeeds(of).take(3).toArray()
  t.same(
    first(night),
    ['16118917151938239324', '17270211649386322350', '14141816429733243625'],
    'a night of long ago can be repeated',
  )
  t.same(first(night), first({ ...night }))
  for (const other of [{ date: '2026-11-22' }, { commit: 'abd' }, { world: 'long' }]) {
    t.notSame(first({ ...night, ...other }), first(night))
  }
  for (const seed of nightSeeds(night).take(100)) t.ok(BigInt(seed) < 2n ** 64n)
  t.end()
})

test('a campaign whose engine fails seed after seed is broken off, and one with a fault now and then is not', async (t) => {
  const run = (crew: Crew): Promise<Tally> =>
    runCampaign({ world: 'swarm', seeds: count(100), crew, until: NEVER, signal: NEVER })
  const fault = makeFailure(ENGINE_FAULT, { class: 'unknown' })
  const broken = await run(crewOf(() => fault))
  t.equal(broken.report().end, 'engine')
  t.ok(broken.report().seeds < 10)
  const whole = await run(crewOf((seed) => (Number(seed) % 4 > 0 ? fault : makeResult({ seed }))))
  t.equal(whole.end, undefined)
  t.equal(whole.report().seeds, 100)
})

test('a campaign runs as many seeds at once as its crew can take, and counts them', async (t) => {
  let [running, most] = [0, 0]
  const crew = crewOf(async (seed) => {
    most = Math.max(most, ++running)
    await new Promise(setImmediate)
    running -= 1
    return seed === '7' ? makeFailure('has a certificate', { seed }) : makeResult({ seed })
  }, 3)
  const results: string[] = []
  const tally = await runCampaign({
    world: 'swarm',
    seeds: count(20),
    crew,
    until: NEVER,
    signal: NEVER,
    onResult: ({ seed }) => results.push(seed),
  })
  t.equal(most, 3)
  t.equal(results.length, 20)
  t.match(tally.report(), {
    seeds: 20,
    classes: { pass: 19, liveness: 1 },
    virtualMs: 20 * 170_000,
    failures: [{ count: 1, fastest: [{ seed: '7' }] }],
  })
})

test('when the time is up no seed is begun, and those that run are waited for', async (t) => {
  const until = new AbortController()
  let finished = 0
  const crew = crewOf(async (seed) => {
    if (seed === '4') until.abort()
    await new Promise(setImmediate)
    finished += 1
    return makeResult({ seed })
  })
  const tally = await runCampaign({
    world: 'swarm',
    seeds: nightSeeds({ date: '', commit: '', world: '' }).map((_, index) => String(index)),
    crew,
    until: until.signal,
    signal: NEVER,
  })
  t.match(tally.report(), { seeds: finished, end: 'time' })
  t.ok(finished <= 6, `${finished} seeds`)
})

test('a campaign whose last seed is running when the time is up has run them all', async (t) => {
  const until = new AbortController()
  const crew = crewOf(async (seed) => {
    if (seed === '4') until.abort()
    await new Promise(setImmediate)
    return makeResult({ seed })
  }, 1)
  const tally = await runCampaign({
    world: 'swarm',
    seeds: count(5),
    crew,
    until: until.signal,
    signal: NEVER,
  })
  t.equal(tally.report().seeds, 5)
  t.equal(tally.report().end, undefined)
})

test('a seed that nobody takes in its time ends a campaign without a problem, and a second run that nobody takes leaves the first', async (t) => {
  const until = new AbortController()
  const seen: (boolean | undefined)[] = []
  const crew: Crew = {
    width: 1,
    run(seed, options) {
      seen.push(options.isPatient)
      t.equal(options.until, until.signal)
      if (seed < '3') return Promise.resolve(makeResult({ seed }))
      until.abort()
      return Promise.reject(new NotTakenError('nobody is there'))
    },
    runFresh: () => Promise.reject(new NotTakenError('nobody is there')),
    [Symbol.asyncDispose]: async () => {},
  }
  const tally = await runCampaign({
    world: 'swarm',
    seeds: count(9),
    crew,
    until: until.signal,
    seedsMin: 2,
    againEvery: 1,
    signal: NEVER,
  })
  t.match(tally.report(), { seeds: 3, again: 0, end: 'time', classes: { pass: 3 } })
  t.same(seen, [true, true, false, false], 'those that must run are waited for')
})

test('an interruption waits for nothing', async (t) => {
  const interruption = new AbortController()
  const crew = crewOf(() => {
    setImmediate(() => interruption.abort())
    return new Promise(() => {})
  })
  const { signal } = interruption
  const tally = await runCampaign({ world: 'swarm', seeds: count(5), crew, until: signal, signal })
  t.match(tally.report(), { seeds: 0, end: 'interrupted' })
})

test('a crew that cannot run seeds ends the campaign with its error', async (t) => {
  let disposed = 0
  const crew = localCrew({
    jobs: 1,
    openRunner: () => ({
      run: () => Promise.reject(new Error('no such world')),
      [Symbol.asyncDispose]: async () => void (disposed += 1),
    }),
  })
  const campaign = { world: 'x', seeds: count(5), crew, until: NEVER, signal: NEVER }
  await t.rejects(runCampaign(campaign), /no such world/)
  t.equal(disposed, 1, 'a process that failed is not used again')
})

test('one in a hundred passing seeds runs again elsewhere, and must do the same', async (t) => {
  const seeds = nightSeeds({ date: '2026-11-21', commit: 'abc', world: 'swarm' })
    .take(1000)
    .toArray()
  const share = seeds.filter((seed) => isRunAgain(seed)).length
  t.ok(share > 2 && share < 25, `${share} of 1000`)

  let opened = 0
  const crew = localCrew({
    jobs: 1,
    openRunner: () => {
      const isFirst = opened++ === 0
      return recordedRunner((seed) => {
        const result = makeResult({ seed })
        const strays = seed === '6' && !isFirst
        return strays ? { ...result, digest: { ...result.digest, shape: 'other' } } : result
      })
    },
  })
  const tally = await runCampaign({
    world: 'swarm',
    seeds: count(9),
    crew,
    until: NEVER,
    signal: NEVER,
    againEvery: 3,
  })
  t.equal(opened, 4, 'each second run has a process of its own')
  t.match(tally.report(), {
    again: 3,
    classes: { pass: 8, 'non-determinism': 1 },
    failures: [{ fastest: [{ seed: '6', failure: { problem: /shape s0 and other/ } }] }],
  })
})

test('two runs agree when their traces do; bytes may differ', (t) => {
  const one = makeResult()
  t.equal(compared(one, { ...one, digest: { ...one.digest, bytes: 'b1' } }).class, 'pass')
  for (const other of [
    { digest: { ...one.digest, events: 'e1' } },
    { digest: { ...one.digest, packetCount: 1 } },
    { draws: 301 },
    { class: 'liveness' },
  ] as const) {
    t.equal(compared(one, { ...one, ...other }).class, 'non-determinism', JSON.stringify(other))
  }
  t.end()
})

test('failures of one cause are one group, with the seeds that show it fastest', (t) => {
  const tally = new Tally('swarm')
  for (let index = 0; index < 50; index++) {
    const problem = `client${index} has no certificate ${index} s after healing`
    tally.add(
      makeFailure('every client has one', { seed: String(index), cpuMs: 500 - index, problem }),
    )
  }
  tally.add(makeFailure('no attacker has one', { seed: '99' }))
  tally.replace(
    makeFailure('every client has one', {
      seed: '49',
      shrunk: { hosts: 3, faults: 1, runs: 20, replay: 'replay 49 --faults 2' },
    }),
  )
  t.match(tally.report().failures, [
    {
      count: 50,
      fastest: [
        { seed: '49', shrunk: { faults: 1 } },
        { seed: '48' },
        { seed: '47' },
        { seed: '46' },
      ],
    },
    { count: 1 },
  ])
  t.equal(tally.report().failures[0]?.fastest.length, 4)
  t.end()
})

test('crashes are told apart by their words, without numbers', (t) => {
  const crash = (problem: string): string =>
    signatureOf(makeFailure('no host ends by itself', { class: 'crash', problem }))
  t.equal(crash('TypeError: x at port 4001\n  at a'), crash('TypeError: x at port 4002\n  at b'))
  t.not(crash('TypeError: x'), crash('RangeError: y'))
  t.end()
})
