// What a worker says of a seed: whoever reaches the queue can say anything.
import { z } from 'zod'
import { unfinished, type SeedResult } from '../result.ts'
import { ENGINE_FAULT } from '../verdict.ts'
import type { SeedJob } from './seed-job.ts'

const Digest = z.object({
  events: z.string(),
  shape: z.string(),
  bytes: z.string(),
  eventCount: z.number(),
  packetCount: z.number(),
  byteCount: z.number(),
})

const Failure = z.object({
  invariant: z.string(),
  problem: z.string(),
  atMs: z.number(),
  hosts: z.array(z.string()),
})

/** All but what who asked for the seed knows better. */
const WorkerResult = z.object({
  class: z.enum(['pass', 'invariant', 'unknown', 'liveness', 'crash', 'non-determinism']),
  failure: Failure.optional(),
  options: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  faults: z.number(),
  virtualMs: z.number(),
  cpuMs: z.number(),
  realMs: z.number(),
  events: z.number(),
  draws: z.number(),
  digest: Digest,
  sometimes: z.array(z.string()),
})

/** The result of a worker for that job; where it is none, the engine's fault. */
export function parseResult(value: unknown, { seed, world }: SeedJob, replay: string): SeedResult {
  const { success, data, error } = WorkerResult.safeParse(value)
  if (success) {
    const { failure, ...rest } = data
    return { ...rest, ...(failure === undefined ? {} : { failure }), seed, world, replay }
  }
  const [issue] = error.issues
  return unfinished({
    seed,
    world,
    class: 'unknown',
    invariant: ENGINE_FAULT,
    problem: `a worker returned no result: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`,
    realMs: 0,
    replay,
  })
}
