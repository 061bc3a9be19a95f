// The form of the files, one schema for each kind. What is published as JSON Schema is made of these.
import { z } from 'zod'
import { DNS_EXPECTATION, DNS_REFERENCE, DNS_ZONE, REFERENCE_NAMES } from './schema-dns.ts'
import { MESSAGES } from './schema-messages.ts'

const hex = z.string().regex(/^([0-9a-f]{2})*$/)
const code = z.union([0, 1, 2, 3, 4, 9].map((number) => z.literal(number)))
const time = z.int().min(0).describe('milliseconds since 1970')

const common = {
  tcId: z.int().min(1).describe('unique in the file, permanent'),
  req: z
    .string()
    .regex(/^NT-[A-Z0-9]+-\d{3}$/)
    .describe('the requirement that decides'),
  comment: z.string().min(1),
  flags: z.array(z.string()).min(1).describe('keys of notes'),
  result: z
    .enum(['valid', 'invalid', 'acceptable'])
    .describe('acceptable: an implementation may do either'),
}

const source = z.strictObject({ name: z.string(), version: z.string() })

/** A group's type is a literal, so that its tests are known by it. */
function group<
  const Type extends string,
  Test extends z.ZodRawShape,
  Shared extends z.ZodRawShape = Readonly<Record<never, never>>,
>(type: Type, test: Test, shared?: Shared) {
  return z.strictObject({
    type: z.literal(type),
    source: source.describe('what the expected values come from'),
    ...(shared ?? ({} as Shared)),
    tests: z.array(z.strictObject({ ...common, ...test })).min(1),
  })
}

/** Of Wycheproof, as far as we need them. */
const BUG_TYPES = [
  'BASIC',
  'AUTH_BYPASS',
  'LEGACY',
  'FUNCTIONALITY',
  'WEAK_PARAMS',
  'CAN_OF_WORMS',
  'SIGNATURE_MALLEABILITY',
  'EDGE_CASE',
  'MISSING_STEP',
  'WRONG_PRIMITIVE',
] as const

function file<Group extends z.ZodType>(kind: string, groups: Group) {
  return z.strictObject({
    schema: z.literal(schemaName(kind)),
    numberOfTests: z.int(),
    header: z.array(z.string()).describe('what a test of this kind says'),
    notes: z.record(
      z.string(),
      z.strictObject({ bugType: z.enum(BUG_TYPES), description: z.string() }),
    ),
    testGroups: z.array(groups).min(1),
  })
}

/** The file of a kind's schema. The number goes up when the form changes. */
export function schemaName(kind: string): string {
  return `nt_${kind}_v1.json`
}

/** By kind, which is the name of the file. */
export const SCHEMAS = {
  frames: file(
    'frames',
    z.union([
      group('Encode', {
        message: z.enum(Object.keys(MESSAGES) as [string, ...string[]]),
        json: z.union(Object.values(MESSAGES)),
        frameHex: hex,
      }),
      group('Decode', {
        message: z.enum(Object.keys(MESSAGES) as [string, ...string[]]),
        json: z.union(Object.values(MESSAGES)).optional().describe('what is read, of a valid one'),
        oracle2018: z.string().optional().describe('what the codec of 2018 says'),
        frameHex: hex,
      }),
      group('Cut', {
        bytesHex: hex.describe('what comes on a stream, to its end'),
        lengthMax: z.int().describe('longest message that the reader takes'),
        messagesHex: z.array(hex).describe('read before the end, or before the fault'),
      }),
    ]),
  ),
  id0_label: file(
    'id0_label',
    group('Id0Label', {
      label: z.string(),
      peerId: z.string().nullable().describe('base58; null: the label is of no peer'),
      peerIdHex: hex.nullable().describe('multihash'),
    }),
  ),
  ip_label: file(
    'ip_label',
    z.union([
      group('IpLabelDecode', {
        label: z.string(),
        family: z.union([z.literal(4), z.literal(6)]),
        ip: z.string().nullable(),
      }),
      group('IpLabelEncode', {
        ip: z.string(),
        family: z.union([z.literal(4), z.literal(6)]),
        label: z.string().nullable(),
      }),
    ]),
  ),
  proof_verify: file(
    'proof_verify',
    group(
      'ProofVerify',
      {
        now: time,
        callerIdHex: hex.describe('multihash of the peer that presents it'),
        wrapperHex: hex.describe('encoded ProofWrapper'),
      },
      {
        keyType: z.string(),
        trustedKeys: z.array(z.base64()).describe('libp2p public keys, protobuf'),
      },
    ),
  ),
  certified_names: file('certified_names', group('CertifiedNames', { names: z.array(z.string()) })),
  dns01_request: file(
    'dns01_request',
    group(
      'Dns01Request',
      {
        frameHex: hex.describe('of a writer'),
        fqdn: z.string(),
        value: z.string(),
        errors: z.array(code).describe('the first is ours, others are tolerated'),
        servedAt: z.string().nullable().describe('where DNS shows the value afterwards'),
      },
      { zone: z.string() },
    ),
  ),
  announcement: file(
    'announcement',
    group('Announcement', {
      signed: z.boolean(),
      fromHex: hex.describe('multihash of who signed it'),
      selfHex: hex.describe('multihash of the receiver'),
      dataHex: hex.describe('data of the pubsub message'),
      privateAddresses: z
        .boolean()
        .describe('whether the receiver takes addresses that are not public'),
      addresses: z.array(z.string()).describe('multiaddrs that are kept, without /p2p at the end'),
    }),
  ),
  csr: file(
    'csr',
    group('Csr', {
      names: z.array(z.string()).describe('that were proven; the first is the id0 name'),
      csrHex: hex,
      error: code,
      cryptoType: z
        .union([z.literal(1), z.literal(2)])
        .nullable()
        .describe('of an accepted one'),
    }),
  ),
  dns_query: file(
    'dns_query',
    group(
      'DnsQuery',
      {
        transport: z.enum(['udp', 'tcp']),
        queryHex: hex.describe('put an id of your own in; over TCP a length goes before it'),
        expect: DNS_EXPECTATION,
        responseHex: hex.nullable().describe('one response that conforms; null: silence'),
        references: z.partialRecord(z.enum(REFERENCE_NAMES), DNS_REFERENCE),
      },
      {
        zone: DNS_ZONE,
        servers: z.record(z.string(), z.string()).describe('versions of the references'),
      },
    ),
  ),
} as const

export type Kind = keyof typeof SCHEMAS
export const KINDS = Object.keys(SCHEMAS) as readonly Kind[]

/** The groups of a kind's file. */
export type VectorGroups<K extends Kind> = z.infer<(typeof SCHEMAS)[K]>['testGroups']

/** A schema as JSON Schema, draft-07: what most validators read. */
export function jsonSchema(kind: Kind): object {
  return z.toJSONSchema(SCHEMAS[kind], { target: 'draft-07' })
}
