import { createReadStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TraceEntry } from '../engine/trace.ts'

/** A file for a trace: the one that somebody wants, or one that is removed. */
export async function temporaryTrace(
  wanted: string | undefined,
): Promise<{ readonly file: string } & AsyncDisposable> {
  if (wanted !== undefined) return { file: wanted, [Symbol.asyncDispose]: async () => {} }
  const folder = await mkdtemp(join(tmpdir(), 'nodetrust-traces-'))
  return {
    file: join(folder, 'trace.jsonl'),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

/** The events of a trace; packets are left out. Nothing where there is no file. */
export async function* readEvents(file: string): AsyncGenerator<TraceEntry> {
  try {
    for await (const line of createInterface({ input: createReadStream(file) })) {
      if (line.includes('"event":')) yield JSON.parse(line) as TraceEntry
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
