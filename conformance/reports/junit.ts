import type { RunReport } from './report.ts'
export function junitText(report: RunReport): string {
  return report.target.name
}
