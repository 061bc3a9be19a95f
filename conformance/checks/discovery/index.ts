import type { Case } from '../../suite/case.ts'
import { RELAY_CASES } from './relay.ts'

export const CASES: readonly Case[] = RELAY_CASES
