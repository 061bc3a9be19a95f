import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { Parser } from 'tap-parser'
import { test } from 'tap'
import { CheckFailure } from '../suite/case.ts'
import { readable } from '../suite/readable.ts'
import { makeCase } from '../suite/testing.ts'
import { hexDump } from './hex-dump.ts'
import { htmlText } from './html.ts'
import { junitText } from './junit.ts'
import { reportSchema } from './report.ts'
import { reportJsonSchema } from './schema.ts'
import { tapText } from './tap.ts'
import { reportOf } from './testing.ts'
import { treeText } from './tree.ts'
import { probeReports, writeReports } from './write-reports.ts'

/** What markup and TAP would take for their own. */
const NASTY = '<b>"&\u0007 # TODO \\'

const CASES = [
  makeCase({ id: 'NT-DNS-010/good' }),
  makeCase({
    id: 'NT-DNS-010/bad',
    title: NASTY,
    byHand: () => 'dig +nothing\n# shows nothing',
    run: async ({ wire }) => {
      wire.record({ direction: 'sent', channel: 'udp', bytes: Buffer.from('hello <script>') })
      throw new CheckFailure({ expected: `A ${NASTY}`, actual: 'none' })
    },
  }),
  makeCase({
    id: 'NT-DNS-011/known',
    run: async () => Promise.reject(new CheckFailure({ expected: 'x', actual: 'y' })),
  }),
  makeCase({ id: 'NT-DNS-012/missing', needs: ['ipv6'] }),
  makeCase({ id: 'NT-DNS-013/lost', run: async () => Promise.reject(new Error('reset')) }),
  makeCase({
    id: 'NT-ISSUE-022/key',
    run: async ({ wire }) => {
      const bytes = Buffer.from('-----BEGIN PRIVATE KEY-----\nMC4CAQ')
      wire.record({ direction: 'received', channel: 'issue', bytes })
    },
  }),
]
const expectations = new Map([
  ['NT-DNS-011', 'fail'],
  ['NT-DNS-010/good', 'fail'],
] as const)
const report = await reportOf(CASES, { expectations })

test('a report as JSON is what its schema says, and the schema file is that schema', async (t) => {
  t.same(reportSchema.parse(JSON.parse(JSON.stringify(report))), report)
  const file = readFileSync(join(import.meta.dirname, 'nt_report_v1.json'), 'utf8')
  t.equal(file, reportJsonSchema(), 'npm run generate writes it')
  t.match(report, {
    counts: { pass: 2, fail: 2, unsupported: 1, inconclusive: 1 },
    exitCode: 1,
    overtaken: ['NT-DNS-010/good'],
  })
})

