import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { RCODE, TYPE } from '../../dns/codes.ts'
import { mixCase } from '../../dns/write.ts'
import { addressLabel, id0Label } from '../../wire/names.ts'
import { responseDifferences } from '../dns-expectation.ts'
import { REFERENCE_NAMES, type DnsZone, type ReferenceName } from '../schema-dns.ts'
import { randomAddresses } from './address-labels.ts'
import { draft, fromHex, toHex, type Draft, type DraftFile } from './build.ts'
import { askZone, type DnsCase } from './dns-case.ts'
import { packets } from './dns-packets.ts'
import { ecdsaKey, ed25519Key, rsaKey } from './keys.ts'
import { SeededRandom } from './random.ts'

const NAME = 'nt.test'
const ID0 = 'pw4t9mvzh6onnp01f80botcm2pek713h2prwjb3qx6j9bnak4a4o8'
const value = (index: number): string => `value-${index}-`.padEnd(43, 'v')
const values = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => value(index))

/** What must be there before a server is asked. */
export const VECTOR_ZONE: DnsZone = {
  name: NAME,
  nameServers: [
    { name: `ns1.${NAME}`, addresses: ['192.0.2.1', '2001:db8::1'] },
    { name: `ns2.dns.${NAME}`, addresses: ['192.0.2.2'] },
  ],
  caa: [{ flags: 0, tag: 'issue', value: 'ca.example' }],
  challenges: [
    { name: NAME, values: values(1) },
    { name: `ip4203-0-113-7.${NAME}`, values: values(2) },
    { name: `one.${NAME}`, values: values(1) },
    { name: `many.${NAME}`, values: values(14) },
    { name: `a.b.${NAME}`, values: values(1) },
  ],
}

/** A case, and how it stands in the file. */
export interface DnsRow {
  readonly result: Draft['result']
  readonly req: string
  readonly flag: string
  readonly comment: string
  readonly case: DnsCase
}

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
    ...names(),
    ...types(),
    ...zoneNames(),
    ...challenges(),
    ...edns(),
    ...packets(VECTOR_ZONE),
  ]
}

/** Names that a static zone needs so that other servers can be asked the same. */
export function askedNames(): readonly string[] {
  return GOOD_LABELS.map((label) => `${label}.${NAME}`)
}

export const referenceKey = ({ transport, query }: DnsCase): string =>
  `${transport} ${toHex(query)}`

const GOOD_LABELS = [
  'ip4203-0-113-7',
  'ip4127-0-0-1',
  'ip40-0-0-0',
  'ip4255-255-255-255',
  'ip6--1',
  'ip62001-db8--1',
  'ip62001-db8--0',
  'ip6--0',
  'ip61-2-3-4-5-6-7-8',
  'ip6--ffff-102-304',
  ...randomAddresses('dns', 8).map(addressLabel),
  ID0,
  id0Label(ed25519Key('dns').id),
  id0Label(ecdsaKey('secp256k1', 'dns').id),
  id0Label(rsaKey(2048, 'dns').id),
]

const BAD_LABELS: readonly (readonly [string, string])[] = [
  ['ip4010-0-0-1', 'NT-DNS-011'],
  ['ip41-2-3-256', 'NT-DNS-011'],
  ['ip4999-999-999-999', 'NT-DNS-011'],
  ['ip41-2-3', 'NT-DNS-011'],
  ['ip41-2-3-4-5', 'NT-DNS-011'],
  ['ip4', 'NT-DNS-011'],
  ['ip61--2--3', 'NT-DNS-015'],
  ['ip612345--1', 'NT-DNS-015'],
  ['ip61-2-3-4-5-6-7-8-9', 'NT-DNS-015'],
  ['ip6---', 'NT-DNS-015'],
  ['ip6', 'NT-DNS-015'],
  ['p', 'NT-DNS-023'],
  ['p-', 'NT-DNS-023'],
  ['p_', 'NT-DNS-023'],
  ['proof', 'NT-DNS-023'],
  ['pmvv6akrdswr30dcmy8al2td3s85su1ptosw2qkojvrgie9lbdcpivzm3y', 'NT-DNS-022'],
  ['www', 'NT-DNS-018'],
  ['*', 'NT-DNS-018'],
  ['\\000', 'NT-DNS-018'],
  ['a\\.b', 'NT-DNS-018'],
  ['ip4127\\.0\\.0\\.1', 'NT-DNS-011'],
]

