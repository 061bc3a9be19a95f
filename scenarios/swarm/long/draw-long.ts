import type { HostPlan } from '../../engine/scenario.ts'
import { SeededRandom } from '../../engine/sim/random.ts'
import { EPOCH_MS } from '../../engine/sim/clock.ts'
import type { SwarmPlan, TimedFault } from '../plan.ts'

export const DAY_MS = 86_400_000
/** How long a day without faults may take until all is well. */
const LIVENESS_MS = 15 * 60_000

const DAYS = 400
const HOUR_MS = 3_600_000
const DAY_SECONDS = 86_400
/**
 * As certificates of Let's Encrypt become shorter, 90 days, then 64, then 45, in 400 days instead of two years: each
 * client renews under each of them.
 */
const LIFETIMES = [
  { fromDay: 0, days: 90 },
  { fromDay: 140, days: 64 },
  { fromDay: 270, days: 45 },
]
/** A restart of something about every month. */
const FAULTS_MAX = 14
const FAULT_HOURS_MAX = 12
const KEY_CHANGES_MAX = 2
const KINDS = ['crash', 'crash', 'crash', 'move', 'refuses', 'partition'] as const

/** Draws 400 days of a small zone: renewals, shorter lifetimes, other keys of the CA, and something broken now and then. */
export function drawLong(seed: string, days = DAYS): SwarmPlan {
  const random = new SeededRandom(`long ${seed}`)
  const sizes = random.fork('sizes')
  const count = { proof: 2, dns: 2, issue: 1, client: sizes.integer(2, 4) }
  const hosts = (['proof', 'dns', 'issue', 'client'] as const).flatMap((role) =>
    Array.from({ length: count[role] }, (_, index): HostPlan => {
      const name = `${role}${index + 1}`
      if (role !== 'client') return { name, role }
      const csr = random.fork(`host ${name}`).integer(1, 4) > 1
      // Announcements are what passes most often, and are nothing new in such a world.
      return {
        name,
        role,
        late: true,
        options: { autoStart: true, csr, announceIntervalMs: DAY_MS },
      }
    }),
  )
  const clients = hosts.filter(({ role }) => role === 'client').map(({ name }) => name)
  const changes = random.fork('keys')
  const drawnDays = Array.from({ length: changes.integer(1, KEY_CHANGES_MAX) }, () =>
    changes.integer(1, days - 1),
  )
  const keyChangeDays = [...new Set(drawnDays)].toSorted((one, other) => one - other)
  const faults = Array.from({ length: random.fork('faults').integer(2, FAULTS_MAX) }, (_, index) =>
    drawFault(random.fork(`fault ${index}`), { hosts, clients, days }),
  ).toSorted((one, other) => Number(one.at) - Number(other.at))
  return {
    seed,
    world: 'long',
    options: {
      days,
      clients: count.client,
      'lifetimes, days': LIFETIMES.map((lifetime) => lifetime.days).join(' '),
      'key changes on day': keyChangeDays.join(' '),
      faults: faults.length,
    },
    hosts,
    starts: Object.fromEntries(
      clients.map((name) => [name, random.fork(`start ${name}`).integer(0, 2 * DAY_MS)]),
    ),
    link: { latencyMs: 40, jitterMs: 5 },
    ca: {
      builtInCa: {
        certificateLifetimes: LIFETIMES.map((lifetime) => ({
          fromMs: EPOCH_MS + lifetime.fromDay * DAY_MS,
          seconds: lifetime.days * DAY_SECONDS,
        })),
      },
      upkeep: { heartbeatMs: 6 * HOUR_MS, keepAlive: false, reconnectMs: HOUR_MS },
    },
    faults,
    faultsMs: days * DAY_MS,
    livenessMs: LIVENESS_MS,
    long: { days, keyChangeDays },
  }
}

function drawFault(
  random: SeededRandom,
  world: {
    readonly hosts: readonly HostPlan[]
    readonly clients: readonly string[]
    readonly days: number
  },
): TimedFault {
  const at = random.integer(1, (world.days - 2) * DAY_MS)
  const forMs = random.integer(1, FAULT_HOURS_MAX * HOUR_MS)
  const host = random.pick(world.hosts).name
  switch (random.pick(KINDS)) {
    case 'crash':
      return { kind: 'crash', host, powerCut: random.float() < 0.5, at, forMs }
    case 'move':
      return { kind: 'move', host: random.pick(world.clients), at, forMs }
    case 'partition':
      return { kind: 'partition', host, direction: 'both', at, forMs }
    case 'refuses': {
      const seconds = random.integer(1, 600)
      const effect = {
        kind: 'status',
        status: 503,
        retryAfter: { seconds, as: 'seconds' },
      } as const
      return { kind: 'disturb', host: 'ca', rules: [{ effect }], at, forMs }
    }
  }
}
