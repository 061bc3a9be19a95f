import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { finished } from 'node:stream/promises'
import { runOutside } from '../engine/sim/host-context.ts'
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

/** A trace that is being written. */
export interface TraceWriter {
  /** Adds a line of JSON. */
  readonly record: (entry: object) => void
  /** Rejects where the file could not be written to its end. */
  readonly close: () => Promise<void>
}

/**
 * Begins a file with a trace. It is the engine's own, whoever's event comes to it: what a dead host had begun to write is
 * never done.
 */
export function writeTrace(path: string): TraceWriter {
  const file = runOutside(() => createWriteStream(path))
  // Begun at once: a file that cannot be written is closed before anybody asks for it.
  const written = runOutside(() => finished(file))
  // Told by close().
  written.catch(() => {})
  return {
    record: (entry) => runOutside(() => void file.write(`${JSON.stringify(entry)}\n`)),
    async close() {
      runOutside(() => file.end())
      await written.catch(({ message }: Error) => {
        throw new Error(`the trace cannot be written: ${message}`)
      })
    },
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
