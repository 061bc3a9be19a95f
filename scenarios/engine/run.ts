import { rm } from 'node:fs/promises'
import type { Driver } from './drivers/driver.ts'
import { openDriver, type DriverName } from './drivers/index.ts'
import { Faults } from './faults.ts'
import { invariants } from './invariants.ts'
import { UnavailableError } from './machine/machine.ts'
import { certificateReport, type RunReport, type Verdict } from './report.ts'
import type { Scenario } from './scenario.ts'
import { Trace } from './trace.ts'
import { makeWorkFolder } from './work-folder.ts'
import { World, type WorldInit } from './world.ts'

/** Longest story, from its first step to its last invariant, unless the scenario says otherwise. */
const DEADLINE_MS = 60_000
/** Longest wait for one expectation: the story has ended, so little is left to happen. */
const EXPECTATION_MS_MAX = 15_000
/** A crowd in one process is slower for each of them. */
const EXPECTATION_MS_PER_HOST = 500
const NOT_JUDGED = 'not judged, because the story did not run to its end'
/** Longest set-up: it may install Pebble. */
const SET_UP_MS_MAX = 300_000

export interface RunOptions {
  readonly transport: DriverName
  /** @default what the scenario says */
  readonly clients?: number | undefined
  /** What a simulated world is drawn from; others have none. @default the driver's own */
  readonly seed?: string | undefined
  readonly ca: WorldInit['ca']
  /** Keeps the run's folder (the CA's log, stores, certificates), and tells where it is. */
  readonly keep?: boolean
  readonly signal?: AbortSignal | undefined
  /** Where to run instead of opening a place for `transport`. */
  readonly driver?: Driver | undefined
  /** Called when the world's parts are about to be started, with the trace that the run will fill. */
  readonly watch?: (trace: Trace, hosts: readonly string[]) => void
}

/** Runs one scenario from an empty folder to its report. Throws only when the run itself could not be made. */
export async function runScenario(scenario: Scenario, options: RunOptions): Promise<RunReport> {
  if (scenario.inRealTime === true && options.transport === 'sim') {
    throw new UnavailableError(
      `"${scenario.name}" needs programs that know no virtual time: take another --transport`,
    )
  }
  if (scenario.onlySimulated === true && options.transport !== 'sim') {
    throw new UnavailableError(`"${scenario.name}" is of a simulated network: add --transport sim`)
  }
  const driver = options.driver ?? (await openDriver(options.transport, { seed: options.seed }))
  return await driver.drive(() => runOn(driver, scenario, options))
}

async function runOn(driver: Driver, scenario: Scenario, options: RunOptions): Promise<RunReport> {
  const clients = options.clients ?? clientsOf(scenario, options.transport)
  const plan = scenario.world(clients)
  const trace = new Trace()
  if (driver.record !== undefined) trace.follow(driver.record)
  const workDirectory = await makeWorkFolder({ keep: options.keep === true })
  const verdicts: Verdict[] = []
  const interrupted = options.signal === undefined ? [] : [options.signal]
  const signal = AbortSignal.any([
    ...interrupted,
    AbortSignal.timeout(SET_UP_MS_MAX + (scenario.deadlineMs ?? DEADLINE_MS)),
  ])
  options.watch?.(trace, ['ca', ...plan.hosts.map(({ name }) => name)])
  let world: World | undefined
  let reported = false
  try {
    await scenario.prepare?.({ ...options.ca, signal })
    world = await World.open({
      plan,
      driver,
      trace,
      workDirectory,
      signal,
      // No other CA has virtual time.
      ca: options.transport === 'sim' ? { ...options.ca, only: 'built-in' } : options.ca,
    })
    verdicts.push(...(await judge(scenario, world, interrupted)))
    const certificates = await Promise.all(world.certificates.map(certificateReport(workDirectory)))
    reported = true
    return {
      scenario: scenario.name,
      title: scenario.title,
      proves: scenario.proves,
      transport: options.transport,
      ca: world.ca.description,
      hosts: world.hosts.map((host) => ({
        name: host.name,
        role: host.plan.role,
        peerId: host.peerId,
        addresses: Object.values(host.place.addresses),
      })),
      timeline: [...trace.entries],
      certificates,
      verdicts,
      holds: verdicts.every(({ problem }) => problem === undefined),
      durationMs: trace.elapsedMs,
      digest: driver.digest?.(),
      keptIn: options.keep === true ? workDirectory : undefined,
      again: `npm run scenario -- ${scenario.name} --transport ${options.transport}${
        options.clients === undefined ? '' : ` --clients ${clients}`
      }${options.seed === undefined ? '' : ` --seed ${options.seed}`}${options.ca.only === undefined ? '' : ` --ca ${options.ca.only}`}`,
    }
  } finally {
    await world?.[Symbol.asyncDispose]()
    // Without a report nobody would know of the folder.
    if (options.keep !== true || !reported)
      await rm(workDirectory, { recursive: true, force: true })
  }
}

