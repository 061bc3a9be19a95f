import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { drawPlan } from './draw.ts'
import { reduce, replayLine, WORLDS, type Reduction, type WorldName } from './plan.ts'
import { runScenarioSeed } from './run-scenario.ts'
import type { SeedResult } from './result.ts'
import { runPlan, type RunPlanOptions } from './run-plan.ts'

export interface RunSeedOptions extends Omit<RunPlanOptions, 'workDirectory'> {
  /** One of {@link WORLDS}, or the name of a scenario. */
  readonly world: string
  readonly reduction?: Reduction | undefined
  /** Of a scenario. @default its own number */
  readonly clients?: number | undefined
  /** A folder that the seed's own is made in, and removed again. */
  readonly folder: string
}

/** Runs the world of a seed, under virtual time. */
export async function runSeed(seed: string, options: RunSeedOptions): Promise<SeedResult> {
  const { world, reduction = {}, clients, folder, ...rest } = options
  const known = WORLDS.find((name): name is WorldName => name === world)
  if (known === undefined) return await runScenarioSeed(seed, world, { ...rest, clients })
  const plan = reduce(drawPlan(seed, known), reduction)
  const workDirectory = join(folder, seed)
  await mkdir(workDirectory, { recursive: true })
  const begun = performance.now()
  const cpu = process.cpuUsage()
  try {
    const { timeline: _, ...outcome } = await runPlan(plan, { ...rest, workDirectory })
    const { user, system } = process.cpuUsage(cpu)
    return {
      seed,
      world,
      options: plan.options,
      faults: plan.faults.length,
      cpuMs: Math.round((user + system) / 1000),
      realMs: Math.round(performance.now() - begun),
      replay: replayLine(seed, world, reduction),
      ...outcome,
    }
  } finally {
    await rm(workDirectory, { recursive: true, force: true })
  }
}
