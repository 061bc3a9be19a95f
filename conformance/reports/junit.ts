import { requirementOf } from '../suite/selection.ts'
import { counted } from '../suite/words.ts'
import { unexpectedPass } from './conclusion.ts'
import { notChosen, WHY_NOT, type ReportedLeftOut } from './left-out.ts'
import type { ReportedCase, RunReport } from './report.ts'

/**
 * A run as JUnit XML, as CI services read it: a suite for each role, `classname` is the requirement. What a run that was
 * interrupted did not come to is a suite of its own.
 */
export function junitText(report: RunReport): string {
  const { target, startedAt: timestamp, strict } = report
  const points = [
    ...report.results.map((one) => ({
      ...one,
      outcome: outcomeOf(one, { strict, news: unexpectedPass(report, one) }),
    })),
    ...notChosen(report).map(skippedPoint),
  ]
  const suites = [
    ...[...Map.groupBy(points, ({ role }) => role)].map(([role, some]) =>
      element(
        'testsuite',
        { name: `${target.name}.${role}`, timestamp, ...counts(some) },
        some.map(testcase),
      ),
    ),
    ...(report.interrupted ? [interruptedSuite(report)] : []),
  ]
  const name = `${report.suite.name} ${report.suite.version}`
  const all = counts([...points, ...(report.interrupted ? interruptedPoints(report) : [])])
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element('testsuites', { name, ...all }, suites)}\n`
}

function interruptedSuite(report: RunReport): string {
  const points = interruptedPoints(report)
  const name = `${report.target.name}.interrupted`
  return element(
    'testsuite',
    { name, timestamp: report.startedAt, ...counts(points) },
    points.map(testcase),
  )
}

/** An error, as a run that was broken off must not look like one that is whole; and what it did not come to. */
function interruptedPoints({ suite, leftOut }: RunReport): readonly Point[] {
  const notRun = leftOut.filter(({ why }) => why === 'interrupted')
  const message = `the run was interrupted: ${counted(notRun.length, 'check')} not run`
  const outcome = { kind: 'error', message, type: 'interrupted' } as const
  return [
    { id: 'run', requirement: suite.name, durationMs: 0, outcome },
    ...notRun.map(skippedPoint),
  ]
}

function skippedPoint(one: ReportedLeftOut) {
  const outcome = { kind: 'skipped', message: `not run: ${WHY_NOT[one.why]}` } as const
  return { ...one, requirement: requirementOf(one), durationMs: 0, outcome }
}

/** What becomes a testcase. */
interface Point extends Pick<ReportedCase, 'id' | 'requirement' | 'durationMs'> {
  readonly outcome: Outcome
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

function testcase({ id, requirement, durationMs, outcome }: Point): string {
  const words = { name: id, classname: requirement, time: seconds(durationMs) }
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

function counts(points: readonly Point[]): Readonly<Record<string, string>> {
  const count = (kind: Outcome['kind']): number =>
    points.filter(({ outcome }) => outcome.kind === kind).length
  return {
    tests: String(points.length),
    failures: String(count('failure')),
    errors: String(count('error')),
    skipped: String(count('skipped')),
    time: seconds(points.reduce((sum, { durationMs }) => sum + durationMs, 0)),
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
