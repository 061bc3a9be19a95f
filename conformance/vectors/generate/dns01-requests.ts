import { DNS01Request } from '../../wire/messages.ts'
import { frame } from '../../wire/frames.ts'
import { draft, toHex, type Draft, type DraftFile } from './build.ts'
import { SeededRandom } from './random.ts'

const ZONE = 'nt.test'
const VALUE = Buffer.from(new SeededRandom('dns-01 value').bytes(32)).toString('base64url')
const { OK, NOT_AUTHORIZED, OTHER } = { OK: 0, NOT_AUTHORIZED: 3, OTHER: 9 } as const

/** Requests of a writer. */
export function dns01Requests(): DraftFile {
  return {
    header: [
      'A writer sends frameHex (fqdn and value). The answer has one of errors; where it is 0, DNS shows the value at servedAt.',
      'Requests are independent: each is sent to a server that has no values.',
    ],
    notes: {
      Basic: { bugType: 'BASIC', description: 'names of this protocol' },
      Case: {
        bugType: 'FUNCTIONALITY',
        description:
          'case is folded and one dot at the end removed; 2018 stored what was never found',
      },
      OutOfZone: {
        bugType: 'AUTH_BYPASS',
        description: 'a name that is not the zone or below it on a label boundary',
      },
      Prefixed: {
        bugType: 'FUNCTIONALITY',
        description: 'the server puts _acme-challenge. in front; twice is what nobody asks for',
      },
      NotHostName: { bugType: 'MISSING_STEP', description: 'no host name that a CA certifies' },
      Length: { bugType: 'EDGE_CASE', description: 'labels of 63, names of 237 characters' },
      BadValue: {
        bugType: 'MISSING_STEP',
        description: 'values are 43 characters of base64url (RFC 8555 §8.4)',
      },
    },
    groups: [
      { type: 'Dns01Request', zone: ZONE, tests: names() },
      { type: 'Dns01Request', zone: ZONE, tests: values() },
      {
        type: 'Dns01Request',
        zone: 'a.b.c.d.e.f.g.h.i.j.test',
        tests: [
          set(
            'Basic',
            'directly below a zone of more than 10 labels',
            'x.a.b.c.d.e.f.g.h.i.j.test',
          ),
          refuse(
            'NT-DNS01-004',
            'NotHostName',
            'two labels below such a zone',
            'x.y.a.b.c.d.e.f.g.h.i.j.test',
            [OTHER, NOT_AUTHORIZED],
          ),
        ],
      },
    ],
  }
}

