// What a run is told, and what it says at its end: pure.
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'tap'
import { CASES, namedRequirements, REQUIREMENTS } from './catalogue.ts'
import { expected, overtaken, readExpectations } from './expectations.ts'
import { generateKeyTexts } from './keys.ts'
import { parseTarget } from './read-target.ts'
import { select, type SelectionOptions } from './selection.ts'
import { makeCase } from './testing.ts'
import { exitCode, type Outcome } from './verdicts.ts'

const EVERYTHING: SelectionOptions = {
  selectors: [],
  roles: [],
  levels: [],
  exclude: [],
  intrusive: false,
  slow: false,
  levelOf: ({ level }) => level ?? 'MUST',
}

test('the exit code says what matters most', async (t) => {
  const pass: Outcome = { verdict: 'pass', level: 'MUST' }
  const rows: readonly (readonly [string, readonly Outcome[], number, number])[] = [
    ['all hold', [pass, { ...pass, verdict: 'info' }], 0, 0],
    ['a MUST fails', [pass, { ...pass, verdict: 'fail' }], 1, 1],
    ['a SHOULD is missed', [pass, { level: 'SHOULD', verdict: 'fail' }], 0, 1],
    ['a MUST takes a tolerated alternative', [pass, { ...pass, verdict: 'nonstrict' }], 0, 0],
    ['nothing', [], 3, 3],
    ['nothing that applies', [{ ...pass, verdict: 'unsupported' }], 3, 3],
    ['a MUST could not be checked', [pass, { ...pass, verdict: 'inconclusive' }], 4, 4],
    ['a SHOULD could not', [pass, { level: 'SHOULD', verdict: 'inconclusive' }], 0, 4],
    ['a fault of ours', [pass, { ...pass, verdict: 'inconclusive', suiteFault: 'stack' }], 5, 5],
    [
      'a failure beside it',
      [
        { ...pass, verdict: 'fail' },
        { ...pass, verdict: 'inconclusive', suiteFault: 'stack' },
      ],
      1,
      1,
    ],
    ['a known failure', [pass, { ...pass, verdict: 'fail', known: 'fail' }], 0, 0],
    [
      'another failure than the known one',
      [{ ...pass, verdict: 'fail', known: 'nonstrict' }],
      1,
      1,
    ],
    ['a known failure of which a part passes', [{ ...pass, known: 'fail' }], 0, 0],
  ]
  for (const [name, outcomes, code, strictCode] of rows) {
    t.equal(exitCode(outcomes, { strict: false, overtaken: 0 }), code, name)
    t.equal(exitCode(outcomes, { strict: true, overtaken: 0 }), strictCode, `${name}, strict`)
  }
  t.equal(exitCode([pass], { strict: false, overtaken: 1 }), 0, 'a known failure that passes')
  t.equal(exitCode([pass], { strict: true, overtaken: 1 }), 1, 'which a strict run wants to know')
})

