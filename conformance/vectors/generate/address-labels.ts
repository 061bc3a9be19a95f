import { addressBytes, addressText } from '../../wire/addresses.ts'
import { addressLabel, parseAddressLabel } from '../../wire/names.ts'
import { draft, type Draft, type DraftFile, type DraftGroup } from './build.ts'
import { SeededRandom } from './random.ts'
import seed from './seed/ip_label.json' with { type: 'json' }

const RANDOM_COUNT = 24

/** Labels that stand for no address, with the requirement and flag that say why. */
const REFUSED: readonly (readonly [string, string, string])[] = [
  ['ip4256-0-0-1', 'NT-DNS-011', 'OctetRange'],
  ['ip40-0-0-256', 'NT-DNS-011', 'OctetRange'],
  ['ip41-2-3-1000', 'NT-DNS-011', 'OctetRange'],
  ['ip400-0-0-0', 'NT-DNS-011', 'LeadingZeroOctet'],
  ['ip41-02-3-4', 'NT-DNS-011', 'LeadingZeroOctet'],
  ['ip41-2-3-04', 'NT-DNS-011', 'LeadingZeroOctet'],
  ['ip41--3-4', 'NT-DNS-011', 'Malformed'],
  ['ip4-1-2-3', 'NT-DNS-011', 'Malformed'],
  ['ip40x1-2-3-4', 'NT-DNS-011', 'Malformed'],
  ['ip4a-b-c-d', 'NT-DNS-011', 'Malformed'],
  ['ip41_2_3_4', 'NT-DNS-011', 'Malformed'],
  ['ip4-', 'NT-DNS-011', 'Malformed'],
  ['ip42130706433', 'NT-DNS-011', 'Malformed'],
  ['ip41-2-3-4-', 'NT-DNS-011', 'TrailingHyphen'],
  ['ip4--1', 'NT-DNS-011', 'FamilyMixed'],
  ['ip42001-db8--1', 'NT-DNS-011', 'FamilyMixed'],
  ['ip61-2-3-4', 'NT-DNS-015', 'FamilyMixed'],
  ['ip5127-0-0-1', 'NT-DNS-011', 'Malformed'],
  ['ip', 'NT-DNS-011', 'Malformed'],
  ['xip41-2-3-4', 'NT-DNS-011', 'Malformed'],
  ['ip6', 'NT-DNS-015', 'Malformed'],
  ['ip6-', 'NT-DNS-015', 'Malformed'],
  ['ip6----', 'NT-DNS-015', 'Malformed'],
  ['ip6-1', 'NT-DNS-015', 'Malformed'],
  ['ip6-1-2-3-4-5-6-7', 'NT-DNS-015', 'Malformed'],
  ['ip61-2-3-4-5-6-7', 'NT-DNS-015', 'Malformed'],
  ['ip61-2-3-4-5-6-7-8-', 'NT-DNS-015', 'TrailingHyphen'],
  ['ip61-2-3-4-5-6-7-', 'NT-DNS-015', 'TrailingHyphen'],
  ['ip61-2-3-4--5-6-7-8', 'NT-DNS-015', 'TooManyGroups'],
  ['ip61-2-3-4-5-6-7-8--', 'NT-DNS-015', 'TooManyGroups'],
  ['ip6--00001', 'NT-DNS-015', 'OctetRange'],
  ['ip6fffff--', 'NT-DNS-015', 'OctetRange'],
  ['ip6---1', 'NT-DNS-015', 'Malformed'],
  ['ip61---2', 'NT-DNS-015', 'Malformed'],
  ['ip6--_1', 'NT-DNS-015', 'Malformed'],
  ['ip6fe80--1peth0', 'NT-DNS-015', 'Malformed'],
]

