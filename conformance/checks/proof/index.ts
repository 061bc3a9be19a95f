import type { Case } from '../../suite/case.ts'
import { REQUEST_CASES } from './requests.ts'
import { STATEMENT_CASES } from './statement.ts'

export const CASES: readonly Case[] = [...STATEMENT_CASES, ...REQUEST_CASES]
