import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { finished } from 'node:stream/promises'
import { UnavailableError } from '../engine/machine/machine.ts'
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

/**
 * The events of a trace; packets are left out. Nothing where there is no file. What a process was writing when it was killed
 * is left out, too, and told of.
 *
 * @throws {UnavailableError} where a line before the last is none of a trace
 */
export async function* readEvents(
  file: string,
  onCut: (problem: string) => void = () => {},
): AsyncGenerator<TraceEntry> {
  let number = 0
  let broken: number | undefined
  try {
    for await (const line of createInterface({ input: createReadStream(file) })) {
      if (broken !== undefined)
        throw new UnavailableError(`"${file}" is no trace: see line ${broken}`)
      number += 1
      if (!line.includes('"event":')) continue
      const entry = parseLine(line)
      if (entry === undefined) broken = number
      else yield entry
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  if (broken !== undefined) onCut(cutProblem(file, broken))
}

/** Says so where the last line of a trace, by its number, is only a part of one: its process was killed. */
export async function findCut(
  file: string,
): Promise<{ line: number; problem: string } | undefined> {
  let [line, last] = [0, '']
  for await (const text of createInterface({ input: createReadStream(file) })) {
    line += 1
    last = text
  }
  if (line === 0 || parseLine(last) !== undefined) return undefined
  return { line, problem: cutProblem(file, line) }
}

function cutProblem(file: string, line: number): string {
  return `"${file}" is cut in line ${line}: what wrote it was ended`
}

function parseLine(line: string): TraceEntry | undefined {
  try {
    return JSON.parse(line) as TraceEntry
  } catch {
    return undefined
  }
}