function names(): readonly DnsRow[] {
  const typeOf = (label: string): number =>
    label.startsWith('ip4') ? TYPE.A : label.startsWith('ip6') ? TYPE.AAAA : TYPE.TXT
  const reqOf: Readonly<Record<number, string>> = {
    [TYPE.A]: 'NT-DNS-010',
    [TYPE.AAAA]: 'NT-DNS-012',
    [TYPE.TXT]: 'NT-DNS-020',
  }
  return [
    ...GOOD_LABELS.map((label) => {
      const type = typeOf(label)
      const flag = type === TYPE.TXT ? 'Id0Name' : 'AddressName'
      return ask('valid', reqOf[type] ?? '', flag, label, { name: `${label}.${NAME}`, type })
    }),
    ...BAD_LABELS.map(([label, req]) =>
      ask('valid', req, 'NoSuchName', label, { name: `${label}.${NAME}`, type: typeOf(label) }),
    ),
  ]
}

function types(): readonly DnsRow[] {
  const address = `ip4203-0-113-7.${NAME}`
  const ip6 = `ip62001-db8--1.${NAME}`
  const id0 = `${ID0}.${NAME}`
  const random = new SeededRandom('case')
  const mixed = (name: string): string => mixCase(name, () => random.below(1000) / 1000)
  const other = [
    TYPE.AAAA,
    TYPE.TXT,
    TYPE.CNAME,
    TYPE.NS,
    TYPE.SOA,
    TYPE.MX,
    TYPE.HTTPS,
    TYPE.DS,
    65_280,
  ]
  return [
    ...other.map((type) =>
      ask('valid', 'NT-DNS-016', 'OtherType', `type ${type} of an ip4 name`, {
        name: address,
        type,
      }),
    ),
    ask('valid', 'NT-DNS-016', 'OtherType', 'A of an ip6 name', { name: ip6, type: TYPE.A }),
    ask('valid', 'NT-DNS-016', 'OtherType', 'A of an id0 name', { name: id0, type: TYPE.A }),
    ask('valid', 'NT-DNS-031', 'OtherType', 'CAA of an ip4 name', {
      name: address,
      type: TYPE.CAA,
    }),
    ask('valid', 'NT-DNS-031', 'OtherType', 'CAA of an id0 name', { name: id0, type: TYPE.CAA }),
    ask('valid', 'NT-DNS-031', 'NoSuchName', 'CAA of no name', {
      name: `x.${NAME}`,
      type: TYPE.CAA,
    }),
    ask('valid', 'NT-DNS-065', 'OtherType', 'type 65,535', { name: address, type: 65_535 }),
    ask('valid', 'NT-DNS-059', 'OtherType', 'ANY of an ip4 name', {
      name: address,
      type: TYPE.ANY,
    }),
    ask('valid', 'NT-DNS-059', 'NoSuchName', 'ANY of no name', {
      name: `x.${NAME}`,
      type: TYPE.ANY,
    }),
    ask('valid', 'NT-DNS-017', 'Case', 'upper case', { name: address.toUpperCase(), type: TYPE.A }),
    ask('valid', 'NT-DNS-017', 'Case', 'mixed', { name: mixed(address), type: TYPE.A }),
    ask('valid', 'NT-DNS-017', 'Case', 'mixed', { name: mixed(ip6), type: TYPE.AAAA }),
    ask('valid', 'NT-DNS-021', 'Case', 'mixed', { name: mixed(id0), type: TYPE.TXT }),
    ask('valid', 'NT-DNS-017', 'Case', 'the zone in mixed case', {
      name: mixed(NAME),
      type: TYPE.SOA,
    }),
    ask('valid', 'NT-DNS-017', 'Case', 'no such name', {
      name: mixed(`no-such-name.${NAME}`),
      type: TYPE.A,
    }),
    ask('valid', 'NT-DNS-026', 'Case', 'a challenge', {
      name: mixed(`_acme-challenge.one.${NAME}`),
      type: TYPE.TXT,
    }),
  ]
}

