// The process of a runner: it gets one seed after the other by message, and answers each with its result. Started with
// `--import …/sim/register.ts`; it ends when its parent does.
import { rm } from 'node:fs/promises'
import { makeWorkFolder } from '../engine/work-folder.ts'
import type { Reduction } from './plan.ts'
import type { SeedResult } from './result.ts'
import { runSeed } from './run-seed.ts'
import { writeTrace } from './trace-file.ts'

/** What a runner asks for. */
export interface SeedRequest {
  readonly id: number
  readonly seed: string
  readonly world: string
  readonly reduction?: Reduction | undefined
  readonly clients?: number | undefined
  /** File for everything that happens, a line of JSON each. */
  readonly traceFile?: string | undefined
}

/** What it is answered: a result, or why there is none. */
export type SeedReply = { readonly id: number; readonly residentBytes: number } & (
  | { readonly result: SeedResult; readonly error?: undefined }
  | { readonly error: string; readonly result?: undefined }
)

const folder = await makeWorkFolder({ keep: false })
process.on('message', (request: SeedRequest) => {
  void answer(request).then((reply) => process.send?.(reply))
})
// Without its parent it has nobody to run for.
process.on('disconnect', () => {
  void rm(folder, { recursive: true, force: true }).finally(() => process.kill(process.pid))
})
process.send?.('ready')

async function answer(request: SeedRequest): Promise<SeedReply> {
  const { id, seed, world, reduction, clients, traceFile } = request
  const residentBytes = process.memoryUsage.rss()
  const trace = traceFile === undefined ? undefined : writeTrace(traceFile)
  try {
    const tracing = trace === undefined ? {} : { onPacket: trace.record, onEvent: trace.record }
    const result = await runSeed(seed, { world, reduction, clients, folder, ...tracing })
    await trace?.close()
    return { id, residentBytes, result }
  } catch (error) {
    // What went wrong first is what is told.
    await trace?.close().catch(() => {})
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return { id, residentBytes, error: text }
  }
}
