import { draft, type Draft, type DraftFile } from './build.ts'

const ZONE = 'nt.example.org'
const ID0 = 'pw4t9mvzh6onnp01f80botcm2pek713h2prwjb3qx6j9bnak4a4o8'

/** Whether public CAs certify names: Boulder's rules, which a test CA does not have. */
export function certifiedNames(): DraftFile {
  return {
    header: ['names may be ordered at a public CA, all of them in one certificate.'],
    notes: {
      Basic: { bugType: 'BASIC', description: 'names of this protocol' },
      Hyphen: { bugType: 'EDGE_CASE', description: 'labels begin and end with a letter or digit' },
      ReservedLabel: {
        bugType: 'EDGE_CASE',
        description: 'hyphens in places 3 and 4 are for international names (RFC 5891 §4.2.3.1)',
      },
      Length: {
        bugType: 'EDGE_CASE',
        description: 'labels of 63, names of 253 characters with _acme-challenge. before them',
      },
      LabelCount: { bugType: 'EDGE_CASE', description: 'Boulder takes 2 to 10 labels' },
      NameCount: { bugType: 'EDGE_CASE', description: 'Boulder takes 1 to 100 names' },
      Characters: { bugType: 'MISSING_STEP', description: 'letters, digits and hyphens alone' },
      Case: {
        bugType: 'EDGE_CASE',
        description: 'some CAs keep the case of an order: names are ordered in lower case',
      },
      Structure: { bugType: 'MISSING_STEP', description: 'empty labels and the like' },
    },
    groups: [
      {
        type: 'CertifiedNames',
        source: { name: 'Boulder, policy/pa.go and ra/ra.go, as read', version: '2024' },
        tests: tests(),
      },
    ],
  }
}

function tests(): readonly Draft[] {
  const good = (flag: string, comment: string, ...names: string[]): Draft =>
    of('valid', flag, comment, names)
  const bad = (flag: string, comment: string, ...names: string[]): Draft =>
    of('invalid', flag, comment, names)
  const many = (count: number): string[] =>
    Array.from({ length: count }, (_, index) => `ip410-0-0-${index}.${ZONE}`)
  // A name of just so many characters, in labels that may be.
  const long = (length: number): string => {
    const rest = length - `.${ZONE}`.length
    const labels = [63, 63, 63, 63]
      .map((size) => 'a'.repeat(size))
      .join('.')
      .slice(0, rest)
    return `${labels.replace(/\.$/, 'a')}.${ZONE}`
  }
  return [
    good(
      'Basic',
      'id0 and address names',
      `${ID0}.${ZONE}`,
      `ip4203-0-113-7.${ZONE}`,
      `ip62001-db8--1.${ZONE}`,
    ),
    good(
      'Basic',
      'an id0 label of 61 characters',
      `pacudguj28xcky409br3f6zqiexallfld47eymt290be6tjd589on4kobx0qf.${ZONE}`,
    ),
    good('Basic', 'hyphens in the middle of an ip6 label', `ip6--1.${ZONE}`),
    good('Hyphen', '0 after the last hyphen', `ip62001-db8--0.${ZONE}`),
    bad('Hyphen', 'the literal form of the specification', `ip62001-db8--.${ZONE}`),
    bad('Hyphen', 'at the end of a label with nothing else but its prefix', `ip6--.${ZONE}`),
    bad('Hyphen', 'at the start', `-a.${ZONE}`),
    bad('Hyphen', 'alone', `-.${ZONE}`),
    bad('Hyphen', 'at the end of a label of the zone', 'a.nt-.example.org'),
    bad('Hyphen', 'one bad name among good ones', `${ID0}.${ZONE}`, `ip6--.${ZONE}`),
    good('ReservedLabel', 'an international name', 'a.xn--bcher-kva.example'),
    bad('ReservedLabel', 'letters', `ab--c.${ZONE}`),
    bad('ReservedLabel', 'digits', `12--3.${ZONE}`),
    good('ReservedLabel', 'hyphens in places 2 and 3', `a--b.${ZONE}`),
    good('ReservedLabel', 'hyphens in places 4 and 5', `abc--d.${ZONE}`),
    good('Length', 'a label of 63 characters', `${'a'.repeat(63)}.${ZONE}`),
    bad('Length', 'a label of 64 characters', `${'a'.repeat(64)}.${ZONE}`),
    good('Length', 'a name of 237 characters', long(237)),
    bad('Length', 'a name of 238 characters: no room for its challenge', long(238)),
    bad('Length', 'a name of 254 characters', long(254)),
    good('LabelCount', '10 labels', `${'a.'.repeat(7)}${ZONE}`),
    bad('LabelCount', '11 labels', `${'a.'.repeat(8)}${ZONE}`),
    good('LabelCount', '2 labels', 'a.example'),
    bad('LabelCount', '1 label', 'localhost'),
    good('NameCount', '100 names', ...many(100)),
    bad('NameCount', '101 names', ...many(101)),
    bad('NameCount', 'no name'),
    bad('Characters', 'underscore', `_acme-challenge.${ZONE}`),
    bad('Characters', 'wildcard: this protocol has none', `*.${ZONE}`),
    bad('Characters', 'blank', `a b.${ZONE}`),
    bad('Characters', 'NUL', `a\0.${ZONE}`),
    bad('Characters', 'line feed at the end', `a.${ZONE}\n`),
    bad('Characters', 'beyond ASCII', `ä.${ZONE}`),
    bad('Characters', 'the Kelvin sign, whose lower case is k', `\u212a.${ZONE}`),
    bad('Characters', 'slash', `a/b.${ZONE}`),
    bad('Characters', 'an address', '2001:db8::1'),
    bad('Characters', 'a port', `a.${ZONE}:443`),
    bad('Case', 'upper case', `IP4203-0-113-7.${ZONE}`),
    bad('Case', 'upper case in the zone', `ip4203-0-113-7.NT.example.org`),
    bad('Structure', 'empty', ''),
    bad('Structure', 'a dot', '.'),
    bad('Structure', 'a dot at the end', `a.${ZONE}.`),
    bad('Structure', 'a dot at the start', `.${ZONE}`),
    bad('Structure', 'two dots', `a..${ZONE}`),
  ]
}

function of(
  result: 'valid' | 'invalid',
  flag: string,
  comment: string,
  names: readonly string[],
): Draft {
  return draft(result, 'NT-ISSUE-026', flag, comment, { names })
}
