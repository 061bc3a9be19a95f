import { ChildRunner } from '../swarm/runner.ts'
import type { SeedResult } from '../swarm/result.ts'
import type { PlantedBug } from './bug.ts'
import type { Control, Hunt, HuntOptions } from './hunt.ts'

export interface HuntAllOptions extends Omit<HuntOptions, 'control'> {
  readonly hunt: (bug: PlantedBug, options: HuntOptions) => Promise<Hunt>
  /** Bugs at once. */
  readonly jobs: number
  /** Real time for all; a bug that is looked for when it ends is missed. @default none */
  readonly budgetMs?: number | undefined
  readonly onHunt?: ((hunt: Hunt) => void) | undefined
}

/** Looks for bugs, several at once. */
export async function huntAll(
  bugs: readonly PlantedBug[],
  options: HuntAllOptions,
): Promise<readonly Hunt[]> {
  const { jobs, budgetMs, signal, onHunt } = options
  const ending = new AbortController()
  const timer = budgetMs === undefined ? undefined : setTimeout(() => ending.abort(), budgetMs)
  const either = AbortSignal.any([signal, ending.signal])
  await using unplanted = new ChildRunner({ seedMsMax: 600_000 })
  const control = sharedControl(unplanted, options.world)
  const queue = [...bugs]
  const hunts = new Map<PlantedBug, Hunt>()
  const place = async (): Promise<void> => {
    for (let bug = queue.shift(); bug !== undefined; bug = queue.shift()) {
      const seeds = { count: 0 }
      const found = await options
        .hunt(bug, {
          ...options,
          signal: either,
          control,
          onSeed: (count) => (seeds.count = count),
        })
        .catch((error: unknown): Hunt => {
          signal.throwIfAborted()
          if (!ending.signal.aborted) throw error
          const missed = bug as PlantedBug
          return {
            bug: missed,
            state: 'missed',
            seeds: seeds.count,
            cpuMs: 0,
            reason: 'out of time',
          }
        })
      hunts.set(bug, found)
      onHunt?.(found)
    }
  }
  try {
    await Promise.all(Array.from({ length: jobs }, place))
  } finally {
    clearTimeout(timer)
  }
  return bugs.flatMap((bug) => hunts.get(bug) ?? [])
}

/** One process for all, one seed after the other; each seed is run once. */
export function sharedControl(runner: Pick<ChildRunner, 'run'>, world: string): Control {
  const known = new Map<string, Promise<SeedResult>>()
  let last: Promise<unknown> = Promise.resolve()
  return (seed, signal) => {
    const before = known.get(seed)
    if (before !== undefined) return before
    const result = last.then(() => runner.run(seed, { world, signal }))
    last = result.catch(() => known.delete(seed))
    known.set(seed, result)
    return result
  }
}
