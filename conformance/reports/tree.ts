// The report for people, in a terminal.
import { styleText } from 'node:util'
import type { Verdict } from '../suite/case.ts'
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

function roleLines(report: RunReport, role: string): string[] {
  const results = report.results.filter((one) => one.role === role)
  const requirements = [...new Set(results.map(({ requirement }) => requirement))].toSorted()
  return [
    '',
    styleText('bold', role),
    ...requirements.flatMap((id) => [
      `  ${styleText('cyan', id)} ${report.requirements.find((one) => one.id === id)?.title ?? ''}`,
      ...results.filter(({ requirement }) => requirement === id).flatMap(caseLines),
    ]),
  ]
}

function caseLines(one: ReportedCase): string[] {
  const { mark, style } = MARKS[one.verdict]
  const slug = one.id.slice(one.requirement.length + 1)
  const known = one.known === one.verdict ? styleText('gray', ' (known)') : ''
  const level = one.level === 'MUST' ? '' : styleText('gray', ` ${one.level}`)
  const head = `    ${styleText(style, mark)} ${slug}${level}${known}  ${styleText('gray', milliseconds(one.durationMs))}`
  return one.verdict === 'pass' ? [head] : [head, ...detailLines(one)]
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
  const left = (why: LeftOut['why']): readonly string[] =>
    report.leftOut.filter((one) => one.why === why).map(({ id }) => id)
  const [disturbing, slow, interrupted] = [left('disturbs'), left('slow'), left('interrupted')]
  return [
    ...(disturbing.length === 0
      ? []
      : [`${disturbing.length} checks could disturb a public server: --intrusive runs them`]),
    ...unseenLines(report, 'disturbs', 'only with --intrusive'),
    ...(slow.length === 0 ? [] : [`takes minutes and runs when it is named: ${slow.join(', ')}`]),
    ...unseenLines(report, 'slow', 'only when a check of it is named'),
    ...report.overtaken.map((id) =>
      styleText('yellow', `${id} is better than the file of known failures says: take it out`),
    ),
    ...(report.interrupted
      ? [styleText('yellow', `interrupted: ${interrupted.length} were not run`)]
      : []),
    `${counts.join(', ') || 'nothing was run'}  ${styleText('gray', milliseconds(report.durationMs))}`,
    conclusion(report),
  ]
}

type LeftOut = RunReport['leftOut'][number]

/** A report must not be taken for more than it says: these MUSTs have no other check that was run. */
function unseenLines(report: RunReport, why: LeftOut['why'], how: string): readonly string[] {
  const unseen = unseenMusts(report, why)
  return unseen.length === 0
    ? []
    : [styleText('yellow', `not looked at, ${how}: the MUST of ${unseen.join(', ')}`)]
}

function unseenMusts({ leftOut, results }: RunReport, why?: LeftOut['why']): readonly string[] {
  const seen = new Set(
    results.flatMap(({ requirement, verdict }) => (verdict === 'unsupported' ? [] : requirement)),
  )
  const musts = leftOut
    .filter((one) => one.level === 'MUST' && (why === undefined || one.why === why))
    .map(({ id }) => id.split('/')[0] ?? id)
  return [...new Set(musts)].filter((requirement) => !seen.has(requirement))
}

function conclusion(report: RunReport): string {
  const { exitCode, strict } = report
  switch (exitCode) {
    case 0: {
      const which = unseenMusts(report).length === 0 ? '' : ' that was looked at'
      return styleText('green', `every MUST${strict ? ' and SHOULD' : ''}${which} holds`)
    }
    case 1:
      return styleText('red', strict ? 'NOT EVERY MUST AND SHOULD HOLDS' : 'NOT EVERY MUST HOLDS')
    case 3:
      return styleText('red', 'no check could be run')
    case 4:
      return styleText('red', 'not every MUST could be checked')
    case 5:
      return styleText('red', 'the suite itself failed: please report it')
    default:
      return styleText('red', 'the run was broken off')
  }
}

function milliseconds(value: number): string {
  return value < 1_000 ? `${Math.round(value)} ms` : `${(value / 1_000).toFixed(1)} s`
}