const READ_ONLY: readonly (readonly [string, string])[] = [
  ['ip62001-db8-0-0-0-0-0-1', 'zeros that RFC 5952 leaves out'],
  ['ip62001-0db8--0001', 'leading zeros in groups'],
  ['ip62001-db8-0--1', 'a shorter run of zeros than there is'],
  ['ip6--0-0-1', 'zeros written and left out'],
  ['ip6fe80--', 'a hyphen at the end'],
  ['ip61-2-3-4-5-6-7--', 'two hyphens at the end for one group'],
]

const WRITTEN: readonly (readonly [string, string, string])[] = [
  ['0.0.0.0', 'Basic', ''],
  ['255.255.255.255', 'Basic', ''],
  ['8.8.8.8', 'Basic', ''],
  ['1::', 'TrailingHyphen', ''],
  ['fe80::', 'TrailingHyphen', ''],
  ['1:2:3:4:5:6:7::', 'NonCanonical', 'one group of zeros is not left out: no hyphen at the end'],
  ['1:2:3:4:5:6::', 'TrailingHyphen', ''],
  ['0:0:0:0:0:0:0:0', 'TrailingHyphen', 'every group is zero'],
  ['1:0:0:2:0:0:0:3', 'NonCanonical', 'the longer run of zeros is left out'],
  ['1:0:0:2:3:0:0:4', 'NonCanonical', 'of two runs the first'],
  ['1:0:2:3:4:5:6:7', 'NonCanonical', 'a single zero group stays'],
  ['0:1:2:3:4:5:6:7', 'NonCanonical', 'a single zero group stays at the start'],
  ['::1:2', 'Basic', 'the label begins with ip6--'],
  ['2001:DB8::ABCD', 'NonCanonical', 'lower case is written'],
  ['2001:0db8::0001', 'NonCanonical', ''],
  ['::ffff:102:304', 'Ip4InIp6', 'a mapped address in hexadecimal'],
  ['::1.2.3.4', 'Ip4InIp6', 'compatible and not mapped: stays IPv6'],
  ['64:ff9b::1.2.3.4', 'Ip4InIp6', 'NAT64: stays IPv6'],
  ['::fffe:1.2.3.4', 'Ip4InIp6', 'not mapped'],
]

const NOT_WRITTEN: readonly (readonly [string, 4 | 6, string])[] = [
  ['', 4, 'Malformed'],
  ['localhost', 4, 'Malformed'],
  ['1.2.3', 4, 'Malformed'],
  ['1.2.3.4.', 4, 'Malformed'],
  ['1.2.3.256', 4, 'OctetRange'],
  ['1.2.3.4:80', 4, 'Malformed'],
  [' 1.2.3.4', 4, 'Malformed'],
  ['0x7f.0.0.1', 4, 'Malformed'],
  ['2130706433', 4, 'Malformed'],
  ['[::1]', 6, 'Malformed'],
  ['::1/64', 6, 'Malformed'],
  [':::', 6, 'Malformed'],
  ['1::2::3', 6, 'Malformed'],
  ['1:2:3:4:5:6:7:8:9', 6, 'TooManyGroups'],
  ['::12345', 6, 'OctetRange'],
  ['::1.2.3.256', 6, 'OctetRange'],
]

/** Labels of addresses, both ways. */
export function addressLabels(): DraftFile {
  return {
    header: [
      'IpLabelDecode: label stands for ip (null: for no address). acceptable ones are read but never written.',
      'IpLabelEncode: ip is written as label (null: it is no address, and refused).',
    ],
    notes: {
      Basic: { bugType: 'BASIC', description: 'ordinary addresses' },
      TrailingHyphen: {
        bugType: 'EDGE_CASE',
        description: 'public CAs refuse a label that ends in a hyphen; Pebble does not',
      },
      OctetRange: { bugType: 'MISSING_STEP', description: 'a number that has no room in its part' },
      LeadingZeroOctet: {
        bugType: 'CAN_OF_WORMS',
        description: '010 is 8 to some readers and 10 to others',
      },
      Ip4InIp6: {
        bugType: 'EDGE_CASE',
        description: 'the encoder of 2018 put the dots of a mapped address into the label',
      },
      NonCanonical: { bugType: 'LEGACY', description: 'one address has one label that is written' },
      TooManyGroups: { bugType: 'MISSING_STEP', description: 'more groups than an address has' },
      Malformed: { bugType: 'MISSING_STEP', description: 'no address, although it looks like one' },
      FamilyMixed: {
        bugType: 'MISSING_STEP',
        description: 'the address of one family after the prefix of the other',
      },
      Random: { bugType: 'BASIC', description: 'drawn from a fixed seed' },
    },
    groups: [
      ...(seed as unknown as DraftGroup[]),
      { type: 'IpLabelDecode', tests: decoding() },
      { type: 'IpLabelEncode', tests: encoding() },
    ],
    words: addressWords,
  }
}

