import type { ClientPlan, HostPlan } from '../engine/scenario.ts'
import { SeededRandom } from '../engine/sim/random.ts'
import type { Random } from '../engine/sim/random.ts'
import { drawFaults } from './draw-faults.ts'
import { drawHome, homesText } from './draw-home.ts'
import { drawLong } from './long/draw-long.ts'
import type { SwarmPlan, WorldName } from './plan.ts'

/** Clients wait no longer than this after a failure, so that a healed world is well in minutes. */
const RETRY_MS_MAX = 60_000
/** A client that takes the first failure for the last, in effect: the planted bug of the canary. */
const RETRY_MS_NEVER = 10 * 86_400_000
const LATENCIES_MS = [1, 10, 40, 150] as const
const JITTERS_MS = [0, 5, 50] as const
const FAULTS_MS = [20_000, 60_000, 120_000] as const
const LIVENESS_MS = 15 * 60_000
/** It is to be found, and need not be waited for. */
const LIVENESS_MS_CANARY = 2 * 60_000
const ANNOUNCE_INTERVAL_MS = 10_000
const ANNOUNCE_INTERVAL_MS_CROWD = 120_000
/** One in so many. */
const ANNOUNCING_SHARE_CROWD = 5
/** 100 nodes. */
const CROWD = { proof: 3, dns: 2, issue: 1, client: 93, attacker: 1 }

/**
 * Draws the world of a seed. Each host, each fault and each kind of choice has a stream of its own: leaving one out
 * changes nothing about the others.
 *
 * @param seed decimal
 */
export function drawPlan(seed: string, world: WorldName = 'swarm'): SwarmPlan {
  if (world === 'long') return drawLong(seed)
  const random = new SeededRandom(`plan ${seed}`)
  const sizes = random.fork('sizes')
  const count =
    world === 'crowd'
      ? CROWD
      : {
          proof: sizes.integer(1, 3),
          dns: sizes.integer(1, 2),
          issue: sizes.pick([1, 1, 1, 2]),
          client: sizes.integer(1, 5),
          attacker: sizes.integer(0, 1),
        }
  const families =
    world === 'crowd' ? '4' : random.fork('families').pick(['4', '4', '6', '4 and 6'])
  const links = random.fork('links')
  const link = { latencyMs: links.pick(LATENCIES_MS), jitterMs: links.pick(JITTERS_MS) }
  const ca = drawCa(random.fork('ca'), world)
  const hosts = (['proof', 'dns', 'issue', 'client', 'attacker'] as const).flatMap((role) =>
    Array.from({ length: count[role] }, (_, index): HostPlan => {
      const name = `${role}${index + 1}`
      const of = families === '4' ? [4 as const] : families === '6' ? [6 as const] : BOTH
      if (role === 'issue')
        return { name, role, families: BOTH, deniesPeers: true, options: { budgets: BUDGETS } }
      if (role !== 'client') return { name, role, families: role === 'attacker' ? of : BOTH }
      const client = drawClient(name, random.fork(`host ${name}`), { families: of, world })
      return world === 'swarm' ? drawHome(client, random) : client
    }),
  )
  const faultsMs = world === 'crowd' ? FAULTS_MS[0] : random.fork('faults').pick(FAULTS_MS)
  const starts = Object.fromEntries(
    hosts
      .filter(({ role }) => role === 'client')
      .map(({ name }) => [name, random.fork(`start ${name}`).integer(0, faultsMs)]),
  )
  const { validity } = ca
  const { faults, kinds } = drawFaults(random, { hosts, faultsMs, world, starts, validity })
  return {
    seed,
    world,
    options: {
      ...Object.fromEntries(Object.entries(count).map(([role, number]) => [`${role}s`, number])),
      families,
      homes: homesText(hosts.filter((host): host is ClientPlan => host.role === 'client')),
      'latency ms': link.latencyMs,
      'jitter ms': link.jitterMs,
      'bad nonces %': ca.badNonces,
      'reused authorizations %': ca.reuse,
      'certificates s': ca.validity ?? 'as usual',
      'faults s': faultsMs / 1000,
      faults: faults.length,
      'fault kinds': kinds.join(' '),
    },
    hosts,
    starts,
    link,
    ca: {
      caEnvironment: {
        PEBBLE_WFE_NONCEREJECT: String(ca.badNonces),
        PEBBLE_AUTHZREUSE: String(ca.reuse),
      },
      ...(ca.validity === undefined ? {} : { certificateValiditySeconds: ca.validity }),
    },
    faults,
    faultsMs,
    livenessMs: world === 'canary' ? LIVENESS_MS_CANARY : LIVENESS_MS,
  }
}

const BOTH = [4, 6] as const

/** More than is used, and nothing comes back meanwhile: so it can be seen what was counted. */
const BUDGET = { count: 1_000, periodMs: 365 * 86_400_000 }
const BUDGETS = { certificatesPerDomain: BUDGET, certificatesPerSet: BUDGET }

function drawClient(
  name: string,
  random: Random,
  { families, world }: { readonly families: readonly (4 | 6)[]; readonly world: WorldName },
): ClientPlan {
  const maximumMs = world === 'canary' ? RETRY_MS_NEVER : RETRY_MS_MAX
  const initialMs = world === 'canary' ? RETRY_MS_NEVER : 5_000
  return {
    name,
    role: 'client',
    families,
    late: true,
    options: {
      autoStart: true,
      // One in five is of 2018; in a crowd none is, for the RSA keys that it costs.
      csr: random.integer(1, 5) > 1 || world === 'crowd',
      retry: { initialMs, maximumMs },
      // As applications have it: scenarios on real sockets cannot wait for so long.
      // Everybody passes everybody's announcements on: a crowd has more listeners than speakers.
      announce: world !== 'crowd' || random.integer(1, ANNOUNCING_SHARE_CROWD) === 1,
      announceIntervalMs: world === 'crowd' ? ANNOUNCE_INTERVAL_MS_CROWD : ANNOUNCE_INTERVAL_MS,
    },
  }
}

interface CaDraw {
  /** In percent, as is `reuse`. */
  readonly badNonces: number
  readonly reuse: number
  /** In seconds; undefined for the CA's own. Short ones are renewed while faults happen. */
  readonly validity: number | undefined
}

function drawCa(random: Random, world: WorldName): CaDraw {
  return {
    badNonces: random.pick([0, 0, 5, 30]),
    reuse: random.pick([0, 50, 100]),
    // A crowd that renews would take minutes of real time.
    validity: world === 'crowd' ? undefined : random.pick([undefined, undefined, 60, 200]),
  }
}
