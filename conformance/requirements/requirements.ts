// Every requirement that there is, as data: checks, vectors, reports and the documents name them by their ids.
import { z } from 'zod'
import { sinceOf } from '../permanent/since.ts'
import client from './client.json' with { type: 'json' }
import discovery from './discovery.json' with { type: 'json' }
import dns from './dns.json' with { type: 'json' }
import dnsWire from './dns-wire.json' with { type: 'json' }
import dns01 from './dns01.json' with { type: 'json' }
import issue from './issue.json' with { type: 'json' }
import proof from './proof.json' with { type: 'json' }
import wire from './wire.json' with { type: 'json' }

const REQUIREMENT = z.strictObject({
  /** Permanent: never renamed, never given to another requirement. */
  id: z.string().regex(/^NT-(WIRE|PROOF|ISSUE|DNS|DNS01|CLIENT|DISC)-\d{3}$/),
  /** A few words, for lists. */
  title: z.string(),
  level: z.enum(['MUST', 'SHOULD', 'MAY']),
  /** Whose behaviour it is; `wire` is that of all who speak on streams. */
  role: z.enum(['wire', 'proof', 'issue', 'dns', 'dns01', 'client', 'discovery']),
  /** Where it comes from. */
  source: z.array(z.string()).min(1),
  /** The requirement itself. */
  sentence: z.string(),
  /** Whether it was decided here, because the original is silent, contradicts itself, or has a hole. */
  decision: z.boolean(),
  /** Of a decision: why so. */
  why: z.string().optional(),
  /** Why no check of the suite can see whether it is kept. */
  unchecked: z.string().optional(),
})

export type Requirement = Readonly<z.infer<typeof REQUIREMENT>> & {
  /** Version of the suite that has it first. */
  readonly since: string
}

/** In the order of PROTOCOL.md, and of their numbers. */
export const REQUIREMENTS: readonly Requirement[] = [
  wire,
  proof,
  issue,
  dns,
  dnsWire,
  dns01,
  client,
  discovery,
]
  .flatMap((rows) => z.array(REQUIREMENT).parse(rows))
  .map((row) => ({ ...row, since: sinceOf(row.id) }))

const BY_ID = new Map(REQUIREMENTS.map((requirement) => [requirement.id, requirement]))

export function findRequirement(id: string): Requirement | undefined {
  return BY_ID.get(id)
}
