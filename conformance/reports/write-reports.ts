import { randomUUID } from 'node:crypto'
import { chmod, open, realpath, rename, rm, stat, unlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { errorCode, makeFolder } from '../suite/files.ts'
import { UsageError } from '../suite/problems.ts'
import { withoutC1 } from '../suite/readable.ts'
import type { RunReport } from './report.ts'

/** A file that a run writes: `--report junit=results.xml`. */
export interface ReportFile {
  readonly format: ReportFormat
  readonly file: string
}

export const REPORT_FORMATS = ['tap', 'junit', 'json', 'html'] as const
export type ReportFormat = (typeof REPORT_FORMATS)[number]

/** Formats are loaded when they are asked for. */
const WRITERS: Readonly<Record<ReportFormat, (report: RunReport) => Promise<string>>> = {
  tap: async (report) => (await import('./tap.ts')).tapText(report),
  junit: async (report) => (await import('./junit.ts')).junitText(report),
  json: async (report) => `${withoutC1(JSON.stringify(report, undefined, 2))}\n`,
  html: async (report) => (await import('./html.ts')).htmlText([report]),
}

/** @throws {UsageError} where the text is not `FORMAT=FILE` */
export function parseReportFile(text: string): ReportFile {
  const [word = '', ...rest] = text.split('=')
  const format = REPORT_FORMATS.find((known) => known === word)
  const file = rest.join('=')
  if (format === undefined || file === '') {
    throw new UsageError(
      `--report is "${text}", wanted ${REPORT_FORMATS.join(', ')} and a file, such as junit=results.xml`,
    )
  }
  return { format, file }
}

/**
 * Looks whether reports can be written before the run that they are of. Nothing that is there is changed.
 * @throws {UsageError} with every file that cannot
 */
export async function probeReports(files: readonly ReportFile[]): Promise<void> {
  const probed = await Promise.allSettled(files.map(({ file }) => attempt(file, probe)))
  const problems = messagesOf(probed)
  if (problems.length > 0) throw new UsageError(problems.join('\n'))
}

/** Standard output: what else a command says is written there, too. */
export interface ReportOutput {
  readonly isOutput: (file: string) => boolean
  readonly write: (text: string) => void
}

/** Writes a report in all formats that were asked for. Returns a line for each file that cannot be; all others are. */
export async function writeReports(
  report: RunReport,
  files: readonly ReportFile[],
  output?: ReportOutput,
): Promise<readonly string[]> {
  return messagesOf(
    await Promise.allSettled(
      files.map(async ({ format, file }) => {
        const text = await WRITERS[format](report)
        if (output?.isOutput(file) === true) output.write(text)
        else await writeText(file, text)
      }),
    ),
  )
}

/** @throws {UsageError} where the file cannot be written */
export async function writeText(file: string, text: string): Promise<void> {
  await attempt(file, () => write(file, text))
}

/** Where a folder takes no other file, or the file is a mount point: it alone can be written. */
const ONLY_IN_PLACE = ['EACCES', 'EPERM', 'EBUSY']

/** A disk that is full, or an end meanwhile, leaves what was there. */
async function write(file: string, text: string): Promise<void> {
  const found = await stat(file).catch(() => undefined)
  if (found !== undefined && !found.isFile()) return await writeFile(file, text)
  const whole = found === undefined ? file : await realpath(file)
  const part = join(dirname(whole), `.${randomUUID()}.part`)
  try {
    await writeFile(part, text, { flag: 'wx', flush: true })
    if (found !== undefined) await chmod(part, found.mode)
    await rename(part, whole)
  } catch (error) {
    await rm(part, { force: true })
    if (!ONLY_IN_PLACE.includes(errorCode(error))) throw error
    await writeFile(file, text)
  }
}

async function probe(file: string): Promise<void> {
  // Standard output.
  if (file === '-') return
  const found = await stat(file).catch(() => undefined)
  // Devices and pipes are for writing once.
  if (found !== undefined && !found.isFile() && !found.isDirectory()) return
  await (await open(file, 'a')).close()
  if (found === undefined) await unlink(file)
}

async function attempt(file: string, use: (file: string) => Promise<void>): Promise<void> {
  try {
    await makeFolder(dirname(file))
    await use(file)
  } catch (error) {
    throw new UsageError(`file "${file}" cannot be written (${errorCode(error)})`)
  }
}

/** What the user can mend; all else is a mistake of ours. */
function messagesOf(settled: readonly PromiseSettledResult<void>[]): readonly string[] {
  const failures = settled.flatMap((one) =>
    one.status === 'rejected' ? [one.reason as Error] : [],
  )
  const fault = failures.find((error) => !(error instanceof UsageError))
  if (fault !== undefined) throw fault
  return failures.map(({ message }) => message)
}
