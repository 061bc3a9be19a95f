import { styleText } from 'node:util'
import type { Explanation, ExplainedStep } from './explained.ts'

export interface LabReport {
  readonly steps: readonly ExplainedStep[]
  /** Explanations without a problem. */
  readonly unneeded: readonly Explanation[]
}

export function isGreen({ steps, unneeded }: LabReport): boolean {
  return steps.every(({ problems }) => problems.length === 0) && unneeded.length === 0
}

/** A row for a step, and a line below it for each problem. */
export function stepText({ tool, what, ms, note, problems, explained }: ExplainedStep): string {
  const mark = problems.length === 0 ? styleText('green', '✓') : styleText('red', '✗')
  const seconds = `${(ms / 1000).toFixed(1)} s`
  const row = `${mark} ${tool.padEnd(15)} ${what.padEnd(42)} ${seconds.padStart(7)}  ${note ?? ''}`
  return [
    row.trimEnd(),
    ...problems.map(({ tag, text }) => `    ${styleText('red', tag)} ${text}`),
    // The same of several servers is one thing to know.
    ...new Set(
      explained.map(({ tag, reason }) => `    ${styleText('yellow', tag)} explained: ${reason}`),
    ),
  ].join('\n')
}

export function endText(report: LabReport): string {
  const problems = report.steps.flatMap((step) => step.problems).length
  const explained = report.steps.flatMap((step) => step.explained).length
  return [
    ...report.unneeded.map(
      ({ tool, tag }) =>
        `explained.json explains ${tag} of ${tool}, which nothing says: take it out`,
    ),
    `${report.steps.length} steps, ${problems} problems, ${explained} explained: ${isGreen(report) ? 'green' : 'not green'}`,
  ].join('\n')
}
