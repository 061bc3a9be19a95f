import type { Case } from '../../suite/case.ts'
import { CANONICAL_CASES } from './canonical.ts'
import { INFO_CASES } from './info.ts'
import { JUDGING_CASES } from './judging.ts'
import { PROOF_JUDGING_CASES } from './proofs.ts'

export const CASES: readonly Case[] = [
  ...INFO_CASES,
  ...PROOF_JUDGING_CASES,
  ...CANONICAL_CASES,
  ...JUDGING_CASES,
]