test('words choose cases by family, requirement, case and role, and an id ends where another begins', async (t) => {
  const cases = [
    makeCase({ id: 'NT-DNS-010/a' }),
    makeCase({ id: 'NT-DNS-010/ab' }),
    makeCase({ id: 'NT-DNS-011/a', level: 'SHOULD' }),
    makeCase({ id: 'NT-DNS01-010/a', role: 'dns01' }),
    makeCase({ id: 'NT-ISSUE-013/flood', role: 'issue', intrusive: true }),
    makeCase({ id: 'NT-DNS01-008/two-minutes', role: 'dns01', slow: true }),
  ]
  const chosen = (options: Partial<SelectionOptions>): string =>
    select(cases, { ...EVERYTHING, ...options })
      .cases.map(({ id }) => id.slice(3))
      .join(' ')
  const rows: readonly (readonly [Partial<SelectionOptions>, string])[] = [
    [{}, 'DNS-010/a DNS-010/ab DNS-011/a DNS01-010/a'],
    [{ selectors: ['NT-DNS'] }, 'DNS-010/a DNS-010/ab DNS-011/a'],
    [{ selectors: ['nt-dns-010'] }, 'DNS-010/a DNS-010/ab'],
    [{ selectors: ['NT-DNS-010/a'] }, 'DNS-010/a'],
    [{ selectors: ['NT-DNS-010/a*'] }, 'DNS-010/a DNS-010/ab'],
    [{ selectors: ['nt-dns-01*/A'] }, 'DNS-010/a DNS-011/a'],
    [{ selectors: ['DNS/*'] }, 'DNS-010/a DNS-010/ab DNS-011/a'],
    [{ selectors: ['dns01/*', 'NT-DNS-011'] }, 'DNS-011/a DNS01-010/a'],
    [{ selectors: ['dns'], exclude: ['NT-DNS-010'] }, 'DNS-011/a'],
    [{ roles: ['dns01'] }, 'DNS01-010/a'],
    [{ levels: ['SHOULD'] }, 'DNS-011/a'],
    [{ selectors: ['NT-ISSUE'] }, ''],
    [{ selectors: ['NT-ISSUE'], intrusive: true }, 'ISSUE-013/flood'],
    [{ slow: true }, 'DNS-010/a DNS-010/ab DNS-011/a DNS01-010/a DNS01-008/two-minutes'],
    [{ selectors: ['NT-DNS01'] }, 'DNS01-010/a'],
    [{ selectors: ['NT-DNS01-0*'] }, 'DNS01-010/a'],
    ...['NT-DNS01-008', 'NT-DNS01-008/*', 'nt-dns01-008/two-minutes'].map(
      (word) => [{ selectors: ['NT-DNS-011', word] }, 'DNS-011/a DNS01-008/two-minutes'] as const,
    ),
  ]
  for (const [options, wanted] of rows) t.equal(chosen(options), wanted, JSON.stringify(options))
  for (const word of ['foo', 'NT', 'dns/', '010', 'NT-DNS-010/../a']) {
    t.throws(() => chosen({ selectors: [word] }), { name: 'UsageError', message: `"${word}"` })
  }
  // Alone it chooses nothing, and that is what is said; beside another its absence would not be noticed.
  t.equal(chosen({ selectors: ['NT-DNS-110'] }), '')
  const mistyped: readonly (readonly [Partial<SelectionOptions>, RegExp])[] = [
    [{ selectors: ['NT-DNS', 'NT-DNS-110'] }, /^"NT-DNS-110" .* the nearest are NT-DNS-010, /],
    [{ selectors: ['NT-ISUE', 'dns'] }, /^"NT-ISUE" .* the nearest are NT-ISSUE, /],
    [{ selectors: ['dns', 'NT-DNS-010/b'] }, /^"NT-DNS-010\/b" .* nearest are NT-DNS-010\/a/],
    [{ exclude: ['NT-DNS-110'] }, /^"NT-DNS-110" names no check/],
    [{ selectors: ['dns', 'client/*'] }, /^"client\/\*" names no check/],
  ]
  for (const [options, message] of mistyped) {
    t.throws(() => chosen(options), { name: 'UsageError', message })
  }
})

test('list and explain take the words that runs take', (t) => {
  const of = (...words: readonly string[]) =>
    namedRequirements(words).map(({ requirement: { id }, cases }) => ({
      id,
      cases: cases.map((one) => one.id),
    }))
  const all = of()
  t.same(
    all.map(({ id }) => id),
    REQUIREMENTS.map(({ id }) => id),
  )
  t.same(all.flatMap(({ cases }) => cases).toSorted(), CASES.map(({ id }) => id).toSorted())
  const [first] = CASES
  const id = first?.id ?? ''
  t.same(of(id.toLowerCase()), [{ id: id.split('/')[0], cases: [id] }])
  for (const word of ['dns01', 'DNS01/*', 'NT-DNS', 'nt-dns-017/*', 'NT-DNS-01*']) {
    const { cases, leftOut } = select(CASES, {
      ...EVERYTHING,
      selectors: [word],
      intrusive: true,
    })
    const wanted = [...cases, ...leftOut.map((one) => one.case)].map((one) => one.id)
    const named = of(word).flatMap((one) => one.cases)
    t.same(named.toSorted(), wanted.toSorted(), word)
  }
  // No check can see it, and it is explained all the same.
  const unchecked = REQUIREMENTS.find((one) => one.unchecked !== undefined)
  t.same(of(unchecked?.id ?? ''), [{ id: unchecked?.id, cases: [] }])
  t.throws(() => of('NT-DNS', 'NT-DNS-999'), { name: 'UsageError', message: /^"NT-DNS-999" names/ })
  t.throws(() => of('nt-dns-017/nope'), {
    message: /the nearest are NT-DNS-017\/[\w-]+, NT-DNS-017/,
  })
  t.end()
})

