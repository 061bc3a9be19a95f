// What was chosen and not run: a report must not be taken for more than it says.
import { requirementOf } from '../suite/selection.ts'
import type { RunReport } from './report.ts'

export type ReportedLeftOut = RunReport['leftOut'][number]
type Why = ReportedLeftOut['why']

/** Why checks were not run, and what runs them. */
export const WHY_NOT: Readonly<Record<Why, string>> = {
  disturbs: 'could disturb a public server: only with --intrusive',
  slow: 'would take minutes: only when named',
  interrupted: 'the run was interrupted',
}

/** What runs a MUST that nothing else looks at. */
const SEEN_HOW = {
  disturbs: 'only with --intrusive',
  slow: 'only when a check of it is named',
} as const

/** Left out from the beginning, and not by an interruption. */
export function notChosen({ leftOut }: RunReport): readonly ReportedLeftOut[] {
  return leftOut.filter(({ why }) => why !== 'interrupted')
}

/** MUSTs none of whose checks was run. */
export function unseenMusts({ leftOut, results }: RunReport, why?: Why): readonly string[] {
  const seen = new Set(
    results.flatMap(({ requirement, verdict }) => (verdict === 'unsupported' ? [] : requirement)),
  )
  const musts = leftOut
    .filter((one) => one.level === 'MUST' && (why === undefined || one.why === why))
    .map(requirementOf)
  return [...new Set(musts)].filter((requirement) => !seen.has(requirement))
}

/** A sentence that names them, and says what looks at them; undefined where there are none. */
export function unseenText(report: RunReport, why: keyof typeof SEEN_HOW): string | undefined {
  const unseen = unseenMusts(report, why)
  return unseen.length === 0
    ? undefined
    : `not looked at, ${SEEN_HOW[why]}: the MUST of ${unseen.join(', ')}`
}
