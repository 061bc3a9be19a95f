import { TYPE } from '../../dns/codes.ts'
import { mixCase } from '../../dns/write.ts'
import { addressLabel, id0Label } from '../../wire/names.ts'
import { randomAddresses } from './address-labels.ts'
import { ask, ID0, NAME, type DnsRow } from './dns-row.ts'
import { ecdsaKey, ed25519Key, rsaKey } from './keys.ts'
import { SeededRandom } from './random.ts'

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

/** Names that stand for something, or for nothing. */
export function nameRows(): readonly DnsRow[] {
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

/** Types that names have not, and cases that they are asked in. */
export function typeRows(): readonly DnsRow[] {
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

/** Names that a static zone needs so that other servers can be asked the same. */
export function askedNames(): readonly string[] {
  return GOOD_LABELS.map((label) => `${label}.${NAME}`)
}