function zoneNames(): readonly DnsRow[] {
  const inside = (comment: string, name: string, type: number): DnsRow =>
    ask('valid', 'NT-DNS-018', 'Depth', comment, { name, type })
  const outside = (comment: string, name: string, type: number = TYPE.A): DnsRow =>
    ask('invalid', 'NT-DNS-018', 'OutOfZone', comment, { name, type })
  const apex = (req: string, comment: string, name: string, type: number): DnsRow =>
    ask('valid', req, 'Apex', comment, { name, type })
  return [
    inside('an ip4 name below another name', `ip4203-0-113-7.x.${NAME}`, TYPE.A),
    inside('an ip4 name below an ip4 name', `ip41-1-1-1.ip4203-0-113-7.${NAME}`, TYPE.A),
    inside('an id0 name below another name', `${ID0}.x.${NAME}`, TYPE.TXT),
    inside('below a name server', `x.ns1.${NAME}`, TYPE.A),
    outside('another domain', 'ip4203-0-113-7.example.org'),
    outside('ends in the zone, but not on a label boundary', `ip4203-0-113-7.xnt.test`),
    outside('ends in the bytes of the zone, within a label', 'ip4203-0-113-7.a\\002nt.test'),
    outside('the parent', 'test', TYPE.NS),
    outside('the root', '', TYPE.NS),
    outside('the zone in the middle', `ip4203-0-113-7.${NAME}.example.org`),
    outside('a sibling', 'nx.test'),
    apex('NT-DNS-030', 'SOA', NAME, TYPE.SOA),
    apex('NT-DNS-030', 'NS', NAME, TYPE.NS),
    apex('NT-DNS-031', 'CAA', NAME, TYPE.CAA),
    apex('NT-DNS-016', 'A: none', NAME, TYPE.A),
    apex('NT-DNS-016', 'TXT: none', NAME, TYPE.TXT),
    apex('NT-DNS-030', 'A of a name server', `ns1.${NAME}`, TYPE.A),
    apex('NT-DNS-030', 'AAAA of a name server', `ns1.${NAME}`, TYPE.AAAA),
    apex('NT-DNS-016', 'AAAA of a name server that has none', `ns2.dns.${NAME}`, TYPE.AAAA),
    ask('valid', 'NT-DNS-029', 'EmptyNonTerminal', 'above a name server', {
      name: `dns.${NAME}`,
      type: TYPE.A,
    }),
  ]
}

function challenges(): readonly DnsRow[] {
  const at = (name: string): string => `_acme-challenge.${name}.${NAME}`
  const text = (
    req: string,
    comment: string,
    name: string,
    rest: { transport?: 'tcp'; edns?: object } = {},
  ): DnsRow => ask('valid', req, 'Challenge', comment, { name, type: TYPE.TXT, ...rest })
  // Whether a name of which nothing is known exists, static servers see otherwise.
  const absent = (comment: string, name: string): DnsRow => {
    const one = askZone({ name, type: TYPE.TXT }, VECTOR_ZONE)
    const rcodes = [RCODE.NOERROR, RCODE.NXDOMAIN]
    const either = { ...one, expect: { ...one.expect, rcodes } }
    return { result: 'acceptable', req: 'NT-DNS-028', flag: 'Challenge', comment, case: either }
  }
  const above = (comment: string, name: string, type: number = TYPE.A): DnsRow =>
    ask('valid', 'NT-DNS-029', 'EmptyNonTerminal', comment, { name, type })
  return [
    text('NT-DNS-026', 'one value', at('one')),
    text('NT-DNS-026', 'two values', at('ip4203-0-113-7')),
    text('NT-DNS-026', 'of the zone itself', `_acme-challenge.${NAME}`),
    text('NT-DNS-026', '14 values over TCP', at('many'), { transport: 'tcp' }),
    text('NT-DNS-026', '14 values with EDNS', at('many'), { edns: {} }),
    text('NT-DNS-026', 'two labels below the zone', at('a.b')),
    absent('no value yet, of a name that exists', at('ip6--1')),
    text('NT-DNS-023', 'no value, of a name that does not exist', at('x')),
    absent('a challenge of a challenge', `_acme-challenge._acme-challenge.one.${NAME}`),
    text('NT-DNS-018', 'spelled as in the schema of 2018', `_acme_challenge.one.${NAME}`),
    ask('valid', 'NT-DNS-016', 'Challenge', 'A of a challenge', { name: at('one'), type: TYPE.A }),
    ask('valid', 'NT-DNS-031', 'Challenge', 'CAA of a challenge', {
      name: at('one'),
      type: TYPE.CAA,
    }),
    above('above a challenge', `one.${NAME}`),
    above('above a challenge, CAA', `one.${NAME}`, TYPE.CAA),
    above('above a challenge, TXT', `one.${NAME}`, TYPE.TXT),
    above('two labels above one', `b.${NAME}`),
    above('between', `a.b.${NAME}`),
    above('beside', `c.b.${NAME}`),
    ask('valid', 'NT-DNS-058', 'Truncation', '14 values without EDNS', {
      name: at('many'),
      type: TYPE.TXT,
    }),
    ask('valid', 'NT-DNS-058', 'Truncation', '14 values, 600 bytes offered', {
      name: at('many'),
      type: TYPE.TXT,
      edns: { payloadBytesMax: 600 },
    }),
    ask('valid', 'NT-DNS-056', 'Truncation', '14 values, 0 bytes offered', {
      name: at('many'),
      type: TYPE.TXT,
      edns: { payloadBytesMax: 0 },
    }),
    ask('valid', 'NT-DNS-058', 'Truncation', '14 values, 65,535 bytes offered', {
      name: at('many'),
      type: TYPE.TXT,
      edns: { payloadBytesMax: 65_535 },
    }),
  ]
}

