import type { CaseResult } from '../suite/runner.ts'
import { findRequirement } from '../suite/catalogue.ts'
import { LEVELS, requirementOf } from '../suite/selection.ts'
import type { Mutant } from './mutant.ts'

/** What the checks made of a mutant. */
export interface Outcome {
  readonly mutant: Mutant
  /**
   * `survived`: no check of the requirement failed that is as strict as it. `spilled`: checks of requirements failed that have nothing to do
   * with it. `excused`: all checks of a stated neighbour passed, so that it would hide a failure to come. `broken`: it
   * could not be started, or ended by itself.
   */
  readonly state: 'killed' | 'survived' | 'spilled' | 'excused' | 'broken'
  /** Checks of the broken requirement that failed. */
  readonly killedBy: readonly string[]
  /** What each check of the broken requirement came to. */
  readonly judged: readonly Failure[]
  /** Checks that failed, or could not judge, of requirements that are no neighbours either. */
  readonly unexpected: readonly Failure[]
  /** Stated neighbours of which no check failed. */
  readonly untouched: readonly string[]
  /** All checks that failed. */
  readonly tripped: readonly string[]
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
export function isExpected(result: CaseResult, mutant: Mutant): boolean {
  const { breaks, neighbours = [], sometimes = [] } = mutant
  return (
    !isFailure(result) || [breaks, ...neighbours, ...sometimes].includes(requirementOf(result.case))
  )
}

/** Whether a second look at a check can change what becomes of a mutant. */
export function isDoubtful(result: CaseResult, mutant: Mutant): boolean {
  const isUndecided =
    result.verdict === 'inconclusive' && requirementOf(result.case) === mutant.breaks
  return isUndecided || !isExpected(result, mutant)
}

export function judgeMutant(
  mutant: Mutant,
  results: readonly CaseResult[],
  durationMs: number,
): Outcome {
  const tripped = results.filter(({ verdict }) => verdict === 'fail').map(({ case: one }) => one)
  const judged = results.filter((result) => requirementOf(result.case) === mutant.breaks)
  const killedBy = judged.filter((result) => kills(result, mutant)).map(({ case: one }) => one)
  const unexpected = results.filter((result) => !isExpected(result, mutant)).map(toFailure)
  const failed = new Set(results.filter(isFailure).map(({ case: one }) => requirementOf(one)))
  const untouched = (mutant.neighbours ?? []).filter((id) => !failed.has(id))
  return {
    mutant,
    state: stateOf({ killedBy, unexpected, untouched }),
    killedBy: killedBy.map(({ id }) => id),
    judged: judged.map(toFailure),
    unexpected,
    untouched,
    tripped: tripped.map(({ id }) => id),
    checks: results.length,
    durationMs,
  }
}

/** Who breaks a MUST has not been found by a check of what is only recommended. */
function kills({ verdict, level }: CaseResult, { breaks, lesser }: Mutant): boolean {
  const own = findRequirement(breaks)?.level ?? 'MUST'
  const isAsStrict = LEVELS.indexOf(level) <= LEVELS.indexOf(own)
  return verdict === 'fail' && (lesser === true || isAsStrict)
}

function toFailure({ case: { id }, verdict, actual, reason }: CaseResult): Failure {
  return { id, verdict, seen: actual ?? reason ?? '' }
}

function stateOf({
  killedBy,
  unexpected,
  untouched,
}: Readonly<Record<'killedBy' | 'unexpected' | 'untouched', readonly unknown[]>>): Exclude<
  Outcome['state'],
  'broken'
> {
  if (killedBy.length === 0) return 'survived'
  if (unexpected.length > 0) return 'spilled'
  return untouched.length > 0 ? 'excused' : 'killed'
}
