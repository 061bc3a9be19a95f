import type { Case } from '../../suite/case.ts'
import { ANSWER_CASES } from './answers.ts'
import { IDENTIFY_CASES } from './identify.ts'
import { LIMIT_CASES } from './limits.ts'
import { MALFORMED_CASES } from './malformed.ts'

export const CASES: readonly Case[] = [
  ...ANSWER_CASES,
  ...MALFORMED_CASES,
  ...LIMIT_CASES,
  ...IDENTIFY_CASES,
]
