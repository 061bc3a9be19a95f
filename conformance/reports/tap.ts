import { stringify } from 'yaml'
import { withoutC1 } from '../suite/readable.ts'
import { counted } from '../suite/words.ts'
import { unexpectedPass } from './conclusion.ts'
import { notChosen, WHY_NOT } from './left-out.ts'
import type { ReportedCase, RunReport } from './report.ts'

/** The messages of a failed check that are shown; the evidence has all. */
const WIRE_MAX = 10

/** A run as TAP 14: a test point a check, with a YAML block where there is more to say than that it passed. */
export function tapText(report: RunReport): string {
  const { results, suite, target, seed, interrupted, leftOut } = report
  const notRun = leftOut.filter(({ why }) => why === 'interrupted')
  const skipped = notChosen(report)
  return [
    'TAP version 14',
    `# ${suite.name} ${suite.version} against ${oneLine(target.name)}, zone ${target.zone}, seed ${seed}`,
    `1..${results.length + skipped.length}`,
    ...results.flatMap((one, index) => point(one, { report, number: index + 1 })),
    ...skipped.map(({ id, title, why }, index) => {
      const words = escaped(`${id} ${title}`)
      return `ok ${results.length + index + 1} - ${words} # SKIP not run: ${WHY_NOT[why]}`
    }),
    ...notRun.map(({ id }) => `# not run: ${id}`),
    ...(interrupted
      ? [`Bail out! the run was interrupted, ${counted(notRun.length, 'check')} not run`]
      : []),
    '',
  ].join('\n')
}

function point(
  one: ReportedCase,
  { report, number }: { readonly report: RunReport; readonly number: number },
): string[] {
  const news = unexpectedPass(report, one)
  // A strict run fails for it.
  const failed = one.verdict === 'fail' || one.verdict === 'inconclusive'
  const ok = failed || (news !== undefined && report.strict) ? 'not ok' : 'ok'
  const words = escaped(`${one.id} ${one.title}`)
  const head = `${ok} ${number} - ${words}${directive(one, report.strict ? undefined : news)}`
  if (one.verdict === 'pass' && news === undefined) return [head]
  const details = stringify(
    {
      verdict: one.verdict,
      news,
      requirement: one.requirement,
      level: one.level,
      reason: one.reason,
      expected: one.expected,
      actual: one.actual,
      byHand: one.byHand,
      evidence: one.evidence,
      fault: one.suiteFault,
      duration_ms: one.durationMs,
      ...(one.verdict === 'fail' || one.verdict === 'nonstrict'
        ? { wire: one.wire.slice(0, WIRE_MAX) }
        : {}),
    },
    (_, value: unknown) => (typeof value === 'string' ? withoutC1(value) : value),
    { lineWidth: 0 },
  )
  const block = ['---', ...details.trimEnd().split('\n'), '...']
  return [head, ...block.map((line) => `  ${line}`)]
}

/** TODO is TAP's word for what is known to fail, with ok before it for what does so no longer; SKIP for what does not apply, or was left out. */
function directive(
  { verdict, known, reason = '' }: ReportedCase,
  news: string | undefined,
): string {
  if (verdict === 'unsupported') return ` # SKIP ${escaped(reason)}`
  if (news !== undefined) return ` # TODO ${escaped(news)}`
  return known === verdict && verdict !== 'pass' ? ` # TODO known: ${known}` : ''
}

/** What begins a directive or a comment in TAP stands behind a backslash. */
function escaped(text: string): string {
  return oneLine(text)
    .replaceAll('\\', '\\\\')
    .replaceAll('#', String.raw`\#`)
}

function oneLine(text: string): string {
  return withoutC1(text).replaceAll(/\s+/g, ' ').trim()
}
