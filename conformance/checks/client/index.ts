import type { Case } from '../../suite/case.ts'
import { ANNOUNCING_CASES } from './announcing.ts'
import { CERTIFICATE_CASES } from './certificate.ts'
import { DISCOVERING_CASES } from './discovering.ts'
import { INFO_CASES } from './info.ts'
import { PROOF_CASES } from './proofs.ts'
import { REFUSAL_CASES } from './refusals.ts'
import { SERVING_CASES } from './serving.ts'

/** Checks of clients: `nodetrust-conformance client` runs them. */
export const CASES: readonly Case[] = [
  ...INFO_CASES,
  ...PROOF_CASES,
  ...REFUSAL_CASES,
  ...CERTIFICATE_CASES,
  ...SERVING_CASES,
  ...ANNOUNCING_CASES,
  ...DISCOVERING_CASES,
]
