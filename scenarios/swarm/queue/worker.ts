import { Worker } from 'bullmq'
import { hostname } from 'node:os'
import type { Crew } from '../campaign/crew.ts'
import { countText } from '../count-text.ts'
import type { SeedResult } from '../result.ts'
import { isOfConnection, openRedis } from './connection.ts'
import { inTimeToLeave, watchLoss } from './loss.ts'
import { queueName, SeedJob, TAKEN_OVER_MAX, workerName } from './seed-job.ts'

export interface WorkInit {
  /** `redis://…` of Redis or Valkey. */
  readonly url: string
  /** Of the code: seeds of other versions are left to others. */
  readonly version: string
  readonly crew: Crew
  /** How long this one may be silent before others take its seeds over. @default 10 s */
  readonly silenceMs?: number
  /** From then on no seed is begun; those that run are finished. */
  readonly until: AbortSignal
  /** Ends those too. */
  readonly signal: AbortSignal
  readonly onResult?: (result: SeedResult) => void
  /** Gets lines for people. */
  readonly report?: (line: string) => void
}

const SILENCE_MS = 10_000

/** Takes seeds from a queue and runs them, until it is told to end. */
export async function work(init: WorkInit): Promise<void> {
  const { url, version, crew, silenceMs = SILENCE_MS, until, signal } = init
  const left = new AbortController()
  const redis = await openRedis(url, left.signal)
  const report = (line: string): void => init.report?.(line)
  using _loss = watchLoss(redis, { url, report })
  const running = new Set<Promise<SeedResult>>()
  const worker = new Worker<unknown, SeedResult>(
    queueName(version),
    async ({ data }) => {
      const { seed, world, fresh } = SeedJob.parse(data)
      const options = { world, signal }
      const run = fresh ? crew.runFresh(seed, options) : crew.run(seed, options)
      running.add(run)
      try {
        const result = await run
        init.onResult?.(result)
        return result
      } finally {
        running.delete(run)
      }
    },
    {
      connection: redis,
      concurrency: crew.width,
      name: workerName(crew.width, `${hostname()}-${process.pid}`),
      lockDuration: silenceMs,
      stalledInterval: Math.ceil(silenceMs / 2),
      maxStalledCount: TAKEN_OVER_MAX,
    },
  )
  // A lost connection comes back, and who watches for its loss tells of it. What was run meanwhile others may have run too.
  worker.on('error', (error) => {
    if (!isOfConnection(error)) report(`the queue: ${error.message}`)
  })
  await worker.waitUntilReady()
  report(`takes ${countText(crew.width, 'seed')} at once of version ${version}`)
  await aborted(until)
  const closing = worker.close()
  let isTold: boolean
  do {
    await Promise.race([Promise.allSettled(running), aborted(signal)])
    // The queue may be lost; one more seed may have been on its way.
    isTold = await inTimeToLeave(closing)
  } while (running.size > 0 && !signal.aborted)
  if (!isTold) report('the queue was left without a word: what ran last others may run again')
  left.abort()
  redis.disconnect()
}

function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  if (signal.aborted) resolve()
  signal.addEventListener('abort', () => resolve(), { once: true })
  return promise
}
