import type { Comparison } from './compare.ts'
import type { SubjectReport } from './run.ts'
import { megabytes } from './settle.ts'

/** The reports as a table, and below it what does not hold. */
export function reportText(reports: readonly SubjectReport[], seed: number): string {
  const rows = [
    ['', 'what', 'sent', 'took', 'slowest for others', 'heap before → after', 'rss', 'as before'],
    ...reports.map(row),
  ]
  const widths = rows[0]?.map((_, column) =>
    Math.max(...rows.map((cells) => cells[column]?.length ?? 0)),
  )
  const lines = rows.map((cells) =>
    cells
      .map((cell, column) => cell.padEnd(widths?.[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  for (const { name, notes } of reports) {
    for (const note of notes) lines.push(`${name}: ${note}`)
  }
  for (const { name, problems } of reports) {
    for (const problem of problems) lines.push(`✗ ${name}: ${problem}`)
  }
  const holds = reports.every(({ problems }) => problems.length === 0)
  lines.push(`seed ${seed}: ${holds ? 'everything holds' : 'something does not hold'}`)
  return lines.join('\n')
}

function row(report: SubjectReport): string[] {
  const { before, after } = report
  const memory = (of: 'heapBytes' | 'rssBytes'): string =>
    before === undefined || after === undefined
      ? ''
      : `${megabytes(before.servers[of])} → ${megabytes(after.servers[of])}`
  return [
    report.problems.length === 0 ? '✓' : '✗',
    report.name,
    `${report.sent} ${report.unit}`,
    `${(report.durationMs / 1_000).toFixed(0)} s`,
    slowest(report.others),
    memory('heapBytes'),
    memory('rssBytes'),
    `after ${(report.settledMs / 1_000).toFixed(1)} s`,
  ]
}

/** Of what others wanted, that which suffered most: its median usually and during the abuse. */
function slowest(others: readonly Comparison[]): string {
  const worst = others.toSorted((a, b) => b.ratio - a.ratio)[0]
  // Too few samples say nothing.
  if (worst === undefined || worst.ratio === 0) return ''
  const { errand, usual, during, ratio } = worst
  return `${errand} ${usual.p50.toFixed(2)} → ${during.p50.toFixed(2)} ms (${ratio.toFixed(2)} ×)`
}
