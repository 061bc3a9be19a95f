import { CASES } from '../checks/index.ts'
import type { Case, Level } from './case.ts'
import { requirementOf } from './selection.ts'

/** The level of a case: its own, or its requirement's. */
export function levelOf(one: Case): Level {
  return one.level ?? requirements.get(requirementOf(one))?.level ?? 'MUST'
}

export interface Requirement {
  readonly id: string
  readonly title: string
  readonly level: Level
  readonly sentence: string
  readonly source: string
  readonly decision: boolean
}

export const requirements: ReadonlyMap<string, Requirement> = new Map()
export { CASES }
