// All checks of servers, joined; each folder beside this file is a role's.
import type { Case } from '../suite/case.ts'
import { CASES as DNS_CASES } from './dns/index.ts'

export const CASES: readonly Case[] = [...DNS_CASES]
