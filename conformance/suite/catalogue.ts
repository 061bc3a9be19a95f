// What there is to check: all requirements and all cases, and what belongs together.
import { CASES } from '../checks/index.ts'
import { findRequirement } from '../requirements/requirements.ts'
import type { Case, Level } from './case.ts'
import { requirementOf } from './selection.ts'

/** The level of a case: its own, or its requirement's. */
export function levelOf(one: Case): Level {
  return one.level ?? findRequirement(requirementOf(one))?.level ?? 'MUST'
}

export { CASES }
export { findRequirement, REQUIREMENTS, type Requirement } from '../requirements/requirements.ts'