test('reports that can be written are, whatever becomes of the others', async (t) => {
  const folder = t.testdir({ file: '' })
  const whole = join(folder, 'whole.tap')
  const problems = await writeReports(report, [
    { format: 'json', file: join(folder, 'file', 'in-a-file.json') },
    { format: 'tap', file: whole },
  ])
  t.match(problems, [/in-a-file\.json" cannot be written/])
  t.equal(problems.length, 1)
  t.match(readFileSync(whole, 'utf8'), /^TAP version/)
})

test('whether reports can be written is found without a trace', async (t) => {
  const folder = t.testdir({ kept: 'as it is' })
  const at = (name: string) => ({ format: 'tap', file: join(folder, name) }) as const
  await probeReports([at('kept'), at('new/one')])
  t.equal(readFileSync(join(folder, 'kept'), 'utf8'), 'as it is')
  t.notOk(existsSync(join(folder, 'new/one')))
  await t.rejects(probeReports([at('kept/x'), at('.')]), {
    name: 'UsageError',
    message: /kept\/x" cannot be written \(ENOTDIR\)\n.*\(EISDIR\)$/,
  })
})

test('no report holds a private key, whoever sent it', async (t) => {
  for (const text of [JSON.stringify(report), htmlText([report]), tapText(report)]) {
    t.notMatch(text, /MC4CAQ/)
    t.notMatch(text, Buffer.from('MC4CAQ').toString('hex'))
  }
  t.match(report.results.at(-1)?.wire, [{ length: 34, hex: '', note: 'holds a private key' }])
})

test('the tree tells what failed, what was wanted, and how to see it by hand', async (t) => {
  const text = stripVTControlCharacters(treeText(report))
  t.match(text, /✓ good/)
  t.match(
    text,
    /✗ bad .*\n.*\n {8}expected A <b>.*\n {8}actual {3}none\n {8}by hand {2}dig \+nothing\n {17}# shows nothing/,
  )
  t.match(text, /✗ known \(known\)/)
  t.match(text, /– missing .*\n {8}reason {3}the target does not claim the capability "ipv6"/)
  t.match(text, /NT-DNS-010\/good is better than the file of known failures says/)
  t.match(text, /2 pass, 2 fail, 1 unsupported, 1 inconclusive/)
  t.match(text, /NOT EVERY MUST HOLDS$/)
})

test('the tree names each MUST that was not looked at, and what looks at it', async (t) => {
  const leftOut = [
    { case: makeCase({ id: 'NT-WIRE-009/flood' }), why: 'disturbs' },
    { case: makeCase({ id: 'NT-DNS-010/other' }), why: 'disturbs' },
    { case: makeCase({ id: 'NT-DNS-012/flood' }), why: 'disturbs' },
    { case: makeCase({ id: 'NT-WIRE-010/optional', level: 'MAY' }), why: 'disturbs' },
    { case: makeCase({ id: 'NT-DNS01-008/minutes' }), why: 'slow' },
  ] as const
  const good = CASES.filter(({ id }) => /good|missing/.test(id))
  const text = stripVTControlCharacters(treeText(await reportOf(good, { leftOut })))
  // The check of NT-DNS-012 that was run did not apply, and NT-DNS-010 has one that passed.
  t.match(text, /\nnot looked at, only with --intrusive: the MUST of NT-WIRE-009, NT-DNS-012\n/)
  t.match(text, /\nnot looked at, only when a check of it is named: the MUST of NT-DNS01-008\n/)
  t.match(text, /every MUST that was looked at holds$/)
  t.match(stripVTControlCharacters(treeText(await reportOf(good))), /every MUST holds$/)
})

test('TAP is what a parser reads: failures fail, known ones are TODO, what does not apply is SKIP', async (t) => {
  const points = Parser.parse(tapText(report)).flatMap(([kind, found]) =>
    kind === 'assert'
      ? [found as { name: string; ok: boolean; todo?: string; skip?: string; diag?: object }]
      : [],
  )
  t.same(
    points.map(({ ok }) => ok),
    [true, false, false, true, false, true],
  )
  const [, bad, known, missing] = points
  t.equal(bad?.name, `NT-DNS-010/bad <b>"&\u0007 # TODO \\`)
  t.notOk(bad?.todo)
  t.match(bad?.diag, {
    expected: `A ${readable(NASTY)}`,
    actual: 'none',
    byHand: /dig/,
    wire: [{ hex: '68656c6c6f203c7363726970743e' }],
  })
  t.equal(known?.todo, 'known: fail')
  t.match(missing?.skip, /capability/)
})

test('JUnit counts failures and errors, gives every test a name and its requirement, and is well-formed', async (t) => {
  const text = junitText(report)
  t.match(
    text,
    /<testsuites name="nodetrust-conformance [\d.]+" tests="6" failures="1" errors="1" skipped="2" /,
  )
  t.match(
    text,
    /<testcase name="NT-DNS-010\/bad" classname="NT-DNS-010" time="[\d.]+"><failure message="expected A &lt;b&gt;&quot;&amp;\\u0007 # TODO \\" type="MUST">/,
  )
  // Tags close in the order that they open.
  const open: string[] = []
  for (const [, slash, name, end] of text.matchAll(/<(\/?)([a-z-]+)(?:\s[^<>]*?)?(\/?)>/g)) {
    if (slash === '/') t.equal(open.pop(), name)
    else if (end === '') open.push(name ?? '')
  }
  t.same(open, [])
})

test('the HTML page needs no network, escapes what targets say, and puts targets side by side', async (t) => {
  const other = await reportOf(CASES.slice(0, 2))
  const page = htmlText([report, { ...other, target: { ...other.target, name: 'theirs' } }])
  t.notMatch(page, /(src|href)=/)
  t.notMatch(page, /url\(|@import/)
  t.match(page, /default-src 'none'/)
  t.notMatch(page, '<b>"&\u0007')
  t.match(page, 'A &lt;b&gt;&quot;&amp;')
  t.match(page, /title="test target: fail">✗ fail<.*title="theirs: fail">/s)
  t.match(page, /title="theirs: not run">not run</)
  t.match(page, '68 65 6c 6c 6f 20 3c 73 63 72')
})

test('a link leads to one requirement, also where it is checked in several roles', async (t) => {
  const elsewhere = makeCase({ id: 'NT-DNS-010/other-role', role: 'dns01' })
  const page = htmlText([await reportOf([...CASES, elsewhere])])
  const ids = [...page.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id)
  t.ok(ids.includes('NT-DNS-010') && ids.includes('NT-DNS-010/bad'))
  t.equal(new Set(ids).size, ids.length, 'ids to link to are unique')
})

test('a dump shows offsets, bytes and text, and how much was cut', async (t) => {
  t.same(hexDump(Buffer.from('0123456789abcdefg\n'), 20).split('\n'), [
    '0000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  0123456789abcdef',
    '0010  67 0a                                            g.',
    '…     2 bytes more',
  ])
})
