import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { Parser } from 'tap-parser'
import { test } from 'tap'
import { CheckFailure, type Case } from '../suite/case.ts'
import { readable } from '../suite/readable.ts'
import { makeCase } from '../suite/testing.ts'
import { StoppedError } from '../suite/verdicts.ts'
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
const report = await reportOf(CASES, { expectations, expect: 'known.json' })

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

test(
  'a report that a disk does not take whole leaves the older one, and nothing else',
  process.platform === 'linux' ? {} : { skip: 'a bound for files is set by bash' },
  async (t) => {
    const folder = t.testdir({ 'old.json': 'older' })
    const script = `import { writeText } from ${JSON.stringify(join(import.meta.dirname, 'write-reports.ts'))}
      for (const name of ['old.json', 'new.json']) {
        await writeText(name, 'x'.repeat(100_000)).catch(({ message }) => console.log(message))
      }
      await writeText('short.json', 'short')`
    // What tap loads into the processes of a test by its environment ends them for this signal.
    const bounded = `trap '' XFSZ; ulimit -f 8; exec env -i "$0" --input-type=module -e "$1"`
    const words = ['--norc', '-c', bounded, process.execPath, script]
    const { stdout } = spawnSync('/bin/bash', words, {
      cwd: folder,
      encoding: 'utf8',
      env: {},
    })
    t.equal(
      stdout,
      'file "old.json" cannot be written (EFBIG)\nfile "new.json" cannot be written (EFBIG)\n',
    )
    t.same(readdirSync(folder).toSorted(), ['old.json', 'short.json'])
    t.equal(readFileSync(join(folder, 'old.json'), 'utf8'), 'older')
  },
)

test('a report takes the place of an older one, behind a link and with its permissions', async (t) => {
  const folder = t.testdir({ kept: { old: 'older' }, link: t.fixture('symlink', 'kept/old') })
  const at = (name: string): string => join(folder, name)
  chmodSync(at('kept/old'), 0o640)
  await writeReports(report, [{ format: 'tap', file: at('link') }])
  t.match(readFileSync(at('kept/old'), 'utf8'), /^TAP version/)
  t.equal(statSync(at('kept/old')).mode & 0o777, 0o640)
  t.same(readdirSync(at('kept')), ['old'])
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
  t.match(text, /\nbetter than expected: NT-DNS-010\/good\n/)
  t.match(text, /✓ good .*\n {8}unexpected pass: remove "NT-DNS-010\/good" from known\.json\n/)
  t.match(text, /2 pass, 2 fail, 1 unsupported, 1 inconclusive/)
  t.match(
    text,
    /NOT EVERY MUST HOLDS: 1 check fails, beside 1 known failure; 1 expected failure passed: remove it from known\.json$/,
  )
})

/** Of a run with checks that nothing ran. */
const LEFT_OUT = [
  { case: makeCase({ id: 'NT-WIRE-009/flood', title: '# much' }), why: 'disturbs' },
  { case: makeCase({ id: 'NT-DNS-010/other' }), why: 'disturbs' },
  { case: makeCase({ id: 'NT-DNS-012/flood' }), why: 'disturbs' },
  { case: makeCase({ id: 'NT-WIRE-010/optional', level: 'MAY' }), why: 'disturbs' },
  { case: makeCase({ id: 'NT-DNS01-008/minutes', role: 'dns01' }), why: 'slow' },
] as const
const GOOD = CASES.filter(({ id }) => /good|missing/.test(id))
const partly = await reportOf(GOOD, { leftOut: LEFT_OUT })

test('the tree names each MUST that was not looked at, and what looks at it', async (t) => {
  const text = stripVTControlCharacters(treeText(partly))
  // The check of NT-DNS-012 that was run did not apply, and NT-DNS-010 has one that passed.
  t.match(text, /\nnot looked at, only with --intrusive: the MUST of NT-WIRE-009, NT-DNS-012\n/)
  t.match(text, /\nnot looked at, only when a check of it is named: the MUST of NT-DNS01-008\n/)
  t.match(text, /every MUST that was looked at holds$/)
  t.match(stripVTControlCharacters(treeText(await reportOf(GOOD))), /every MUST holds$/)
})

test('TAP, JUnit and the page show what was left out, and why', async (t) => {
  const tap = tapText(partly)
  t.match(tap, '\n1..7\n')
  const disturbs = 'could disturb a public server: only with --intrusive'
  t.match(tap, `\nok 3 - NT-WIRE-009/flood \\# much # SKIP not run: ${disturbs}\n`)
  t.match(tap, '\nok 7 - NT-DNS01-008/minutes does what it should # SKIP not run: would take min')
  const parsed = Parser.parse(tap).filter(([kind]) => kind === 'assert')
  t.equal(parsed.length, 7)

  const junit = junitText(partly)
  t.match(junit, /<testsuites [^>]* tests="7" failures="0" errors="0" skipped="6" /)
  t.match(junit, /<testsuite name="test target.dns01" [^>]* tests="1" [^>]* skipped="1" /)
  t.match(
    junit,
    `<testcase name="NT-WIRE-009/flood" classname="NT-WIRE-009" time="0.000"><skipped message="not run: ${disturbs}"/>`,
  )

  const page = htmlText([partly])
  t.match(page, 'Not looked at, only with --intrusive: the MUST of NT-WIRE-009, NT-DNS-012<')
  t.match(page, 'Not looked at, only when a check of it is named: the MUST of NT-DNS01-008<')
  t.match(page, /id="NT-DNS01-008\/minutes".*>not run<.*Would take minutes: only when named/s)
  t.ok(
    partly.requirements.some(({ id }) => id === 'NT-DNS01-008'),
    'its sentence is there',
  )
  const whole = { ...partly, leftOut: [], target: { ...partly.target, name: 'theirs' } }
  t.match(htmlText([partly, whole]), /<h4>\s*test target not run\s*<\/h4>/, 'of which target')
  t.notMatch(htmlText([whole]), 'Not looked at')
})

