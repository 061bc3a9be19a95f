import type { RunReport } from './report.ts'
export function htmlText(reports: readonly RunReport[]): string {
  return String(reports.length)
}
