import type { FaultMoment, HostPlan } from '../engine/scenario.ts'
import type { SeededRandom } from '../engine/sim/random.ts'
import type { TimedFault } from './plan.ts'

/** Of the worlds in which something is done to somebody. */
const COINCIDENCE_SHARE = 0.3
/** Back before whoever waited for an answer asks again. */
const DOWN_MS_MAX = 1_000

interface Cast {
  readonly hosts: readonly HostPlan[]
  /** When each client is started, in ms. */
  readonly starts: Readonly<Record<string, number>>
}

type Coincidence = (random: SeededRandom, cast: Cast) => readonly TimedFault[]

/**
 * Draws what comes of two faults at once, or of one at one moment: drawn each by itself, they would meet so once in
 * hundreds of worlds. It has a stream of its own: what else happens is the same with it and without.
 */
export function drawCoincidence(random: SeededRandom, cast: Cast): readonly TimedFault[] {
  const own = random.fork('coincidence')
  if (own.float() >= COINCIDENCE_SHARE) return []
  return own.pick([removalMissed, resumedInVain, diesInItsOrder])(own, cast)
}

/** A DNS server is cut off when the CA has seen the challenges, and before they are removed. */
const removalMissed: Coincidence = (random, { hosts }) => {
  const host = nameOf('dns', random, hosts)
  const at = momentOf(['finalize', 'certificate'], random, hosts)
  return [{ kind: 'isolate', host, at, forMs: random.integer(1_000, 20_000) }]
}

/** An issue server ends in the middle of an order, and takes it up when the CA serves nobody, and nobody waits for it. */
const resumedInVain: Coincidence = (random, { hosts }) => {
  const at = momentOf(['authorization', 'challenge', 'order', 'finalize'], random, hosts)
  const powerCut = random.float() < 0.5
  const rule = { effect: { kind: 'status', status: 503 } } as const
  const host = String(at.detail?.['via'])
  return [
    { kind: 'crash', host, disk: 'kept', powerCut, at, forMs: random.integer(100, DOWN_MS_MAX) },
    { kind: 'disturb', host: 'ca', rules: [rule], at, forMs: random.integer(5_000, 20_000) },
  ]
}

/** A client dies while the first order runs, which is likely its own, and is back soon: the key that it has made is on its disk. */
const diesInItsOrder: Coincidence = (random, { hosts, starts }) => {
  const [host] = Object.keys(starts).toSorted((one, other) => at(one) - at(other))
  if (host === undefined) return []
  const moment = momentOf(['newOrder', 'authorization', 'challenge'], random, hosts)
  const forMs = random.integer(100, DOWN_MS_MAX)
  return [{ kind: 'crash', host, disk: 'kept', powerCut: false, at: moment, forMs }]

  function at(name: string): number {
    return starts[name] ?? 0
  }
}

/** When the CA has answered an issue server for one of these: the first time, for what it has once seen it may not ask again. */
function momentOf(
  resources: readonly string[],
  random: SeededRandom,
  hosts: readonly HostPlan[],
): FaultMoment {
  const detail = { resource: random.pick(resources), via: nameOf('issue', random, hosts) }
  return { event: 'ca:request', detail }
}

function nameOf(role: HostPlan['role'], random: SeededRandom, hosts: readonly HostPlan[]): string {
  return random.pick(hosts.filter((host) => host.role === role)).name
}