/** How many clients a scenario has where nobody says. */
function clientsOf({ clientsDefault, clientsMin }: Scenario, transport: DriverName): number {
  const wanted = typeof clientsDefault === 'object' ? clientsDefault[transport] : clientsDefault
  return wanted ?? clientsMin ?? 1
}

/** Tells the story with its faults and judges the world during and after it. */
async function judge(
  scenario: Scenario,
  world: World,
  interrupted: readonly AbortSignal[],
): Promise<Verdict[]> {
  const broken = new Map<string, string>()
  const note = (name: string, holds: true | string): void => {
    if (holds !== true && !broken.has(name)) broken.set(name, holds)
  }
  const probes: Promise<void>[] = []
  const check = (event?: string): void => {
    for (const { name, always, after } of invariants) {
      if (event === undefined || after?.includes(event) === true)
        note(name, always?.(world) ?? true)
    }
  }
  const unfollow = world.trace.follow((entry) => {
    check(entry.event)
    for (const { name, onEvent } of invariants) {
      const probe = onEvent?.(world, entry)
      if (probe === undefined) continue
      probes.push(
        probe.then(
          (holds) => note(name, holds),
          (error: unknown) => note(name, String(error)),
        ),
      )
    }
  })
  let story: string | undefined
  // What is looked at only at the end has not been seen to hold before that.
  let faultProblem: string | undefined = NOT_JUDGED
  let ended = false
  let hasFaults = (world.plan.faults ?? []).length > 0
  try {
    await using faults = new Faults(world)
    for (const fault of world.plan.faults ?? []) await faults.add(fault)
    const deadline =
      (scenario.deadlineMs ?? DEADLINE_MS) + world.hosts.length * EXPECTATION_MS_PER_HOST
    await withDeadline(
      scenario.run(world, (fault) => {
        hasFaults = true
        return faults.add(fault)
      }),
      deadline,
    )
    await withDeadline(world.announced(), deadline)
    await Promise.all(probes)
    for (const { name, atEnd } of invariants) note(name, (await atEnd?.(world)) ?? true)
    faultProblem = faults.problem()
    ended = true
  } catch (error) {
    for (const signal of interrupted) signal.throwIfAborted()
    story = error instanceof Error ? error.message : String(error)
  } finally {
    unfollow()
  }
  check()
  const verdicts: Verdict[] = [
    { name: 'the story ran to its end', problem: story },
    ...(hasFaults ? [{ name: 'every fault happened', problem: faultProblem }] : []),
    ...invariants.map(({ name, atEnd }) => ({
      name,
      problem: broken.get(name) ?? (ended || atEnd === undefined ? undefined : NOT_JUDGED),
    })),
  ]
  for (const expectation of scenario.expectations) {
    const { name } = expectation
    const result = await withDeadline(
      Promise.try(() => expectation.holds(world)),
      EXPECTATION_MS_MAX + world.hosts.length * EXPECTATION_MS_PER_HOST,
    ).catch((error: unknown) => (error instanceof Error ? error.message : String(error)))
    verdicts.push({ name, problem: result === true ? undefined : result })
  }
  return verdicts
}

async function withDeadline<T>(work: Promise<T>, deadlineMs: number): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`not done within ${deadlineMs} ms`)), deadlineMs)
  try {
    return await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
  }
}
