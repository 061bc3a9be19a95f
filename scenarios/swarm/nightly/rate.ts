import type { LaneReport } from '../campaign/tally.ts'

/** Seeds in a second of real time. */
export function perSecond(one: LaneReport | undefined): string {
  if (one === undefined || one.realMs === 0) return '–'
  return `${((one.seeds * 1000) / one.realMs).toFixed(1)}/s`
}