function names(): readonly Draft[] {
  const outside = (comment: string, fqdn: string): Draft =>
    refuse('NT-DNS01-004', 'OutOfZone', comment, fqdn, [NOT_AUTHORIZED, OTHER])
  const noHost = (comment: string, fqdn: string): Draft =>
    refuse('NT-DNS01-004', 'NotHostName', comment, fqdn, [NOT_AUTHORIZED, OTHER])
  const prefixed = (comment: string, fqdn: string): Draft =>
    refuse('NT-DNS01-006', 'Prefixed', comment, fqdn, [OTHER, NOT_AUTHORIZED])
  const long = (length: number): string => {
    const rest = length - `.${ZONE}`.length
    const label = 'a'.repeat(63)
    return `${[label, label, label, label].join('.').slice(0, rest).replace(/\.$/, 'a')}.${ZONE}`
  }
  return [
    set('Basic', 'an address name', `ip4203-0-113-7.${ZONE}`),
    set('Basic', 'an id0 name', `pw4t9mvzh6onnp01f80botcm2pek713h2prwjb3qx6j9bnak4a4o8.${ZONE}`),
    set('Basic', 'the zone itself', ZONE),
    set('Basic', 'a name that means nothing', `anything.${ZONE}`),
    set('Basic', 'deeper than names of this protocol', `a.b.c.${ZONE}`),
    set('Case', 'upper and lower case', `IP4203-0-113-7.Nt.TesT`),
    set('Case', 'a dot at the end', `ip4203-0-113-7.${ZONE}.`),
    set('Case', 'both', `IP4203-0-113-7.NT.TEST.`),
    set('Length', 'a label of 63 characters', `${'a'.repeat(63)}.${ZONE}`),
    set('Length', 'a name of 237 characters', long(237)),
    set('Length', '10 labels', `${'a.'.repeat(8)}${ZONE}`),
    refuse('NT-DNS01-004', 'Length', '11 labels', `${'a.'.repeat(9)}${ZONE}`, [
      OTHER,
      NOT_AUTHORIZED,
    ]),
    refuse('NT-DNS01-004', 'Length', 'a name of 238 characters', long(238), [
      NOT_AUTHORIZED,
      OTHER,
    ]),
    refuse('NT-DNS01-004', 'Length', 'a label of 64 characters', `${'a'.repeat(64)}.${ZONE}`, [
      NOT_AUTHORIZED,
      OTHER,
    ]),
    outside('another domain', 'example.org'),
    outside('ends in the zone, but not on a label boundary', 'evilnt.test'),
    outside('the zone in the middle', 'a.nt.test.example.org'),
    outside('the parent of the zone', 'test'),
    outside('the root', '.'),
    outside('empty', ''),
    outside('a sibling', 'nx.test'),
    outside('a letter that folds to one of the zone', 'a.n\u017f.test'),
    outside('the Kelvin sign, whose lower case is k', `\u212a.${ZONE}`),
    outside('NUL before the zone', `a\0.${ZONE}`),
    outside('NUL after the zone', `a.${ZONE}\0`),
    outside('NUL and another domain after the zone', `a.${ZONE}\0.example.org`),
    outside('a line feed after the zone', `a.${ZONE}\n`),
    outside('a blank after the zone', `a.${ZONE} `),
    noHost('two dots at the end', `a.${ZONE}..`),
    noHost('an empty label', `a..${ZONE}`),
    noHost('a dot at the start', `.${ZONE}`),
    noHost('an underscore', `a_b.${ZONE}`),
    noHost('a hyphen at the start', `-a.${ZONE}`),
    noHost('a hyphen at the end', `ip6--.${ZONE}`),
    noHost('a quotation mark', `a".${ZONE}`),
    noHost('a backslash', `a\\.${ZONE}`),
    prefixed('prefixed', `_acme-challenge.ip4203-0-113-7.${ZONE}`),
    prefixed('the zone, prefixed', `_acme-challenge.${ZONE}`),
    prefixed('in upper case', `_ACME-CHALLENGE.a.${ZONE}`),
    prefixed('in the middle', `a._acme-challenge.${ZONE}`),
    prefixed('wildcard', `*.${ZONE}`),
    refuse(
      'NT-DNS01-002',
      'NotHostName',
      'the spelling of the schema of 2018',
      `_acme_challenge.a.${ZONE}`,
      [NOT_AUTHORIZED, OTHER],
    ),
  ]
}

function values(): readonly Draft[] {
  const fqdn = `ip4203-0-113-7.${ZONE}`
  const bad = (comment: string, value: string): Draft =>
    refuse('NT-DNS01-010', 'BadValue', comment, fqdn, [OTHER], value)
  return [
    set('Basic', 'every kind of character', fqdn, 'abcXYZ0123456789-_-_-_-_-_-_-_-_-_-_-_-_-_-'),
    set('Basic', 'hyphens alone', fqdn, '-'.repeat(43)),
    bad('empty', ''),
    bad('42 characters', VALUE.slice(0, 42)),
    bad('44 characters', `${VALUE}A`),
    bad('padding', `${VALUE}=`),
    bad('base64 with + and /', `${VALUE.slice(0, 41)}+/`),
    bad('a blank at the end', `${VALUE.slice(0, 42)} `),
    bad('a line feed at the end', `${VALUE}\n`),
    bad('quotation marks', `"${VALUE.slice(0, 41)}"`),
    bad('256 characters: more than one string of TXT', 'A'.repeat(256)),
    bad('NUL', `${VALUE.slice(0, 42)}\0`),
    bad('beyond ASCII', `${VALUE.slice(0, 42)}ä`),
    bad('a hexadecimal hash', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'),
  ]
}

function set(flag: string, comment: string, fqdn: string, value = VALUE): Draft {
  const req = flag === 'Case' ? 'NT-DNS01-005' : 'NT-DNS01-002'
  const servedAt = `_acme-challenge.${fqdn.toLowerCase().replace(/\.$/, '')}`
  return request('valid', req, flag, comment, { fqdn, value, errors: [OK], servedAt })
}

function refuse(
  req: string,
  flag: string,
  comment: string,
  fqdn: string,
  errors: readonly number[],
  value = VALUE,
): Draft {
  return request('invalid', req, flag, comment, { fqdn, value, errors, servedAt: null })
}

function request(
  result: Draft['result'],
  req: string,
  flag: string,
  comment: string,
  rest: { fqdn: string; value: string; errors: readonly number[]; servedAt: string | null },
): Draft {
  const frameHex = toHex(frame(DNS01Request.encode(rest)))
  return draft(result, req, flag, comment, { ...rest, frameHex })
}
