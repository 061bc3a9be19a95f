import { Worker } from 'bullmq'
import { hostname } from 'node:os'
import type { Crew } from '../campaign/crew.ts'
import type { SeedResult } from '../result.ts'
import { openRedis } from './connection.ts'
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
  const redis = await openRedis(url)
  const worker = new Worker<unknown, SeedResult>(
    queueName(version),
    async ({ data }) => {
      const { seed, world, fresh } = SeedJob.parse(data)
      const options = { world, signal }
      const result = await (fresh ? crew.runFresh(seed, options) : crew.run(seed, options))
      init.onResult?.(result)
      return result
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
  // A lost connection comes back; what was run meanwhile others may have run too.
  worker.on('error', (error) => init.report?.(`the queue: ${error.message}`))
  await worker.waitUntilReady()
  init.report?.(`takes ${crew.width} seeds at once of version ${version}`)
  await aborted(until)
  await Promise.race([worker.close(), aborted(signal).then(() => worker.close(true))])
  redis.disconnect()
}

function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  if (signal.aborted) resolve()
  signal.addEventListener('abort', () => resolve(), { once: true })
  return promise
}
