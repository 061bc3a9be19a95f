import type { Case } from '../../suite/case.ts'
import { ANNOUNCING_CASES } from './announcing.ts'
import { CERTIFICATE_CASES } from './certificate.ts'
import { DISCOVERING_CASES } from './discovering.ts'
import { INFO_CASES } from './info.ts'
import { PASSING_ON_CASES } from './passing-on.ts'
import { PROOF_CASES } from './proofs.ts'
import { REFUSAL_CASES } from './refusals.ts'
import { RENEWING_CASES } from './renewing.ts'
import { RESTARTING_CASES } from './restarting.ts'
import { RETRYING_CASES } from './retrying.ts'
import { SERVING_CASES } from './serving.ts'

/** Checks of clients: `nodetrust-conformance client` runs them. */
export const CASES: readonly Case[] = [
  ...INFO_CASES,
  ...PROOF_CASES,
  ...PASSING_ON_CASES,
  ...REFUSAL_CASES,
  ...CERTIFICATE_CASES,
  ...SERVING_CASES,
  ...RENEWING_CASES,
  ...RESTARTING_CASES,
  ...RETRYING_CASES,
  ...ANNOUNCING_CASES,
  ...DISCOVERING_CASES,
]
