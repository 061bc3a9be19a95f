import { requirementOf } from '../suite/selection.ts'
import { counted } from '../suite/words.ts'
import { unexpectedPass } from './conclusion.ts'
import type { ReportedCase, RunReport } from './report.ts'

/**
 * A run as JUnit XML, as CI services read it: a suite for each role, `classname` is the requirement. What a run that was
 * interrupted did not come to is a suite of its own.
 */
export function junitText(report: RunReport): string {
  const { target, startedAt: timestamp, strict } = report
  const points = report.results.map((one) => ({
    one,
    role: one.role,
    outcome: outcomeOf(one, { strict, news: unexpectedPass(report, one) }),
  }))
  const suites = [
    ...[...Map.groupBy(points, ({ role }) => role)].map(([role, some]) =>
      element(
        'testsuite',
        { name: `${target.name}.${role}`, timestamp, ...counts(some) },
        some.map(({ one, outcome }) =>
          testcase(
            { name: one.id, classname: one.requirement, time: seconds(one.durationMs) },
            outcome,
          ),
        ),
      ),
    ),
    ...(report.interrupted ? [interruptedSuite(report)] : []),
  ]
  const notRun = report.interrupted ? notRunIds(report).length : 0
  const name = `${report.suite.name} ${report.suite.version}`
  const all = counts(points, report.interrupted ? { error: 1, skipped: notRun } : {})
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element('testsuites', { name, ...all }, suites)}\n`
}

/** An error, as a run that was broken off must not look like one that is whole; and what it did not come to. */
function interruptedSuite(report: RunReport): string {
  const { target, startedAt: timestamp, suite } = report
  const ids = notRunIds(report)
  const message = `the run was interrupted: ${counted(ids.length, 'check')} not run`
  return element(
    'testsuite',
    {
      name: `${target.name}.interrupted`,
      timestamp,
      ...counts([], { error: 1, skipped: ids.length }),
    },
    [
      testcase(
        { name: 'run', classname: suite.name, time: seconds(0) },
        { kind: 'error', message, type: 'interrupted' },
      ),
      ...ids.map((id) =>
        testcase(
          { name: id, classname: requirementOf({ id }), time: seconds(0) },
          { kind: 'skipped', message: 'not run: the run was interrupted' },
        ),
      ),
    ],
  )
}

function notRunIds({ leftOut }: RunReport): readonly string[] {
  return leftOut.flatMap(({ id, why }) => (why === 'interrupted' ? [id] : []))
}

/** What JUnit makes of a verdict. */
type Outcome =
  | { readonly kind: 'pass' }
  | { readonly kind: 'told'; readonly details: string }
  | { readonly kind: 'skipped'; readonly message: string }
  | {
      readonly kind: 'failure' | 'error'
      readonly message: string
      readonly type: string
      readonly details?: string
    }

function outcomeOf(
  one: ReportedCase,
  { strict, news }: { readonly strict: boolean; readonly news: string | undefined },
): Outcome {
  const { verdict, level: type, known } = one
  const message = one.expected === undefined ? (one.reason ?? '') : `expected ${one.expected}`
  const details = news === undefined ? detailText(one) : `${news}\n${detailText(one)}`
  if (news !== undefined && strict) return { kind: 'failure', message: news, type, details }
  if (verdict === 'pass') return news === undefined ? { kind: 'pass' } : { kind: 'told', details }
  if (verdict === 'unsupported') return { kind: 'skipped', message }
  // What is known has been looked at already, and must not turn a build red.
  if (known === verdict) return { kind: 'skipped', message: `known ${verdict}: ${message}` }
  if (verdict === 'fail') return { kind: 'failure', message, type, details }
  if (verdict === 'inconclusive') return { kind: 'error', message, type, details }
  return { kind: 'told', details }
}

function testcase(words: Readonly<Record<string, string>>, outcome: Outcome): string {
  return element('testcase', words, outcomeElements(outcome))
}

function outcomeElements(outcome: Outcome): readonly string[] {
  switch (outcome.kind) {
    case 'pass':
      return []
    case 'told':
      return [element('system-out', {}, [text(outcome.details)])]
    case 'skipped':
      return [element('skipped', { message: outcome.message }, [])]
    case 'failure':
    case 'error': {
      const { kind, message, type, details } = outcome
      return [element(kind, { message, type }, details === undefined ? [] : [text(details)])]
    }
  }
}

function detailText(one: ReportedCase): string {
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['verdict', one.verdict],
    ['title', one.title],
    ['reason', one.reason],
    ['expected', one.expected],
    ['actual', one.actual],
    ['by hand', one.byHand],
    ['evidence', one.evidence],
    ['fault', one.suiteFault],
  ]
  return rows
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]))
    .join('\n')
}

function counts(
  points: readonly { readonly one: ReportedCase; readonly outcome: Outcome }[],
  { error = 0, skipped = 0 }: { readonly error?: number; readonly skipped?: number } = {},
): Readonly<Record<string, string>> {
  const count = (kind: Outcome['kind']): number =>
    points.filter(({ outcome }) => outcome.kind === kind).length
  return {
    tests: String(points.length + error + skipped),
    failures: String(count('failure')),
    errors: String(count('error') + error),
    skipped: String(count('skipped') + skipped),
    time: seconds(points.reduce((sum, { one }) => sum + one.durationMs, 0)),
  }
}

function element(
  name: string,
  attributes: Readonly<Record<string, string>>,
  children: readonly string[],
): string {
  const words = Object.entries(attributes).map(([key, value]) => ` ${key}="${text(value)}"`)
  const open = `<${name}${words.join('')}`
  return children.length === 0 ? `${open}/>` : `${open}>${children.join('\n')}</${name}>`
}

function text(value: string): string {
  return (
    value
      // XML 1.0 has no way to write these.
      .replaceAll(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      .replaceAll('\n', '&#10;')
  )
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1_000).toFixed(3)
}
