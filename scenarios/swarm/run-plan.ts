import { setTimeout as sleep } from 'node:timers/promises'
import type { Driver, Simulated } from '../engine/drivers/driver.ts'
import { simDriver } from '../engine/drivers/sim.ts'
import { Faults } from '../engine/faults.ts'
import { invariants } from '../engine/invariants.ts'
import { HostFailure } from '../engine/sim/host-failure.ts'
import type { PacketShape, TraceDigest } from '../engine/sim/hashes.ts'
import { Trace, type TraceEntry } from '../engine/trace.ts'
import { World } from '../engine/world.ts'
import { EVENTUALLY, type Complaint } from './eventually.ts'
import { leak, SETTLE_MS } from './leaks.ts'
import { DAY_MS } from './long/draw-long.ts'
import { lapseProblem, liveLong } from './long/live-long.ts'
import type { SwarmPlan } from './plan.ts'
import type { SeedClass, SeedFailure } from './result.ts'
import { metIn } from './sometimes.ts'
import { talk } from './talk.ts'
import { WATCHES } from './watches/index.ts'
import type { WatchFacts } from './watches/watch.ts'
import { ENGINE_FAULT } from './verdict.ts'

/** Between two looks at a world that is not well yet: what takes longer is looked at less often, up to the other. */
const POLL_MS_MIN = 500
const POLL_MS_MAX = 15_000
const POLL_GROWTH = 1.2
/** Virtual time for the story to be over, however it goes: what waits longer waits for ever. */
const STORY_MS_MAX = 2 * 60 * 60_000

/** As long as a timer can be: 24.8 days. */
const SILENCE_MS_MAX = 2 ** 31 - 1

/** What one world came to. */
export interface PlanOutcome {
  readonly class: SeedClass
  readonly failure?: SeedFailure
  readonly virtualMs: number
  readonly events: number
  readonly draws: number
  readonly digest: TraceDigest
  readonly sometimes: readonly string[]
  readonly timeline: readonly TraceEntry[]
}

export interface RunPlanOptions {
  /** Folder for stores and logs; it is the caller's to remove. */
  readonly workDirectory: string
  readonly signal?: AbortSignal | undefined
  /** Gets every packet that leaves a host. */
  readonly onPacket?: ((shape: PacketShape) => void) | undefined
  /** Gets every event as it happens. */
  readonly onEvent?: ((entry: TraceEntry) => void) | undefined
}

/** Something is wrong with the world, and the story need not go on. */
class Found extends Error {
  readonly kind: SeedClass
  readonly failure: SeedFailure

  constructor(kind: SeedClass, failure: SeedFailure) {
    super(failure.problem)
    this.kind = kind
    this.failure = failure
  }
}

/**
 * Runs a world through its phases: warm-up, faults, healing, liveness, leak check. It needs a process that
 * `sim/register.ts` has prepared.
 */
export async function runPlan(plan: SwarmPlan, options: RunPlanOptions): Promise<PlanOutcome> {
  const driver = simDriver({
    seed: plan.seed,
    link: plan.link,
    // In a world of months, connections stay although nobody keeps them alive.
    ...(plan.long === undefined ? {} : { silenceMsMax: SILENCE_MS_MAX }),
    ...(options.onPacket === undefined ? {} : { onPacket: options.onPacket }),
  })
  const { simulated } = driver
  const trace = new Trace()
  let found: Found | undefined
  try {
    await driver.drive(() => tell(plan, { driver, simulated, trace, options }))
  } catch (error) {
    found = asFound(error, simulated.clock.nowMs)
  }
  return {
    class: found?.kind ?? 'pass',
    ...(found === undefined ? {} : { failure: found.failure }),
    virtualMs: simulated.clock.nowMs,
    events: simulated.clock.events,
    draws: simulated.draws(),
    digest: driver.digest(),
    sometimes: metIn(trace.entries),
    timeline: trace.entries,
  }
}

interface Stage {
  readonly driver: Driver
  readonly simulated: Simulated
  readonly trace: Trace
  readonly options: RunPlanOptions
}

async function tell(plan: SwarmPlan, stage: Stage): Promise<void> {
  const { driver, simulated, trace, options } = stage
  const over = new AbortController()
  const signal = AbortSignal.any([
    over.signal,
    ...(options.signal === undefined ? [] : [options.signal]),
  ])
  const broken = Promise.withResolvers<never>()
  broken.promise.catch(() => {})
  const unfollow = trace.follow((entry) => {
    const detail = withoutPaths(entry.detail, options.workDirectory)
    driver.record?.({ ...entry, detail })
    options.onEvent?.({ ...entry, detail })
  })
  let world: World | undefined
  try {
    world = await World.open({
      plan: { hosts: plan.hosts, ...plan.ca },
      driver,
      trace,
      workDirectory: options.workDirectory,
      signal,
      ca: { only: 'built-in' },
    })
    judgeAlways(world, broken.reject)
    // The bug of a canary is there to be found by what must come true.
    if (plan.world !== 'canary') {
      watchAll(world, { calm: plan.faults.length === 0 }, broken.reject)
    }
    const { long } = plan
    if (long !== undefined) judgeLapses(world, broken.reject)
    const story =
      long === undefined
        ? [live(plan, world), late(world, over.signal)]
        : [liveLong({ ...plan, long }, world, (of) => everythingIsWell(plan, of))]
    await Promise.race([...story, broken.promise])
  } finally {
    over.abort(new Error('the world ends'))
    await world?.[Symbol.asyncDispose]()
  }
  // Gossipsub lets its last heartbeat come, and does nothing in it.
  const leaked = await leak(simulated, plan.long === undefined ? SETTLE_MS : DAY_MS)
  if (leaked !== undefined) throw new Found('invariant', { ...leaked, atMs: trace.elapsedMs })
  unfollow()
}

