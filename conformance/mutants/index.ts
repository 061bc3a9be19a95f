import type { Mutant } from './mutant.ts'
import { CLIENT_MUTANTS } from './client.ts'
import { DISCOVERY_MUTANTS } from './discovery.ts'
import { DNS_MUTANTS } from './dns.ts'
import { DNS_WIRE_MUTANTS } from './dns-wire.ts'
import { DNS01_MUTANTS } from './dns01.ts'
import { ISSUE_MUTANTS } from './issue.ts'
import { ORDER_MUTANTS } from './orders.ts'
import { PROOF_MUTANTS } from './proof.ts'
import { STREAM_MUTANTS } from './streams.ts'

/** All servers and clients that are wrong in exactly one way. */
export const MUTANTS: readonly Mutant[] = [
  ...DNS_MUTANTS,
  ...DNS_WIRE_MUTANTS,
  ...DNS01_MUTANTS,
  ...STREAM_MUTANTS,
  ...PROOF_MUTANTS,
  ...ISSUE_MUTANTS,
  ...ORDER_MUTANTS,
  ...DISCOVERY_MUTANTS,
  ...CLIENT_MUTANTS,
]
