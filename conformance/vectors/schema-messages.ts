// Messages as the vectors write them: bytes in hex, messages within messages as objects.
import { z } from 'zod'

const hex = z.string().regex(/^([0-9a-f]{2})*$/)
const error = z.int().min(0)

const Proof = z.strictObject({
  id: hex,
  timestamp: z.int().min(0),
  addrs: z.array(z.strictObject({ type: z.int(), address: z.string() })),
})
const ProofWrapper = z.strictObject({ proof: Proof, signature: hex })

/** By name. */
export const MESSAGES = {
  Proof,
  ProofWrapper,
  ProofResponse: z.strictObject({ error, proof: ProofWrapper.optional() }),
  IssueInfo: z.strictObject({
    domain: z.string(),
    proofs: z.array(z.strictObject({ id: hex, addrs: z.array(hex), display: z.string() })),
  }),
  IssueRequest: z.strictObject({
    proofs: z.array(ProofWrapper),
    supportedCryptos: z.array(z.int()),
    csr: hex.optional(),
  }),
  IssueResponse: z.strictObject({
    error,
    cert: z.string().optional(),
    chain: z.string().optional(),
    ca: z.string().optional(),
    key: z.string().optional(),
    cn: z.string().optional(),
    altnames: z.array(z.string()).optional(),
    validity: z.int().optional(),
    fromCache: z.boolean().optional(),
    cryptoType: z.int().optional(),
  }),
  RenewalRequest: z.strictObject({ serial: z.string() }),
  RenewalResponse: z.strictObject({
    error,
    renewAt: z.int().optional(),
    askAfter: z.int().optional(),
  }),
  DNS01Request: z.strictObject({ fqdn: z.string(), value: z.string() }),
  DNS01Response: z.strictObject({ error }),
  Announce: z.strictObject({ addr: z.array(hex) }),
} as const
