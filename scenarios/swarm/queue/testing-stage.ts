// A queue of its own for a test, with what the test starts at it.
import { EventEmitter, once } from 'node:events'
import type { Test } from 'tap'
import { runCampaign } from '../campaign/campaign.ts'
import type { Tally } from '../campaign/tally.ts'
import { openRedis } from './connection.ts'
import { QueueCrew } from './queue-crew.ts'
import type { RecordedWork } from './recorded-worker.ts'
import { startRedis, startWorker, type RunningRedis, type WorkerProcess } from './testing.ts'

export const NEVER = new AbortController().signal
const VERSION = 'abc'

export interface Stage {
  readonly redis: RunningRedis
  readonly url: string
  readonly crew: QueueCrew
  /** What the crew has told. */
  readonly told: readonly string[]
  /** Resolves when the crew has told so many such lines. */
  readonly tells: (line: RegExp, count?: number) => Promise<void>
  readonly worker: (work?: Partial<RecordedWork>) => Promise<WorkerProcess>
  readonly campaign: (
    seeds: number,
    options?: { readonly until?: AbortSignal; readonly seedsMin?: number },
  ) => Promise<Tally>
  /** Seeds in the queue that no worker has. */
  readonly waiting: () => Promise<readonly string[]>
}

export async function stage(t: Test, program: string): Promise<Stage> {
  const redis = await startRedis(program)
  const workers: WorkerProcess[] = []
  const told: string[] = []
  const news = new EventEmitter()
  const { url } = redis
  const crew = await QueueCrew.open({
    url,
    version: VERSION,
    replayOf: (seed) => `replay ${seed}`,
    report(line) {
      told.push(line)
      news.emit('told')
    },
    lookMs: 200,
  })
  t.teardown(async () => {
    await Promise.all(workers.map((worker) => worker.end('SIGKILL')))
    await crew[Symbol.asyncDispose]()
    await redis[Symbol.asyncDispose]()
  })
  return {
    redis,
    url,
    crew,
    told,
    async tells(line, count = 1) {
      while (told.filter((text) => line.test(text)).length < count) await once(news, 'told')
    },
    async worker(work = {}) {
      const common = { url, version: VERSION, jobs: 2, seedMs: 60, silenceMs: 800 }
      const worker = await startWorker({ ...common, ...work })
      workers.push(worker)
      return worker
    },
    async waiting() {
      const connection = await openRedis(url)
      const ids = await connection.lrange(`bull:nodetrust-seeds-${VERSION}:wait`, 0, -1)
      connection.disconnect()
      return ids
    },
    campaign: (seeds, options = {}) =>
      runCampaign({
        world: 'swarm',
        seeds: Array.from({ length: seeds }, (_, index) => String(index)).values(),
        crew,
        until: NEVER,
        signal: NEVER,
        ...options,
      }),
  }
}
