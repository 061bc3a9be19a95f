import type { ReportedCase, RunReport } from './report.ts'

/** A run as JUnit XML, as CI services read it: a suite for each role, `classname` is the requirement. */
export function junitText(report: RunReport): string {
  const suites = [...Map.groupBy(report.results, ({ role }) => role)].map(([role, results]) =>
    element(
      'testsuite',
      { name: `${report.target.name}.${role}`, timestamp: report.startedAt, ...counts(results) },
      results.map(testcase),
    ),
  )
  const name = `${report.suite.name} ${report.suite.version}`
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element('testsuites', { name, ...counts(report.results) }, suites)}\n`
}

function testcase(one: ReportedCase): string {
  return element(
    'testcase',
    { name: one.id, classname: one.requirement, time: seconds(one.durationMs) },
    outcome(one),
  )
}

function outcome(one: ReportedCase): readonly string[] {
  const { verdict, level, known } = one
  const message = one.expected === undefined ? (one.reason ?? '') : `expected ${one.expected}`
  if (verdict === 'pass') return []
  if (verdict === 'unsupported') return [element('skipped', { message }, [])]
  const details = [text(detailText(one))]
  // What is known has been looked at already, and must not turn a build red.
  if (known === verdict)
    return [element('skipped', { message: `known ${verdict}: ${message}` }, [])]
  if (verdict === 'fail') return [element('failure', { message, type: level }, details)]
  if (verdict === 'inconclusive') return [element('error', { message, type: level }, details)]
  return [element('system-out', {}, details)]
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

function counts(results: readonly ReportedCase[]): Readonly<Record<string, string>> {
  const count = (takes: (one: ReportedCase) => boolean): string =>
    String(results.filter(takes).length)
  const unknown = (one: ReportedCase): boolean => one.known !== one.verdict
  return {
    tests: String(results.length),
    failures: count((one) => one.verdict === 'fail' && unknown(one)),
    errors: count((one) => one.verdict === 'inconclusive' && unknown(one)),
    skipped: count(
      (one) => one.verdict === 'unsupported' || (one.verdict !== 'pass' && !unknown(one)),
    ),
    time: seconds(results.reduce((sum, { durationMs }) => sum + durationMs, 0)),
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
