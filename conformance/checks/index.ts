// All checks of servers, joined; each folder beside this file is a role's.
import type { Case } from '../suite/case.ts'

export const CASES: readonly Case[] = []
