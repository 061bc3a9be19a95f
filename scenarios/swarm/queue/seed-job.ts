// What the two ends of a queue agree in.
import { z } from 'zod'
import { unfinished, type SeedResult } from '../result.ts'

/** A seed that waits for a worker. */
export const SeedJob = z.strictObject({
  seed: z.string().regex(/^\d{1,20}$/),
  world: z.string().max(100),
  /** In a process that has run nothing before. */
  fresh: z.boolean(),
})
export type SeedJob = z.infer<typeof SeedJob>

/** The queue of one version of the code: another one would make other worlds of the same seeds. */
export function queueName(version: string): string {
  return `nodetrust-seeds-${version}`
}

/** A seed whose worker ended so often while it ran is taken up no more: it is what ends them. */
export const TAKEN_OVER_MAX = 2

/** A worker's name tells how many seeds it runs at once. Redis takes no spaces in names. */
export function workerName(jobs: number, id: string): string {
  return `${jobs}-at-once-${id.replaceAll(/[^\w.-]/g, '-')}`
}

/** How many seeds a worker of that name runs at once. */
export function jobsOf(name: string): number {
  return Number(/(?:^|:)(\d+)-at-once-/.exec(name)?.[1] ?? 0)
}

/** What becomes of a seed that no worker could finish. */
export function lostResult({ seed, world }: SeedJob, replay: string): SeedResult {
  return unfinished({
    seed,
    world,
    class: 'crash',
    invariant: 'the worker lives',
    problem: `${TAKEN_OVER_MAX + 1} workers ended while they ran this seed`,
    realMs: 0,
    replay,
  })
}
