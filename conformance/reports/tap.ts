import type { RunReport } from './report.ts'
export function tapText(report: RunReport): string {
  return report.target.name
}