test('the last line says what is so, and agrees with the exit code', async (t) => {
  const [good, , known] = CASES
  const two = makeCase({ ...known, id: 'NT-DNS-011/too' })
  const rows: readonly (readonly [
    readonly (Case | undefined)[],
    { readonly strict?: true; readonly stale?: true },
    number,
    string,
  ])[] = [
    [[good], {}, 0, 'every MUST holds'],
    [[good, known], {}, 0, 'every MUST holds but for 1 known failure'],
    [[good, known, two], {}, 0, 'every MUST holds but for 2 known failures'],
    [
      [good, known],
      { strict: true, stale: true },
      1,
      'every MUST and SHOULD holds but for 1 known failure, and 1 expected failure passed: remove it from known.json',
    ],
    [
      [good],
      { strict: true, stale: true },
      1,
      'every MUST and SHOULD holds, but 1 expected failure passed: remove it from known.json',
    ],
    [
      [good],
      { stale: true },
      0,
      'every MUST holds; 1 expected failure passed: remove it from known.json',
    ],
  ]
  for (const [cases, { strict = false, stale = false }, code, words] of rows) {
    const found = await reportOf(
      cases.flatMap((one) => one ?? []),
      {
        strict,
        expect: 'known.json',
        expectations: new Map([
          ['NT-DNS-011', 'fail'],
          ...(stale ? ([['NT-DNS-010/good', 'fail']] as const) : []),
        ] as const),
      },
    )
    t.equal(found.exitCode, code, words)
    t.equal(stripVTControlCharacters(treeText(found)).split('\n').at(-1), words)
    t.match(htmlText([found]), `${words[0]?.toUpperCase()}${words.slice(1)}`)
  }
})

test('reasons that many checks share are told once in the tree, and by each in the other reports', async (t) => {
  const alike = Array.from({ length: 9 }, (_, index) =>
    makeCase({ id: `NT-ISSUE-02${index}/one`, role: 'issue' }),
  )
  const found = await reportOf([...CASES.slice(0, 1), ...alike])
  const text = stripVTControlCharacters(treeText(found))
  t.match(
    text,
    /\nissue\n {2}– 9 checks of NT-ISSUE-020, .*NT-ISSUE-025, 3 more\n {8}reason {3}the target names no issue server\n/,
  )
  t.equal(text.split('names no issue server').length, 2)
  t.equal(junitText(found).split('names no issue server').length, 10)
  t.equal(tapText(found).match(/^ok .* # SKIP the target names no issue server$/gm)?.length, 9)
})

test('TAP and JUnit show a known failure that passes, and fail for it where the run is strict', async (t) => {
  const strict = await reportOf(CASES, { expectations, expect: 'known.json', strict: true })
  const news = 'unexpected pass: remove "NT-DNS-010/good" from known.json'
  t.match(tapText(report), `\nok 1 - NT-DNS-010/good does what it should # TODO ${news}\n  ---`)
  t.match(tapText(strict), '\nnot ok 1 - NT-DNS-010/good does what it should\n  ---')
  const escapedNews = news.replaceAll('"', '&quot;')
  t.match(junitText(report), `<system-out>${escapedNews}`)
  t.match(junitText(strict), `<failure message="${escapedNews}" type="MUST">`)
  t.match(junitText(strict), /<testsuites [^>]* failures="2" errors="1" /)
})

test('TAP and JUnit of a run that was interrupted say so, and which checks were not run', async (t) => {
  const stopped = AbortSignal.abort(new StoppedError('SIGTERM'))
  const partial = await reportOf(CASES, { ran: CASES.slice(0, 1), stopped })
  t.equal(partial.exitCode, 143)
  t.match(
    tapText(partial),
    /\n# not run: NT-DNS-010\/bad\n(# not run: .*\n){4}Bail out! the run was interrupted, 5 checks not run\n$/,
  )
  const text = junitText(partial)
  t.match(text, /<testsuites [^>]* tests="7" failures="0" errors="1" skipped="5" /)
  t.match(
    text,
    /<testsuite name="test target.interrupted" [^>]*>\n?<testcase name="run" [^>]*><error message="the run was interrupted: 5 checks not run" type="interrupted"\/>/,
  )
  t.match(text, /<testcase name="NT-ISSUE-022\/key" [^>]*><skipped message="not run: /)
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

test('controls that a server has put into a message reach no terminal and no page', async (t) => {
  const nasty = 'banner \u0000\u001b[31m\u0007\u009b31m\u0085'
  const controls = /(?!\n)\p{Cc}/u
  const found = await reportOf([
    makeCase({
      id: 'NT-DNS-010/controls',
      run: async ({ wire }) => {
        wire.record({ direction: 'received', channel: 'tcp', bytes: Buffer.from('x'), note: nasty })
        throw new CheckFailure({ expected: 'x', actual: 'y', byHand: nasty })
      },
    }),
  ])
  const file = join(t.testdir({}), 'report.json')
  await writeReports(found, [{ format: 'json', file }])
  t.notMatch(readFileSync(file, 'utf8'), controls)
  t.same(JSON.parse(readFileSync(file, 'utf8')), JSON.parse(JSON.stringify(found)))
  t.notMatch(tapText(found), controls)
  t.match(htmlText([found]), String.raw`banner \u0000\u001b[31m\u0007\u009b31m\u0085`)
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
