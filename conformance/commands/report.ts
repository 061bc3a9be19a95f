import { htmlText } from '../reports/html.ts'
import { reportSchema } from '../reports/report.ts'
import { writeText } from '../reports/write-reports.ts'
import { fileIdentity, readText } from '../suite/files.ts'
import { checkJson, UsageError } from '../suite/problems.ts'
import type { CommandIo } from './io.ts'

export interface ReportWords {
  readonly html: string
}

/** `report`: JSON reports of several targets, or several versions of one, as one HTML page. */
export async function report(
  files: readonly string[],
  words: ReportWords,
  io: CommandIo,
): Promise<void> {
  const page = fileIdentity(words.html)
  if (files.some((file) => fileIdentity(file) === page)) {
    throw new UsageError(
      `--html ${words.html} would overwrite one of the reports: take another name`,
    )
  }
  const reports = await Promise.all(
    files.map(async (file) =>
      checkJson(await readText(file), {
        name: file,
        schema: reportSchema,
        madeBy: '"run --report json=FILE"',
      }),
    ),
  )
  if (io.isOutput(words.html)) return io.write(htmlText(reports))
  await writeText(words.html, htmlText(reports))
  io.note(`${words.html} compares ${reports.map(({ target }) => target.name).join(', ')}\n`)
}
