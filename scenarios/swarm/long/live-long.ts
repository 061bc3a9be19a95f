import { setTimeout as sleep } from 'node:timers/promises'
import { Faults } from '../../engine/faults.ts'
import type { TraceEntry } from '../../engine/trace.ts'
import type { World } from '../../engine/world.ts'
import type { SwarmPlan } from '../plan.ts'
import { DAY_MS } from './draw-long.ts'

/** After a fault of the day, the longest that anybody may wait until he tries again, and then some. */
const RECOVERY_MS = 3 * 3_600_000

/** What only long worlds have. */
export interface LongPlan {
  readonly days: number
  /** The CA signs with other keys, below other roots, from the begin of this day on. */
  readonly keyChangeDays: readonly number[]
}

/**
 * Lives through the days of a plan. At the end of each that no fault reaches into, all is well; `wellOf` waits for that.
 * Days, because a timer of more than 24.8 days fires at once: faults are handed out on the day of theirs.
 */
export async function liveLong(
  plan: SwarmPlan & { readonly long: LongPlan },
  world: World,
  wellOf: (world: World) => Promise<void>,
): Promise<void> {
  const { trace } = world
  const { days, keyChangeDays } = plan.long
  trace.record('engine', 'phase', { name: 'days' })
  await using faults = new Faults(world)
  const beginMs = trace.elapsedMs
  for (let day = 0; day < days; day++) {
    const fromMs = day * DAY_MS
    const isToday = (atMs: number): boolean => atMs >= fromMs && atMs < fromMs + DAY_MS
    if (keyChangeDays.includes(day)) await world.changeCaKeys()
    for (const fault of plan.faults) {
      const at = Number(fault.at)
      if (isToday(at)) await faults.add({ ...fault, at: at - fromMs })
    }
    for (const client of world.clients) {
      const startMs = plan.starts[client.name] ?? 0
      if (isToday(startMs)) void startAt(world, client.name, startMs - fromMs)
    }
    await sleep(beginMs + fromMs + DAY_MS - trace.elapsedMs)
    const reach = plan.faults.some(({ at, forMs }) => {
      const untilMs = Number(at) + forMs + RECOVERY_MS
      return Number(at) < fromMs + DAY_MS && untilMs > fromMs + DAY_MS
    })
    const allStarted = Object.values(plan.starts).every(
      (startMs) => startMs + RECOVERY_MS < fromMs + DAY_MS,
    )
    if (!reach && allStarted) await wellOf(world)
  }
  trace.record('engine', 'phase', { name: 'healing' })
  await faults.healAll()
  for (const host of world.hosts) if (!host.running) await host.start()
  trace.record('engine', 'phase', { name: 'liveness' })
  await wellOf(world)
  trace.record('engine', 'phase', { name: 'end' })
}

async function startAt(world: World, name: string, afterMs: number): Promise<void> {
  await sleep(afterMs)
  // A fault may have started it by now.
  await world
    .host(name)
    .start()
    .catch((error: unknown) => {
      world.trace.record(name, 'host:failed', { reason: String(error) })
    })
}

/** No certificate lapses that a client could have renewed: between two thirds and the end lie weeks. */
export function lapseProblem({ event, host }: TraceEntry): string | undefined {
  return event === 'certificate:expired' ? `the certificate of ${host} has lapsed` : undefined
}
