// What there is to check: all requirements and all cases, and what belongs together.
import { CASES } from '../checks/index.ts'
import { findRequirement, REQUIREMENTS, type Requirement } from '../requirements/requirements.ts'
import type { Case, Level } from './case.ts'
import { requirementOf } from './selection.ts'
import { namesNothing, selector } from './selectors.ts'
import { UsageError } from './usage-error.ts'

/** The level of a case: its own, or its requirement's. */
export function levelOf(one: Case): Level {
  return one.level ?? findRequirement(requirementOf(one))?.level ?? 'MUST'
}

/** A requirement, and those of its checks that were asked for. */
export interface NamedRequirement {
  readonly requirement: Requirement
  readonly cases: readonly Case[]
}

/**
 * What selectors name, also what no check can see; no selectors name all.
 * @throws {UsageError} where one names nothing
 */
export function namedRequirements(selectors: readonly string[]): readonly NamedRequirement[] {
  const all = [...REQUIREMENTS, ...CASES]
  const takers = selectors.map(selector)
  const mistaken = selectors.filter((_, index) => !all.some((one) => takers[index]?.(one) === true))
  if (mistaken.length > 0) {
    throw new UsageError(mistaken.map((word) => namesNothing(word, all)).join('\n'))
  }
  const takes = (one: Case | Requirement): boolean =>
    takers.length === 0 || takers.some((taker) => taker(one))
  return REQUIREMENTS.flatMap((requirement) => {
    const checks = CASES.filter((one) => requirementOf(one) === requirement.id)
    const cases = checks.filter(takes)
    const named = cases.length > 0 || (checks.length === 0 && takes(requirement))
    return named ? [{ requirement, cases }] : []
  })
}

export { CASES, findRequirement, REQUIREMENTS, type Requirement }
