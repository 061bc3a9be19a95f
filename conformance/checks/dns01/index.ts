import type { Case } from '../../suite/case.ts'
import { REFUSAL_CASES } from './refusals.ts'
import { VALUE_CASES } from './values.ts'

export const CASES: readonly Case[] = [...REFUSAL_CASES, ...VALUE_CASES]