test('known failures are by requirement or case, and those that have become better are named', async (t) => {
  const file = join(await mkdtemp(join(tmpdir(), 'nodetrust-known-')), 'known.json')
  const known = {
    requirements: new Set(['NT-DNS-010', 'NT-DNS-011']),
    cases: new Set(['NT-DNS-011/a']),
  }
  await writeFile(file, '{"NT-DNS-010": "fail", "NT-DNS-011/a": "nonstrict"}')
  const expectations = await readExpectations(file, known)
  t.equal(expected(expectations, 'NT-DNS-010/x'), 'fail')
  t.equal(expected(expectations, 'NT-DNS-011/a'), 'nonstrict')
  t.equal(expected(expectations, 'NT-DNS-011/b'), undefined)
  t.same(
    overtaken(expectations, [
      { id: 'NT-DNS-010/x', verdict: 'pass' },
      { id: 'NT-DNS-010/y', verdict: 'fail' },
      { id: 'NT-DNS-011/a', verdict: 'pass' },
    ]),
    ['NT-DNS-011/a'],
  )
  for (const [id, verdict, wanted] of [
    ['NT-DNS-010/x', 'inconclusive', []],
    ['NT-DNS-010/x', 'unsupported', []],
    ['NT-DNS-010/x', 'nonstrict', ['NT-DNS-010']],
    ['NT-DNS-011/a', 'fail', []],
  ] as const) {
    t.same(overtaken(expectations, [{ id, verdict }]), wanted, `${id} ${verdict}`)
  }

  await writeFile(file, '{"NT-DNS-010": "broken", "NT-DNS-099": "fail"}')
  await t.rejects(readExpectations(file, known), {
    message: /"NT-DNS-010" is|NT-DNS-010 is "broken", wanted one of pass, fail/,
  })
  await writeFile(file, '{"NT-DNS-099": "fail"}')
  await t.rejects(readExpectations(file, known), { message: '"NT-DNS-099" is neither' })
})

test('a target file is told all its mistakes at once, and no secret of it', async (t) => {
  const { privateKey, publicKey, peerId } = await generateKeyTexts()
  const good = {
    name: 'ours',
    zone: 'nt.example.org',
    capabilities: ['played-proof-server'],
    dns: [{ address: '192.0.2.53', port: 53 }],
    proof: [{ addresses: [`/ip4/192.0.2.1/tcp/4001/p2p/${peerId}`], proofKey: publicKey }],
    issue: { addresses: [`/dns4/issue.example.org/tcp/4003/p2p/${peerId}`] },
    acme: { directoryUrl: 'https://ca.test/directory', roots: [] },
    players: { proofKey: privateKey },
  }
  t.same(parseTarget(JSON.stringify(good), 'target.json'), good)

  const mistakes: readonly (readonly [object, RegExp])[] = [
    [{ name: undefined }, /name is missing, wanted a name/],
    [{ zone: 'NT.example.' }, /zone is "NT.example.", wanted a domain name in lower case/],
    [{ zones: 'x' }, /zones is unknown here, wanted name, zone, capabilities/],
    [{ capabilities: ['ipv4'] }, /capabilities\[0\] is "ipv4", wanted one of ipv6/],
    [
      { capabilities: ['dns-writer'] },
      /capabilities\[0\] is "dns-writer", wanted "dns01.writerKey"/,
    ],
    [{ dns: [{ address: 'ns1', port: 0 }] }, /address is "ns1", wanted an IP address\n.*port is 0/],
    [
      { proof: [{ addresses: ['/ip4/192.0.2.1/tcp/4001'] }] },
      /wanted a multiaddr that ends in \/p2p/,
    ],
    [{ keyTypes: ['RSA'] }, /keyTypes is a list of 1, wanted Ed25519 in the list/],
    [{ keyTypes: ['Ed25519', 'DSA'] }, /keyTypes\[1\] is "DSA", wanted one of Ed25519, RSA/],
    [{ issue: { addresses: [] } }, /issue.addresses is an empty list, wanted .*, at least 1/],
    [
      { dns: Array.from({ length: 5_000 }, () => ({ address: '192.0.2.1', port: 53 })) },
      /has 1 mistake\n {2}dns is a list of 5000, wanted a list of .*, at most 16$/,
    ],
    [{ acme: undefined }, /acme is missing, wanted the CA of the issue server/],
    [
      { acme: { directoryUrl: 'http://ca.test', roots: ['x'] } },
      /directoryUrl is .*\n.*roots\[0\] is "x"/,
    ],
    [{ players: { proofKey: publicKey } }, /players.proofKey cannot be used \(it may be a secret/],
    [
      { proof: [{ addresses: good.proof[0]?.addresses, proofKey: privateKey }] },
      /proofKey cannot be used/,
    ],
    [
      { players: { dns: { peerKey: privateKey, listen: ['/ip4/127.0.0.1/tcp/1/p2p/x'] } } },
      /listen/,
    ],
  ]
  for (const [change, message] of mistakes) {
    const text = JSON.stringify({ ...good, ...change })
    try {
      parseTarget(text, 'target.json')
      t.fail(JSON.stringify(change))
    } catch (error) {
      const told = error instanceof Error ? error.message : ''
      t.match(told, message)
      t.notOk(told.includes(privateKey), 'no private key is told')
    }
  }
  const all = JSON.stringify({ ...good, zone: '.', dns: 'x', capabilities: ['y'] })
  t.throws(() => parseTarget(all, 'target.json'), { message: /^target.json has 3 mistakes\n/ })
  t.throws(() => parseTarget(`{"players": "${privateKey}`, 'target.json'), {
    message: /^target.json is no JSON[^"]*$/,
  })
})
