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
 * is left out, too: {@link findCut} tells of it.
 *
 * @throws {UnavailableError} where a line before the last is none of a trace
 */
export async function* readEvents(file: string): AsyncGenerator<TraceEntry> {
  let number = 0
  let broken: number | undefined
  for await (const line of linesOf(file)) {
    if (broken !== undefined)
      throw new UnavailableError(`"${file}" is no trace: see line ${broken}`)
    number += 1
    const isEvent = line.includes('"event":')
    const entry = isEvent ? parseLine(line) : undefined
    if (entry !== undefined) yield entry
    // There are many packets: that such a line has its end is enough.
    else if (isEvent || !line.endsWith('}')) broken = number
  }
}

/** The last line of a trace, where its end is missing. */
export interface Cut {
  /** From 1. */
  readonly line: number
  readonly text: string
  readonly problem: string
}

/**
 * Says so where the last line of a trace is only a part of one: its process was killed. Nothing where there is no file.
 */
export async function findCut(file: string): Promise<Cut | undefined> {
  let [line, text] = [0, '']
  for await (const last of linesOf(file)) {
    line += 1
    text = last
  }
  if (line === 0 || parseLine(text) !== undefined) return undefined
  return { line, text, problem: `"${file}" is cut in line ${line}: what wrote it was ended` }
}

async function* linesOf(file: string): AsyncGenerator<string> {
  try {
    yield* createInterface({ input: createReadStream(file) })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

function parseLine(line: string): TraceEntry | undefined {
  try {
    return JSON.parse(line) as TraceEntry
  } catch {
    return undefined
  }
}
