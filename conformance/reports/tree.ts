// The report for people, in a terminal.
import { styleText } from 'node:util'
import type { Verdict } from '../suite/case.ts'
import { EXIT } from '../suite/verdicts.ts'
import { counted } from '../suite/words.ts'
import { conclusionOf, unexpectedPass } from './conclusion.ts'
import { unseenText, type ReportedLeftOut } from './left-out.ts'
import type { ReportedCase, RunReport } from './report.ts'

/** Colours are left to styleText, which knows whether the output is a terminal. */
type Style = Parameters<typeof styleText>[0]

export const MARKS: Readonly<Record<Verdict, { readonly mark: string; readonly style: Style }>> = {
  pass: { mark: '✓', style: 'green' },
  fail: { mark: '✗', style: 'red' },
  nonstrict: { mark: '≈', style: 'yellow' },
  info: { mark: 'i', style: 'blue' },
  unsupported: { mark: '–', style: 'gray' },
  inconclusive: { mark: '?', style: 'magenta' },
}

export function treeText(report: RunReport): string {
  const roles = [...new Set(report.results.map(({ role }) => role))]
  return [
    styleText('bold', `${report.suite.name} ${report.suite.version}: ${report.target.name}`),
    `zone ${report.target.zone}, seed ${report.seed}${report.strict ? ', strict' : ''}`,
    ...roles.flatMap((role) => roleLines(report, role)),
    '',
    ...summaryLines(report),
  ].join('\n')
}

/** So many results with one reason are told once; the other reports keep each. */
const GROUPED_MIN = 3

function roleLines(report: RunReport, role: string): string[] {
  const all = report.results.filter((one) => one.role === role)
  const groups = [...Map.groupBy(all.filter(isUnrun), groupKey).values()].filter(
    ({ length }) => length >= GROUPED_MIN,
  )
  const grouped = new Set(groups.flat())
  const results = all.filter((one) => !grouped.has(one))
  const requirements = [...new Set(results.map(({ requirement }) => requirement))].toSorted()
  return [
    '',
    styleText('bold', role),
    ...requirements.flatMap((id) => [
      `  ${styleText('cyan', id)} ${report.requirements.find((one) => one.id === id)?.title ?? ''}`,
      ...results
        .filter(({ requirement }) => requirement === id)
        .flatMap((one) => caseLines(one, unexpectedPass(report, one))),
    ]),
    ...groups.flatMap(groupLines),
  ]
}

/** Nothing was asked: its reason is all that there is to tell. */
function isUnrun({ verdict, evidence }: ReportedCase): boolean {
  return verdict === 'unsupported' || (verdict === 'inconclusive' && evidence === undefined)
}

function groupKey({ verdict, known, reason, suiteFault }: ReportedCase): string {
  return JSON.stringify([verdict, known, reason, suiteFault])
}

const GROUP_NAMES_MAX = 6

function groupLines(group: readonly ReportedCase[]): readonly string[] {
  const [one] = group
  if (one === undefined) return []
  const { mark, style } = MARKS[one.verdict]
  const ids = [...new Set(group.map(({ requirement }) => requirement))].toSorted()
  const left = ids.length - GROUP_NAMES_MAX
  const names = [...ids.slice(0, GROUP_NAMES_MAX), ...(left > 0 ? [`${left} more`] : [])]
  return [
    `  ${styleText(style, mark)} ${counted(group.length, 'check')} of ${names.join(', ')}${knownText(one)}`,
    ...detailLines(one),
  ]
}

function knownText({ known, verdict }: ReportedCase): string {
  return known === verdict ? styleText('gray', ' (known)') : ''
}

function caseLines(one: ReportedCase, unexpected: string | undefined): string[] {
  const { mark, style } = MARKS[one.verdict]
  const slug = one.id.slice(one.requirement.length + 1)
  const level = one.level === 'MUST' ? '' : styleText('gray', ` ${one.level}`)
  const head = `    ${styleText(style, mark)} ${slug}${level}${knownText(one)}  ${styleText('gray', milliseconds(one.durationMs))}`
  const news = unexpected === undefined ? [] : [`        ${styleText('yellow', unexpected)}`]
  return one.verdict === 'pass' ? [head, ...news] : [head, ...news, ...detailLines(one)]
}

function detailLines(one: ReportedCase): string[] {
  const failed = one.verdict === 'fail' || one.expected !== undefined
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['', failed ? one.title : undefined],
    ['reason', one.reason],
    ['expected', one.expected],
    ['actual', one.actual],
    ['by hand', failed ? one.byHand : undefined],
    ['evidence', failed || one.verdict === 'inconclusive' ? one.evidence : undefined],
    ['fault', one.suiteFault],
  ]
  return rows.flatMap(([name, text]) =>
    text === undefined
      ? []
      : text.split('\n').map((line, index) => {
          const label = index === 0 ? name : ''
          return `        ${name === '' ? '' : styleText('gray', label.padEnd(9))}${line}`
        }),
  )
}

function summaryLines(report: RunReport): string[] {
  const counts = Object.entries(report.counts)
    .filter(([, count]) => count > 0)
    .map(([verdict, count]) => styleText(MARKS[verdict as Verdict].style, `${count} ${verdict}`))
  const { words } = conclusionOf(report)
  const left = (why: ReportedLeftOut['why']): readonly string[] =>
    report.leftOut.filter((one) => one.why === why).map(({ id }) => id)
  const [disturbing, slow, interrupted] = [left('disturbs'), left('slow'), left('interrupted')]
  return [
    ...(disturbing.length === 0
      ? []
      : [
          `${counted(disturbing.length, 'check')} could disturb a public server: --intrusive runs ${disturbing.length === 1 ? 'it' : 'them'}`,
        ]),
    ...unseenLines(report, 'disturbs'),
    ...(slow.length === 0 ? [] : [`takes minutes and runs when it is named: ${slow.join(', ')}`]),
    ...unseenLines(report, 'slow'),
    ...(report.overtaken.length === 0
      ? []
      : [styleText('yellow', `better than expected: ${report.overtaken.join(', ')}`)]),
    ...(report.interrupted
      ? [styleText('yellow', `interrupted: ${counted(interrupted.length, 'check')} not run`)]
      : []),
    `${counts.join(', ') || 'nothing was run'}  ${styleText('gray', milliseconds(report.durationMs))}`,
    styleText(report.exitCode === EXIT.pass ? 'green' : 'red', words),
  ]
}

function unseenLines(report: RunReport, why: 'disturbs' | 'slow'): readonly string[] {
  const text = unseenText(report, why)
  return text === undefined ? [] : [styleText('yellow', text)]
}

function milliseconds(value: number): string {
  return value < 1_000 ? `${Math.round(value)} ms` : `${(value / 1_000).toFixed(1)} s`
}
