import { simDriver } from '../engine/drivers/sim.ts'
import { HostFailure } from '../engine/sim/host-failure.ts'
import { runScenario } from '../engine/run.ts'
import type { Trace } from '../engine/trace.ts'
import { scenarios } from '../index.ts'
import { scenarioLine, WORLDS } from './plan.ts'
import type { SeedClass, SeedFailure, SeedResult } from './result.ts'
import type { RunPlanOptions } from './run-plan.ts'
import { metIn } from './sometimes.ts'

const STORY = 'the story ran to its end'

/**
 * Runs a scenario in virtual time; the seed decides what its world does not say.
 *
 * @throws {RangeError} where there is no such scenario, or it knows no virtual time
 */
export async function runScenarioSeed(
  seed: string,
  name: string,
  options: Omit<RunPlanOptions, 'workDirectory'> & { readonly clients?: number | undefined },
): Promise<SeedResult> {
  const { onPacket, onEvent, signal, clients } = options
  const scenario = scenarios.find((candidate) => candidate.name === name)
  if (scenario === undefined) {
    throw new RangeError(`there is no world "${name}": wanted ${WORLDS.join(', ')}, or a scenario`)
  }
  if (scenario.inRealTime === true)
    throw new RangeError(`"${name}" runs in real time: it has no seeds`)
  const begun = performance.now()
  const cpu = process.cpuUsage()
  const driver = simDriver({ seed, ...(onPacket === undefined ? {} : { onPacket }) })
  let trace: Trace | undefined
  let found: { readonly class: SeedClass; readonly failure: SeedFailure } | undefined
  try {
    const report = await runScenario(scenario, {
      transport: 'sim',
      seed,
      clients,
      driver,
      signal,
      ca: {},
      watch(watched) {
        trace = watched
        if (onEvent !== undefined) watched.follow(onEvent)
      },
    })
    const broken = report.verdicts.find(({ problem }) => problem !== undefined)
    if (broken !== undefined) {
      const failure = {
        invariant: broken.name,
        problem: broken.problem ?? '',
        atMs: Math.round(report.durationMs),
        hosts: [],
      }
      found = { class: broken.name === STORY ? 'liveness' : 'invariant', failure }
    }
  } catch (error) {
    if (!(error instanceof HostFailure) || error.host === undefined) throw error
    const { host, atMs, message } = error
    const failure = { invariant: 'no host ends by itself', problem: message, atMs, hosts: [host] }
    found = { class: 'crash', failure }
  }
  const { user, system } = process.cpuUsage(cpu)
  return {
    seed,
    world: name,
    class: 'pass',
    ...found,
    options: {},
    faults:
      trace?.entries.filter(({ event }) => /^fault:(?!healed|failed)/.test(event)).length ?? 0,
    virtualMs: driver.simulated.clock.nowMs,
    cpuMs: Math.round((user + system) / 1000),
    realMs: Math.round(performance.now() - begun),
    events: driver.simulated.clock.events,
    draws: driver.simulated.draws(),
    digest: driver.digest(),
    sometimes: metIn(trace?.entries ?? []),
    replay: scenarioLine(seed, name, clients),
  }
}
