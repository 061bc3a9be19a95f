import type { Case } from '../../suite/case.ts'
import { REFUSAL_CASES } from './refusals.ts'
import { REMOVAL_CASES } from './removal.ts'
import { VALUE_CASES } from './values.ts'
import { WRITER_CASES } from './writers.ts'

export const CASES: readonly Case[] = [
  ...WRITER_CASES,
  ...REFUSAL_CASES,
  ...VALUE_CASES,
  ...REMOVAL_CASES,
]
