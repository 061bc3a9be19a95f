import { RCODE, TYPE } from '../../dns/codes.ts'
import { fromHex } from './build.ts'
import { askZone } from './dns-case.ts'
import { ask, ID0, NAME, VECTOR_ZONE, type DnsRow } from './dns-row.ts'

/** Where names are, and what is at the zone's own. */
export function placeRows(): readonly DnsRow[] {
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

export function challengeRows(): readonly DnsRow[] {
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

export function ednsRows(): readonly DnsRow[] {
  const name = `ip4203-0-113-7.${NAME}`
  const good = (req: string, comment: string, init: object): DnsRow =>
    ask('valid', req, 'Edns', comment, { name, type: TYPE.A, edns: init })
  const option = (code: number, hex: string) => ({ options: [{ code, data: fromHex(hex) }] })
  const tcp = (comment: string, asked: string, type: number): DnsRow =>
    ask('valid', 'NT-DNS-060', 'Tcp', comment, { name: asked, type, transport: 'tcp' })
  return [
    good('NT-DNS-051', '1,232 bytes offered, no options', {}),
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
