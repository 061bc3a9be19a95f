// How failing worlds are made small, with worlds that are no more than a rule.
import { test } from 'tap'
import { makeFailure, makeResult } from './campaign/testing.ts'
import { drawPlan } from './draw.ts'
import { reduce, type Reduction } from './plan.ts'
import type { SeedResult } from './result.ts'
import { minimise, shrink } from './shrink.ts'

test('the smallest part that fails is found, whatever it is', async (t) => {
  const list = Array.from({ length: 23 }, (_, index) => index)
  for (const culprits of [[], [0], [22], [7], [3, 19], [0, 1, 2], [5, 11, 17, 22]]) {
    let runs = 0
    const kept = await minimise(list, async (part) => {
      runs += 1
      return culprits.every((culprit) => part.includes(culprit))
    })
    t.same(kept, culprits)
    t.ok(runs < 120, `${culprits.join()} took ${runs} runs`)
  }
})

const seed = seedWith((plan) => plan.faults.length > 6 && plan.hosts.length > 7)
const drawn = drawPlan(seed)
/** One fault that no host's absence takes away, and a client that it hurts. */
const culprit = drawn.faults.findIndex(
  (fault) => !('with' in fault) && /^(ca|proof1|dns1|issue1|client1)$/.test(fault.host),
)

function seedWith(fits: (plan: ReturnType<typeof drawPlan>) => boolean): string {
  for (let index = 0; ; index++) if (fits(drawPlan(String(index)))) return String(index)
}

/** Fails while its fault lasts a second and its client is there. */
function rule(reduction: Reduction): SeedResult {
  const { hosts, faults } = reduce(drawn, reduction)
  const wanted = drawn.faults[culprit]
  const there = faults.some(({ at, kind }) => at === wanted?.at && kind === wanted?.kind)
  const hurt = hosts.some(({ name }) => name === 'client1')
  return there && hurt
    ? makeFailure('every client has one', { seed, world: 'swarm', problem: 'client1 has none' })
    : makeResult({ seed, world: 'swarm' })
}

test('a failing world is shrunk to one fault and the hosts that it needs, and seen again twice', async (t) => {
  let fresh = 0
  const shrunk = await shrink(
    rule({}),
    {},
    {
      run: async (reduction) => rule(reduction),
      runFresh: async (reduction) => {
        fresh += 1
        return rule(reduction)
      },
    },
  )
  t.equal(shrunk.faults, 1)
  t.same(shrunk.reduction.faults, [culprit])
  t.same(
    shrunk.plan.hosts.map(({ name }) => name),
    ['proof1', 'dns1', 'issue1', 'client1'],
  )
  t.equal(fresh, 2)
  t.ok(shrunk.verified)
  t.match(shrunk.replay, `npm run scenario -- replay ${seed} --faults ${culprit} --without `)
})

test('another failure on the way is not taken for the same one', async (t) => {
  const other = makeFailure('no attacker has one', { seed, world: 'swarm' })
  const shrunk = await shrink(
    rule({}),
    {},
    {
      run: async (reduction) => (rule(reduction).class === 'pass' ? other : rule(reduction)),
      runFresh: async (reduction) => rule(reduction),
    },
  )
  t.equal(shrunk.result.failure?.invariant, 'every client has one')
  t.equal(shrunk.faults, 1)
})

test('what fresh processes do not see again is said not to be verified', async (t) => {
  const shrunk = await shrink(
    rule({}),
    {},
    {
      run: async (reduction) => rule(reduction),
      runFresh: async () => makeResult({ seed, world: 'swarm' }),
    },
  )
  t.notOk(shrunk.verified)
})

test('shrinking ends after so many runs', async (t) => {
  let runs = 0
  await shrink(
    rule({}),
    {},
    {
      runsMax: 5,
      run: async (reduction) => {
        runs += 1
        return rule(reduction)
      },
      runFresh: async (reduction) => rule(reduction),
    },
  )
  t.equal(runs, 5)
})
