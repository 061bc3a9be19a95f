// What a DNS server is expected to answer, and what others answer.
import { z } from 'zod'

const hex = z.string().regex(/^([0-9a-f]{2})*$/)

const record = z.strictObject({
  name: z.string().describe('owner, lower case, no dot at its end'),
  type: z.int(),
  ttlMax: z.int().describe('seconds'),
  rdataHex: hex.describe('names in it not compressed'),
})

/** What is expected of a server that got a packet. */
export const DNS_EXPECTATION = z.strictObject({
  reply: z.enum(['required', 'optional', 'none']),
  rcodes: z.array(z.int()).describe('any of them; with the upper bits that OPT has'),
  authoritative: z.boolean().nullable().describe('AA; null: either'),
  truncated: z.boolean().describe('TC'),
  questionHex: hex
    .nullable()
    .describe('the question section byte for byte; null: that, or no question'),
  answers: z.array(record).nullable().describe('all of them, in any order; null: any'),
  soa: z
    .boolean()
    .nullable()
    .describe(
      'SOA of the zone in the authority section, TTL at most 60 and its MINIMUM; null: either',
    ),
  edns: z
    .boolean()
    .nullable()
    .describe('OPT in the answer, version 0, without options; null: either'),
  dnssecOk: z.boolean().nullable().describe('DO in that OPT; null: either'),
  bytesMax: z.int(),
})

export type DnsExpectation = Immutable<z.infer<typeof DNS_EXPECTATION>>

/** What has to be there before the packets of a group are sent. */
export const DNS_ZONE = z.strictObject({
  name: z.string(),
  nameServers: z.array(z.strictObject({ name: z.string(), addresses: z.array(z.string()) })),
  caa: z.array(z.strictObject({ flags: z.int(), tag: z.string(), value: z.string() })),
  challenges: z
    .array(z.strictObject({ name: z.string(), values: z.array(z.string()) }))
    .describe('set by dns-01, name without _acme-challenge.'),
})

export type DnsZone = Immutable<z.infer<typeof DNS_ZONE>>

/** What another server answered from a static zone with the same names. */
export const DNS_REFERENCE = z.strictObject({
  responseHex: hex.nullable().describe('null: no answer'),
  differs: z.array(z.string()).describe('from what is expected here'),
})

export const REFERENCE_NAMES = ['nsd', 'bind', 'knot'] as const
export type ReferenceName = (typeof REFERENCE_NAMES)[number]

type Immutable<T> = T extends readonly (infer Item)[]
  ? readonly Immutable<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Immutable<T[Key]> }
    : T
