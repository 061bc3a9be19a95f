import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { responseDifferences } from '../dns-expectation.ts'
import { REFERENCE_NAMES, type ReferenceName } from '../schema-dns.ts'
import { draft, fromHex, toHex, type Draft, type DraftFile } from './build.ts'
import type { DnsCase } from './dns-case.ts'
import { nameRows, typeRows } from './dns-name-rows.ts'
import { packets } from './dns-packets.ts'
import { VECTOR_ZONE, type DnsRow } from './dns-row.ts'
import { challengeRows, ednsRows, placeRows } from './dns-zone-rows.ts'

/** What other servers answered, kept in a file: `node conformance/vectors/generate/ask-references.ts` writes it. */
export interface DnsReferences {
  readonly servers: Readonly<Record<string, string>>
  /** By transport and query. */
  readonly responses: Readonly<Record<string, Readonly<Record<ReferenceName, string | null>>>>
}

export const REFERENCES_FILE = join(import.meta.dirname, 'seed/dns_references.json')

export function dnsQueries(): DraftFile {
  const references = JSON.parse(readFileSync(REFERENCES_FILE, 'utf8')) as DnsReferences
  return {
    header: [
      'A server that is authoritative for zone, with the challenges set, gets queryHex and answers as expect says. responseHex is one response that does.',
      'valid: a good query; invalid: one that gets an error or silence; acceptable: one that servers treat differently.',
      'references: what other servers answered from a static zone with the same names, and how that differs from expect.',
    ],
    notes: {
      AddressName: { bugType: 'BASIC', description: 'A and AAAA of address names' },
      Id0Name: { bugType: 'BASIC', description: 'TXT of names of peer ids' },
      NoSuchName: { bugType: 'MISSING_STEP', description: 'labels that stand for nothing' },
      OtherType: {
        bugType: 'FUNCTIONALITY',
        description: 'existing names, types that they have not',
      },
      Case: {
        bugType: 'FUNCTIONALITY',
        description: 'upper and lower case, as resolvers mix it (0x20)',
      },
      Depth: { bugType: 'FUNCTIONALITY', description: 'directly below the zone and nowhere else' },
      OutOfZone: {
        bugType: 'FUNCTIONALITY',
        description: 'names that the server is not asked for',
      },
      Apex: { bugType: 'BASIC', description: 'SOA, NS, CAA and the name servers' },
      Challenge: { bugType: 'BASIC', description: 'values that were set' },
      EmptyNonTerminal: {
        bugType: 'EDGE_CASE',
        description:
          'nothing at the name, something below it: resolvers that minimise queries ask there first',
      },
      Edns: { bugType: 'FUNCTIONALITY', description: 'OPT in the query (RFC 6891)' },
      BadEdns: { bugType: 'CAN_OF_WORMS', description: 'OPT that is wrong' },
      Truncation: { bugType: 'EDGE_CASE', description: 'more than fits' },
      Tcp: { bugType: 'FUNCTIONALITY', description: 'over TCP' },
      Header: { bugType: 'CAN_OF_WORMS', description: 'odd flags, opcodes and counts' },
      Malformed: {
        bugType: 'CAN_OF_WORMS',
        description: 'packets that end early or say what is not so',
      },
      Class: { bugType: 'EDGE_CASE', description: 'classes other than IN' },
      Transfer: { bugType: 'EDGE_CASE', description: 'AXFR and IXFR' },
    },
    groups: [
      {
        type: 'DnsQuery',
        zone: VECTOR_ZONE,
        servers: references.servers,
        tests: dnsRows().map((row) => testOf(row, references)),
      },
    ],
  }
}

/** All cases, in the order of their numbers: new ones belong at the end. */
export function dnsRows(): readonly DnsRow[] {
  return [
    ...nameRows(),
    ...typeRows(),
    ...placeRows(),
    ...challengeRows(),
    ...ednsRows(),
    ...packets(VECTOR_ZONE),
  ]
}

export const referenceKey = ({ transport, query }: DnsCase): string =>
  `${transport} ${toHex(query)}`

function testOf(
  { result, req, flag, comment, case: one }: DnsRow,
  { responses }: DnsReferences,
): Draft {
  const { transport, query, expect, response } = one
  const differences = (bytes: Uint8Array | undefined): readonly string[] =>
    responseDifferences(bytes, { query, expect, zone: VECTOR_ZONE.name })
  const own = differences(response)
  if (own.length > 0)
    throw new Error(`${flag} ${comment}: our own response differs: ${own.join(', ')}`)
  const observed = responses[referenceKey(one)]
  const references = REFERENCE_NAMES.flatMap((server) => {
    const hex = observed?.[server]
    if (hex === undefined) return []
    const differs = differences(hex === null ? undefined : fromHex(hex))
    return [[server, { responseHex: hex, differs }] as const]
  })
  return draft(result, req, flag, comment, {
    transport,
    queryHex: toHex(query),
    expect,
    responseHex: response === undefined ? null : toHex(response),
    references: Object.fromEntries(references),
  })
}
