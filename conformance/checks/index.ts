// All checks, joined; each folder beside this file is a role's.
import type { Case } from '../suite/case.ts'
import { CASES as CLIENT_CASES } from './client/index.ts'
import { CASES as DISCOVERY_CASES } from './discovery/index.ts'
import { CASES as DNS_CASES } from './dns/index.ts'
import { CASES as DNS01_CASES } from './dns01/index.ts'
import { CASES as ISSUE_CASES } from './issue/index.ts'
import { CASES as PROOF_CASES } from './proof/index.ts'
import { CASES as WIRE_CASES } from './wire/index.ts'

export const CASES: readonly Case[] = [
  ...DNS_CASES,
  ...DNS01_CASES,
  ...PROOF_CASES,
  ...ISSUE_CASES,
  ...WIRE_CASES,
  ...DISCOVERY_CASES,
  ...CLIENT_CASES,
]
