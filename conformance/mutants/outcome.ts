import type { CaseResult } from '../suite/runner.ts'
import { requirementOf } from '../suite/selection.ts'
import type { Mutant } from './mutant.ts'

/** What the checks made of a mutant. */
export interface Outcome {
  readonly mutant: Mutant
  /**
   * `survived`: no check of the requirement failed. `spilled`: checks of requirements failed that have nothing to do
   * with it. `broken`: it could not be started, or ended by itself.
   */
  readonly state: 'killed' | 'survived' | 'spilled' | 'broken'
  /** Checks of the broken requirement that failed. */
  readonly killedBy: readonly string[]
  /** Checks that failed, or could not judge, of requirements that are no neighbours either. */
  readonly unexpected: readonly Failure[]
  /** Stated neighbours of which no check failed. */
  readonly untouched: readonly string[]
  /** Of `broken`: why. */
  readonly reason?: string
  readonly checks: number
  readonly durationMs: number
}

export interface Failure {
  readonly id: string
  readonly verdict: string
  /** What was seen, or why nothing was. */
  readonly seen: string
}

/** Whether a check has found something, or was kept from it. */
export function isFailure({ verdict }: Pick<CaseResult, 'verdict'>): boolean {
  return verdict === 'fail' || verdict === 'inconclusive'
}

/** Whether a mutant may fail this. */
export function isExpected(result: CaseResult, { breaks, neighbours = [] }: Mutant): boolean {
  return !isFailure(result) || isNamed(requirementOf(result.case), [breaks, ...neighbours])
}

function isNamed(requirement: string, names: readonly string[]): boolean {
  return names.some((name) =>
    name.endsWith('*') ? requirement.startsWith(name.slice(0, -1)) : name === requirement,
  )
}

export function judgeMutant(
  mutant: Mutant,
  results: readonly CaseResult[],
  durationMs: number,
): Outcome {
  const killedBy = results
    .filter(({ case: one, verdict }) => verdict === 'fail' && requirementOf(one) === mutant.breaks)
    .map(({ case: { id } }) => id)
  const unexpected = results
    .filter((result) => !isExpected(result, mutant))
    .map(({ case: { id }, verdict, actual, reason }) => ({
      id,
      verdict,
      seen: actual ?? reason ?? '',
    }))
  const failed = results.filter(isFailure).map(({ case: one }) => requirementOf(one))
  const killed = killedBy.length > 0
  return {
    mutant,
    state: killed ? (unexpected.length === 0 ? 'killed' : 'spilled') : 'survived',
    killedBy,
    unexpected,
    untouched: (mutant.neighbours ?? []).filter(
      (name) => !failed.some((id) => isNamed(id, [name])),
    ),
    checks: results.length,
    durationMs,
  }
}