/** The phases in which hosts run. */
async function live(plan: SwarmPlan, world: World): Promise<void> {
  const { trace } = world
  const phase = (name: string): void => trace.record('engine', 'phase', { name })
  phase('faults')
  await using faults = new Faults(world)
  for (const fault of plan.faults) await faults.add(fault)
  await Promise.all([
    sleep(plan.faultsMs),
    ...world.clients.map(async (client) => {
      await sleep(plan.starts[client.name] ?? 0)
      // A fault may have started it by now, or have filled its disk; then whoever runs it tries again.
      await client.start().catch((error: unknown) => {
        trace.record(client.name, 'host:failed', { reason: String(error) })
      })
    }),
  ])
  phase('healing')
  await faults.healAll()
  // One that could not be started while its disk was full: whoever runs it tries again.
  for (const host of world.hosts) if (!host.running) await host.start()
  phase('liveness')
  const well = new AbortController()
  const talked = talk(world, well.signal)
  try {
    await everythingIsWell(plan, world)
  } finally {
    well.abort()
    await talked
  }
  phase('end')
}

/** Waits until all holds that must come true. */
async function everythingIsWell({ livenessMs }: SwarmPlan, world: World): Promise<void> {
  const { trace } = world
  const latestMs = trace.elapsedMs + livenessMs
  for (const { name, problem, withinMs } of EVENTUALLY) {
    const untilMs = Math.min(latestMs, trace.elapsedMs + (withinMs?.(world) ?? livenessMs))
    for (let pollMs = POLL_MS_MIN; ; pollMs = Math.min(pollMs * POLL_GROWTH, POLL_MS_MAX)) {
      const complaint = await look(problem, world)
      if (complaint === undefined) break
      if (trace.elapsedMs > untilMs) {
        throw new Found('liveness', { invariant: name, ...complaint, atMs: trace.elapsedMs })
      }
      await sleep(Math.round(pollMs))
    }
  }
}

/** What cannot be looked at now is not well yet. */
async function look(
  problem: (world: World) => Promise<Complaint | undefined> | Complaint | undefined,
  world: World,
): Promise<Complaint | undefined> {
  try {
    return await problem(world)
  } catch (error) {
    return { problem: String(error), hosts: [] }
  }
}

function judgeAlways(world: World, broken: (found: Found) => void): void {
  const { trace } = world
  trace.follow(({ event, host }) => {
    for (const { name, always, after } of invariants) {
      if (always === undefined || after?.includes(event) !== true) continue
      const holds = always(world)
      if (holds === true) continue
      const failure = { invariant: name, problem: holds, atMs: trace.elapsedMs, hosts: [host] }
      broken(new Found('invariant', failure))
    }
    const attacker = world.certificates.find((got) => got.host.startsWith('attacker'))
    if (event !== 'answer:received' || attacker === undefined) return
    const failure = {
      invariant: 'no attacker gets a certificate',
      problem: `${attacker.host} got one`,
      atMs: trace.elapsedMs,
      hosts: [attacker.host],
    }
    broken(new Found('invariant', failure))
  })
}

function judgeLapses({ trace }: World, broken: (found: Found) => void): void {
  trace.follow((entry) => {
    const problem = lapseProblem(entry)
    if (problem === undefined) return
    const invariant = 'no certificate lapses while its client runs'
    const { elapsedMs: atMs } = trace
    broken(new Found('invariant', { invariant, problem, atMs, hosts: [entry.host] }))
  })
}

/** What is told by all that has happened. */
function watchAll(world: World, facts: WatchFacts, broken: (found: Found) => void): void {
  const { trace } = world
  const watching = WATCHES.map(({ name, open }) => ({ name, see: open(world, facts) }))
  const note = (invariant: string, complaint: Complaint | undefined): void => {
    if (complaint === undefined) return
    broken(new Found('invariant', { invariant, ...complaint, atMs: trace.elapsedMs }))
  }
  const look = (entry: TraceEntry): void => {
    for (const { name, see } of watching) {
      const complaint = see(entry)
      if (!(complaint instanceof Promise)) note(name, complaint)
      // What cannot be looked at shows nothing.
      else void complaint.then((one) => note(name, one)).catch(() => {})
    }
  }
  for (const entry of trace.entries) look(entry)
  trace.follow(look)
}

async function late({ trace }: World, signal: AbortSignal): Promise<never> {
  await sleep(STORY_MS_MAX, undefined, { signal })
  throw new Found('unknown', {
    invariant: 'the story ends',
    problem: `it goes on after ${STORY_MS_MAX} ms of virtual time`,
    atMs: trace.elapsedMs,
    hosts: [],
  })
}

function asFound(error: unknown, atMs: number): Found {
  if (error instanceof Found) return error
  const problem = error instanceof Error ? (error.stack ?? error.message) : String(error)
  if (error instanceof HostFailure && error.host !== undefined && error.host !== 'engine') {
    const cause = error.cause instanceof Error ? (error.cause.stack ?? '') : ''
    return new Found('crash', {
      invariant: 'no host ends by itself',
      problem: `${error.message}\n${cause}`,
      atMs: error.atMs,
      hosts: [error.host],
    })
  }
  return new Found('unknown', { invariant: ENGINE_FAULT, problem, atMs, hosts: [] })
}

/** Where a run keeps its files is no part of what happens in it. */
function withoutPaths(
  detail: Readonly<Record<string, unknown>>,
  folder: string,
): Readonly<Record<string, unknown>> {
  const text = JSON.stringify(detail)
  return text.includes(folder)
    ? (JSON.parse(text.replaceAll(folder, '')) as Readonly<Record<string, unknown>>)
    : detail
}