function edns(): readonly DnsRow[] {
  const name = `ip4203-0-113-7.${NAME}`
  const good = (req: string, comment: string, init: object): DnsRow =>
    ask('valid', req, 'Edns', comment, { name, type: TYPE.A, edns: init })
  const option = (code: number, hex: string) => ({ options: [{ code, data: fromHex(hex) }] })
  const tcp = (comment: string, asked: string, type: number): DnsRow =>
    ask('valid', 'NT-DNS-060', 'Tcp', comment, { name: asked, type, transport: 'tcp' })
  return [
    good('NT-DNS-051', '', {}),
    good('NT-DNS-051', '4,096 bytes offered', { payloadBytesMax: 4096 }),
    good('NT-DNS-056', '511 bytes offered', { payloadBytesMax: 511 }),
    good('NT-DNS-056', '0 bytes offered', { payloadBytesMax: 0 }),
    good('NT-DNS-055', 'DO', { flags: 0x8000 }),
    good('NT-DNS-054', 'an unknown flag', { flags: 0x4000 }),
    good('NT-DNS-054', 'an unknown option', option(65_001, 'abcd')),
    good('NT-DNS-054', 'an empty unknown option', option(65_001, '')),
    good('NT-DNS-054', 'padding', option(12, '00'.repeat(16))),
    ask('valid', 'NT-DNS-051', 'Edns', 'NODATA', { name, type: TYPE.MX, edns: {} }),
    ask('valid', 'NT-DNS-051', 'Edns', 'NXDOMAIN', { name: `x.${NAME}`, type: TYPE.A, edns: {} }),
    ask('invalid', 'NT-DNS-051', 'Edns', 'REFUSED', {
      name: 'example.org',
      type: TYPE.A,
      edns: {},
    }),
    tcp('A', name, TYPE.A),
    tcp('NXDOMAIN', `x.${NAME}`, TYPE.A),
    tcp('SOA', NAME, TYPE.SOA),
  ]
}

function ask(
  result: Draft['result'],
  req: string,
  flag: string,
  comment: string,
  query: Parameters<typeof askZone>[0],
): DnsRow {
  return { result, req, flag, comment, case: askZone(query, VECTOR_ZONE) }
}

function testOf(
  { result, req, flag, comment, case: one }: DnsRow,
  { responses }: DnsReferences,
): Draft {
  const { transport, query, expect, response } = one
  const differences = (bytes: Uint8Array | undefined): readonly string[] =>
    responseDifferences(bytes, { query, expect, zone: NAME })
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
