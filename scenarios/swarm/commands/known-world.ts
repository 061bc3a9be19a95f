import { InvalidArgumentError } from 'commander'
import { drawPlan } from '../draw.ts'
import { INDISPENSABLE, WORLDS, type Reduction, type SwarmPlan, type WorldName } from '../plan.ts'

/**
 * Says what is wrong with the name of a world, or with what shall be left of it, before anything runs.
 *
 * @throws {InvalidArgumentError}
 */
export async function checkWorld(seed: string, world: string, reduction: Reduction): Promise<void> {
  const known = WORLDS.find((name): name is WorldName => name === world)
  if (known === undefined) return await checkScenario(world, reduction)
  const plan = drawPlan(seed, known)
  checkFaults(plan, [
    ...(reduction.faults ?? []),
    ...Object.keys(reduction.halved ?? {}).map(Number),
  ])
  checkHosts(plan, reduction.without ?? [])
}

async function checkScenario(name: string, reduction: Reduction): Promise<void> {
  // Loads libp2p, which most worlds need only in the processes that run them.
  const { scenarios } = await import('../../index.ts')
  const scenario = scenarios.find((candidate) => candidate.name === name)
  if (scenario === undefined) {
    throw new InvalidArgumentError(
      `there is no world "${name}": wanted ${WORLDS.join(', ')}, or a scenario (npm run scenario -- list names them)`,
    )
  }
  if (scenario.inRealTime === true) {
    throw new InvalidArgumentError(`"${name}" runs in real time: it has no seed`)
  }
  if (Object.keys(reduction).length > 0) {
    throw new InvalidArgumentError(
      `"${name}" is a scenario, whose faults and hosts are its story: --faults, --without and --halved are of ${WORLDS.join(', ')}`,
    )
  }
}

function checkFaults({ seed, faults }: SwarmPlan, indexes: readonly number[]): void {
  const missing = indexes.find((index) => index >= faults.length)
  if (missing === undefined) return
  const there = faults.length === 0 ? 'no faults' : `the faults 0 to ${faults.length - 1}`
  throw new InvalidArgumentError(`there is no fault ${missing}: seed ${seed} has ${there}`)
}

function checkHosts({ seed, hosts }: SwarmPlan, absent: readonly string[]): void {
  const names = hosts.map(({ name }) => name)
  const missing = absent.find((name) => !names.includes(name))
  if (missing !== undefined) {
    throw new InvalidArgumentError(
      `there is no host "${missing}": seed ${seed} has ${names.join(', ')}`,
    )
  }
  const needed = absent.find((name) => INDISPENSABLE.has(name))
  if (needed !== undefined) {
    throw new InvalidArgumentError(
      `no world can do without ${needed}, nor without ${[...INDISPENSABLE].filter((name) => name !== needed).join(' or ')}`,
    )
  }
}
