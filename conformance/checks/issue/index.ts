import type { Case } from '../../suite/case.ts'
import { CA_CASES } from './ca.ts'
import { CANONICAL_CASES } from './canonical.ts'
import { CERTIFICATE_CASES } from './certificate.ts'
import { CHALLENGE_CASES } from './challenges.ts'
import { CSR_CASES } from './csr.ts'
import { DNS_FAILURE_CASES } from './dns-failures.ts'
import { INFO_CASES } from './info.ts'
import { JUDGING_CASES } from './judging.ts'
import { PROOF_JUDGING_CASES } from './proofs.ts'
import { RENEWAL_CASES } from './renewal.ts'
import { REUSE_CASES } from './reuse.ts'

export const CASES: readonly Case[] = [
  ...INFO_CASES,
  ...PROOF_JUDGING_CASES,
  ...CANONICAL_CASES,
  ...JUDGING_CASES,
  ...CSR_CASES,
  ...CERTIFICATE_CASES,
  ...REUSE_CASES,
  ...RENEWAL_CASES,
  ...CHALLENGE_CASES,
  ...DNS_FAILURE_CASES,
  ...CA_CASES,
]
