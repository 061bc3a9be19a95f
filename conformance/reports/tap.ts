import { stringify } from 'yaml'
import type { ReportedCase, RunReport } from './report.ts'

/** The messages of a failed check that are shown; the evidence has all. */
const WIRE_MAX = 10

/** A run as TAP 14: a test point a check, with a YAML block where there is more to say than that it passed. */
export function tapText(report: RunReport): string {
  const { results, suite, target, seed, interrupted } = report
  return [
    'TAP version 14',
    `# ${suite.name} ${suite.version} against ${oneLine(target.name)}, zone ${target.zone}, seed ${seed}`,
    `1..${results.length}`,
    ...results.flatMap((one, index) => point(one, index + 1)),
    ...(interrupted ? ['Bail out! the run was interrupted'] : []),
    '',
  ].join('\n')
}

function point(one: ReportedCase, number: number): string[] {
  const ok = one.verdict === 'fail' || one.verdict === 'inconclusive' ? 'not ok' : 'ok'
  const words = escaped(`${one.id} ${one.title}`)
  const head = `${ok} ${number} - ${words}${directive(one)}`
  if (one.verdict === 'pass') return [head]
  const details = stringify(
    {
      verdict: one.verdict,
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
    { lineWidth: 0 },
  )
  const block = ['---', ...details.trimEnd().split('\n'), '...']
  return [head, ...block.map((line) => `  ${line}`)]
}

/** TODO is TAP's word for what is known to fail, SKIP for what does not apply. */
function directive({ verdict, known, reason = '' }: ReportedCase): string {
  if (verdict === 'unsupported') return ` # SKIP ${escaped(reason)}`
  return known === verdict && verdict !== 'pass' ? ` # TODO known: ${known}` : ''
}

/** What begins a directive or a comment in TAP stands behind a backslash. */
function escaped(text: string): string {
  return oneLine(text)
    .replaceAll('\\', '\\\\')
    .replaceAll('#', String.raw`\#`)
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim()
}
