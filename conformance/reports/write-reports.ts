import { open, stat, unlink, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errorCode, makeFolder } from '../suite/files.ts'
import { UsageError } from '../suite/problems.ts'
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
  json: async (report) => `${JSON.stringify(report, undefined, 2)}\n`,
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
  await attempt(file, () => writeFile(file, text))
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

async function attempt(file: string, write: (file: string) => Promise<void>): Promise<void> {
  try {
    await makeFolder(dirname(file))
    await write(file)
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
