// A worker for tests, in a process of its own: it takes seeds from a queue and tells what was recorded for them. What to do
// comes by message.
import { setTimeout as sleep } from 'node:timers/promises'
import { localCrew } from '../campaign/crew.ts'
import { makeResult, recordedRunner } from '../campaign/testing.ts'
import type { SeedResult } from '../result.ts'
import { work } from './worker.ts'

export interface RecordedWork {
  readonly url: string
  readonly version: string
  readonly jobs: number
  /** How long a seed takes. */
  readonly seedMs: number
  readonly silenceMs: number
  /** The seed that ends the process. */
  readonly poison?: string
  /** What is said of each seed, as JSON. @default that it passes */
  readonly answer?: string
}

/** What the worker tells its parent. */
export type WorkerNews =
  | { readonly ready: true }
  | { readonly begun: string }
  | { readonly finished: string }

const ending = new AbortController()
const tell = (news: WorkerNews): void => void process.send?.(news)

process.on('SIGTERM', () => ending.abort())
process.on('message', (message: RecordedWork) => {
  const { jobs, seedMs, poison, answer, ...rest } = message
  const crew = localCrew({
    jobs,
    openRunner: () =>
      recordedRunner(async (seed, world) => {
        tell({ begun: seed })
        if (seed === poison) process.kill(process.pid, 'SIGKILL')
        await sleep(seedMs)
        // Of another program, it may be anything.
        if (answer !== undefined) return JSON.parse(answer) as SeedResult
        return makeResult({ seed, world, sometimes: [`on ${process.pid}`] })
      }),
  })
  void work({
    ...rest,
    crew,
    until: ending.signal,
    signal: new AbortController().signal,
    onResult(result: Partial<SeedResult> | null) {
      if (result?.seed !== undefined) tell({ finished: result.seed })
    },
    report: () => tell({ ready: true }),
  }).then(() => process.disconnect())
})
