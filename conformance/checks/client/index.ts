import type { Case } from '../../suite/case.ts'
import { CERTIFICATE_CASES } from './certificate.ts'
import { INFO_CASES } from './info.ts'
import { PROOF_CASES } from './proofs.ts'
import { REFUSAL_CASES } from './refusals.ts'

/** Checks of clients: `nodetrust-conformance client` runs them. */
export const CASES: readonly Case[] = [
  ...INFO_CASES,
  ...PROOF_CASES,
  ...REFUSAL_CASES,
  ...CERTIFICATE_CASES,
]