/** What is wrong with those that are of no address, by flag. */
const WRONG: Readonly<Record<string, string>> = {
  OctetRange: 'a number without room',
  LeadingZeroOctet: 'a leading zero',
  Malformed: 'not the form of an address',
  TooManyGroups: 'too many groups',
  TrailingHyphen: 'a hyphen at the end',
  FamilyMixed: 'an address of the other family',
}

function addressWords({ result, flags: [flag = ''], ip, label }: Draft, type: string): string {
  if (result !== 'invalid') {
    return type === 'IpLabelDecode' ? `is read as ${String(ip)}` : `is written as ${String(label)}`
  }
  const wrong = WRONG[flag]
  if (wrong === undefined) throw new Error(`what is wrong with ${flag}?`)
  return wrong
}

function decoding(): readonly Draft[] {
  const read = (label: string): string => {
    const bytes = parseAddressLabel(label)
    if (bytes === undefined) throw new Error(`"${label}" is of no address`)
    return addressText(bytes)
  }
  return [
    ...REFUSED.map(([label, req, flag]) => {
      if (parseAddressLabel(label) !== undefined) throw new Error(`"${label}" is of an address`)
      return draft('invalid', req, flag, '', {
        label,
        family: label.startsWith('ip6') ? 6 : 4,
        ip: null,
      })
    }),
    ...READ_ONLY.map(([label, comment]) =>
      draft('acceptable', 'NT-DNS-014', 'NonCanonical', comment, {
        label,
        family: 6,
        ip: read(label),
      }),
    ),
    ...randomAddresses('decode').map((ip) => {
      const label = addressLabel(ip)
      const family = ip.includes(':') ? 6 : 4
      return draft('valid', family === 4 ? 'NT-DNS-010' : 'NT-DNS-012', 'Random', '', {
        label,
        family,
        ip: read(label),
      })
    }),
  ]
}

function encoding(): readonly Draft[] {
  const familyOf = (label: string): 4 | 6 => (label.startsWith('ip4') ? 4 : 6)
  return [
    ...WRITTEN.map(([ip, flag, comment]) => {
      const label = addressLabel(ip)
      return draft('valid', 'NT-DNS-013', flag, comment, { ip, family: familyOf(label), label })
    }),
    ...NOT_WRITTEN.map(([ip, family, flag]) =>
      draft('invalid', 'NT-PROOF-010', flag, '', { ip, family, label: null }),
    ),
    ...randomAddresses('encode').map((ip) => {
      const label = addressLabel(ip)
      return draft('valid', 'NT-DNS-013', 'Random', '', { ip, family: familyOf(label), label })
    }),
  ]
}

/** Half of them IPv4; IPv6 ones with runs of zeros, where the rules are. */
export function randomAddresses(purpose: string, count = RANDOM_COUNT): readonly string[] {
  const random = new SeededRandom(`addresses ${purpose}`)
  return Array.from({ length: count }, (_, index) => {
    if (index % 2 === 0) return addressText(random.bytes(4))
    const bytes = random.bytes(16)
    const start = random.below(8)
    const end = start + random.below(8)
    bytes.fill(0, start * 2, end * 2)
    const text = addressText(bytes)
    if (addressBytes(text) === undefined) throw new Error(`"${text}" is not read`)
    return text
  })
}
