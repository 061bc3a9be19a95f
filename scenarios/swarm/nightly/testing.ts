import { Tally } from '../campaign/tally.ts'
import { makeFailure, makeResult } from '../campaign/testing.ts'
import { judgeNight, type NightReport } from './night-report.ts'

/** A recorded night in which something of each kind went wrong. */
export function makeNight(night: Partial<NightReport> = {}): NightReport {
  const swarm = new Tally('swarm')
  for (let seed = 0; seed < 2400; seed++) {
    const sometimes = seed % 3 === 0 ? ['the CA answers 429'] : ['a client obtains a certificate']
    swarm.add(makeResult({ seed: String(seed), sometimes }))
  }
  for (const seed of ['9001', '9002', '9003', '9004', '9005']) {
    const problem = `client${seed.at(-1)} has no certificate 1800 s after healing <b>`
    swarm.add(makeFailure('every client has a certificate', { seed, problem, cpuMs: Number(seed) }))
  }
  swarm.add(
    makeFailure('no host ends by itself', {
      seed: '9100',
      class: 'crash',
      problem:
        'TypeError: Cannot read properties of undefined (reading "peer")\n    at answer (impl)',
      shrunk: {
        hosts: 4,
        faults: 1,
        runs: 23,
        replay: 'npm run scenario -- replay 9100 --faults 3',
      },
    }),
  )
  swarm.addAgain()
  swarm.realMs = 96_000
  swarm.end = 'time'
  const long = new Tally('long')
  for (const seed of ['1', '2']) {
    long.add(makeResult({ seed, world: 'long', virtualMs: 400 * 86_400_000, cpuMs: 41_000 }))
  }
  long.realMs = 82_000
  long.end = 'late'
  const parts = {
    lanes: [swarm.report(), long.report()],
    canary: { seeds: 17, found: makeFailure('the planted bug', { world: 'canary', seed: '4' }) },
    slow: [
      {
        scenario: 'happy-path',
        transport: 'tcp',
        holds: true,
        durationMs: 5200,
        problems: [],
        again: 'npm run scenario -- happy-path',
      },
      {
        scenario: 'renewal',
        transport: 'tcp',
        holds: false,
        durationMs: 31_000,
        problems: ['every client has a new certificate: client1 has not'],
        again: 'npm run scenario -- renewal',
      },
    ],
    slowLeftOut: 0,
    sometimes: [
      { name: 'a client obtains a certificate', seeds: 1600 },
      { name: 'the CA answers 429', seeds: 800 },
      { name: 'an order is taken up again after a crash', seeds: 0 },
    ],
    ...night,
  }
  return {
    date: '2026-11-21',
    commit: 'c885bc4',
    startedAt: '2026-11-21T02:00:00.000Z',
    durationMs: 1_190_000,
    budgetMs: 1_200_000,
    machine: 'Node 24.21.0, 2 processors',
    ...judgeNight(parts),
    again: 'npm run nightly -- --date 2026-11-21',
    ...parts,
  }
}
