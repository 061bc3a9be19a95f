// Which names are taken, by Pebble's rules and by Boulder's; and what counts as a registered domain.
import { test } from 'tap'
import { readNames, registeredDomain } from './names.ts'
import { Problem } from './problems.ts'

const LENIENT = {
  namePolicy: 'lenient',
  publicSuffixes: [],
  blockedNames: [],
  namesMax: 100,
} as const
const PUBLIC = {
  ...LENIENT,
  namePolicy: 'public',
  publicSuffixes: ['example', 'co.example'],
} as const

function said(settings: Parameters<typeof readNames>[1], ...names: readonly unknown[]): string {
  try {
    return readNames(
      names.map((value) => ({ type: 'dns', value })),
      settings,
    ).join()
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    return `${error.type}: ${error.message}`
  }
}

test('the lenient policy takes what Pebble takes, the public one what Let’s Encrypt takes', async (t) => {
  const cases: readonly (readonly [string, RegExp | undefined])[] = [
    ['node.nt.example', undefined],
    ['*.nt.example', undefined],
    ['ip6--1.nt.example', undefined],
    [`${'a'.repeat(63)}.nt.example`, undefined],
    ['ip6--.nt.example', /hyphen/],
    ['-1.nt.example', /hyphen/],
    ['ab--1.nt.example', /reserved format/],
    ['xn--bcher-kva.nt.example', undefined],
    ['localhost', /at least one dot/],
    [`${'a'.repeat(64)}.nt.example`, /longer than 63/],
    ['a..example', /two dots in a row/],
    [`${'a.'.repeat(10)}example`, /more than 10 labels/],
    ['node.nt.test', /valid public suffix/],
    ['co.example', /public suffix itself/],
    ['nt.co.example', undefined],
  ]
  for (const [name, refused] of cases) {
    t.equal(said(LENIENT, name), name)
    if (refused === undefined) t.equal(said(PUBLIC, name), name)
    else t.match(said(PUBLIC, name), refused)
  }
})

test('no policy takes what is no name', async (t) => {
  const cases: readonly (readonly [unknown, RegExp])[] = [
    ['', /empty/],
    ['under_score.example', /invalid character/],
    ['bücher.example', /invalid character/],
    ['a.example.', /ends in a period/],
    ['a.*.example', /leftmost/],
    ['*.*.example', /more than one/],
    ['*', /leftmost/],
    ['10.0.0.1', /IP address/],
    ['a.'.repeat(127), /longer than 253/],
    [7, /not a text/],
    [undefined, /not a text/],
  ]
  for (const [name, wanted] of cases) {
    t.match(said(LENIENT, name), wanted)
    t.match(said(PUBLIC, name), /^malformed/)
  }
})

test('names are taken once, in lower case, and not too many; each bad one is a subproblem', async (t) => {
  t.equal(said(LENIENT, 'A.example', 'a.example', 'b.example'), 'a.example,b.example')
  t.match(said({ ...LENIENT, namesMax: 1 }, 'a.example', 'b.example'), /at most 1/)
  t.match(said(LENIENT, 'a_.example', 'b.example', 'c_.example'), /"a_\.example".*1 more problem/)
  t.match(
    said({ ...LENIENT, blockedNames: ['bad.example'] }, 'x.bad.example'),
    /^rejectedIdentifier/,
  )
  t.equal(said({ ...LENIENT, blockedNames: ['bad.example'] }, 'xbad.example'), 'xbad.example')
  for (const identifiers of [undefined, [], 'a.example', {}]) {
    t.throws(() => readNames(identifiers, LENIENT), Problem)
  }
  t.throws(() => readNames([null], LENIENT), Problem)
})

test('a registered domain is one label more than its public suffix', async (t) => {
  t.equal(registeredDomain('a.b.nt.example', ['example']), 'nt.example')
  t.equal(registeredDomain('*.b.nt.example', []), 'nt.example')
  t.equal(registeredDomain('a.b.nt.example', ['example', 'nt.example']), 'b.nt.example')
})
