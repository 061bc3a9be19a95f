// What a case sent and received, kept in memory for the reports and on disk for disputes.
import { createHash } from 'node:crypto'
import { mkdtemp, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode, makeFolder } from './files.ts'
import { UsageError } from './problems.ts'
import { lockRun } from './run-lock.ts'
import type { WireEntry, WireLog } from './wire-log.ts'

/** An entry as wire.jsonl and reports hold it. */
export interface RecordedEntry {
  /** Since the case began, ms. */
  readonly atMs: number
  readonly direction: WireEntry['direction']
  readonly channel: string
  readonly hex: string
  readonly note?: string
}

/** A case that floods its target must not fill our disk. */
const BYTES_MAX = 4 * 1024 * 1024
const ENTRIES_MAX = 20_000
const HASH_LENGTH = 12

export class WireRecorder implements WireLog {
  readonly entries: RecordedEntry[] = []
  /** Not kept, because there was too much before them. */
  left = 0
  readonly #startedMs = performance.now()
  #bytes = 0
  #closed = false

  record({ direction, channel, bytes, note }: WireEntry): void {
    // A socket may still hear something when the case has been judged.
    if (this.#closed) return
    this.#bytes += bytes.length
    if (this.entries.length >= ENTRIES_MAX || this.#bytes > BYTES_MAX) {
      this.left++
      return
    }
    this.entries.push({
      atMs: Math.round((performance.now() - this.#startedMs) * 1000) / 1000,
      direction,
      channel,
      hex: Buffer.from(bytes).toString('hex'),
      ...(note === undefined ? {} : { note }),
    })
  }

  close(): void {
    this.#closed = true
  }
}

/** Where a case's evidence is, below the folder of a run's target: a folder for the requirement, one for the slug. */
export function evidenceFolder(out: string, target: string, caseId: string): string {
  return join(out, ...[target, ...caseId.split('/')].map(fileName))
}

/**
 * Makes the folder for the evidence of a run, and tries it. What is kept of the target there is this process's until the
 * result is disposed of.
 * @throws {UsageError} where that cannot be, or another run is at it
 */
export async function makeEvidenceFolder(out: string, target: string): Promise<AsyncDisposable> {
  try {
    await makeFolder(out, 0o700)
    await rmdir(await mkdtemp(join(out, '.probe-')))
    return await lockRun(join(out, fileName(target)))
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(
      `--out is "${out}", which is no folder that can be written to (${errorCode(error)})`,
    )
  }
}

/** Writes wire.jsonl and output.txt. Issue servers send private keys, so only their owner reads these. */
export async function writeEvidence(
  folder: string,
  { wire, output }: { readonly wire: WireRecorder; readonly output: string },
): Promise<void> {
  await makeFolder(folder, 0o700)
  const lines = wire.entries.map((entry) => JSON.stringify(entry))
  if (wire.left > 0) lines.push(JSON.stringify({ left: wire.left }))
  await Promise.all([
    writeFile(join(folder, 'wire.jsonl'), lines.map((line) => `${line}\n`).join(''), {
      mode: 0o600,
    }),
    writeFile(join(folder, 'output.txt'), output, { mode: 0o600 }),
  ])
}

/** Longer ones are no names of files everywhere. */
const NAME_LENGTH_MAX = 64
const NAME = /^[\w-][\w.-]*$/
const HASHED = /-[0-9a-f]{12}$/

/** No name leads out of the folder, means something to a shell, or stands for the folder of another name. */
function fileName(text: string): string {
  const plain = NAME.test(text) && text.length <= NAME_LENGTH_MAX && !HASHED.test(text)
  if (plain) return text
  const hash = createHash('sha256').update(text).digest('hex').slice(0, HASH_LENGTH)
  const readable = text
    .slice(0, NAME_LENGTH_MAX)
    .replaceAll(/[^\w.-]/g, '-')
    .replace(/^\.+/, '')
  return `${readable === '' ? 'unnamed' : readable}-${hash}`
}
