import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { z } from 'zod'
import { countVectors, dumpVectors } from './dump.ts'
import { readAllVectors, readVectors, vectorGroups, vectorText } from './files.ts'
import { generateVectors } from './generate/index.ts'
import { checkVectors } from './lint.ts'
import { jsonSchema, KINDS, schemaName } from './schema.ts'

const folder = import.meta.dirname

test('the files are what the generator writes', async (t) => {
  const generated = generateVectors()
  t.same([...generated.keys()].toSorted(), KINDS.toSorted())
  for (const [kind, text] of generated) {
    // Compared as a whole: a difference of two long texts would take minutes to print.
    t.ok(readVectors(kind) === text, `${kind}.json; npm run generate writes it`)
  }
})

test('the schemas are those that the files are checked with, and tell a foreign field', async (t) => {
  t.same(readdirSync(join(folder, 'schemas')).toSorted(), KINDS.map(schemaName).toSorted())
  for (const kind of KINDS) {
    const text = readFileSync(join(folder, 'schemas', schemaName(kind)), 'utf8')
    t.ok(text === vectorText(jsonSchema(kind)), `${schemaName(kind)}; npm run generate writes it`)
    const schema = z.fromJSONSchema(JSON.parse(text))
    const file = JSON.parse(readVectors(kind)) as { testGroups: { tests: object[] }[] }
    t.ok(schema.safeParse(file).success, kind)
    Object.assign(file.testGroups[0]?.tests[0] ?? {}, { foreign: 1 })
    t.notOk(schema.safeParse(file).success, `${kind} with a foreign field`)
  }
})

test('there are more than 400 vectors, none of them wrong', async (t) => {
  t.same(checkVectors(), [])
  const counts = countVectors()
  t.comment(JSON.stringify(counts))
  t.ok(Object.values(counts).reduce((sum, count) => sum + count) >= 400)
  const [first] = dumpVectors(['ip_label'])
  t.match(first, { kind: 'ip_label', type: 'IpLabelDecode', tcId: 1, label: 'ip4127-0-0-1' })
})

test('NSD, BIND and Knot answer every query as it says, or it is acceptable not to', async (t) => {
  const tests = vectorGroups('dns_query').flatMap((group) => group.tests)
  t.ok(tests.length > 150)
  for (const { tcId, comment, result, references } of tests) {
    t.same(Object.keys(references), ['nsd', 'bind', 'knot'], `dns_query ${tcId}`)
    if (result === 'acceptable') continue
    for (const [server, { differs }] of Object.entries(references)) {
      t.same(differs, [], `dns_query ${tcId} ${comment}, ${server}`)
    }
  }
})

test('what is wrong with a file is said, all of it', async (t) => {
  const good = readVectors('certified_names')
  const changed = (from: string, to: string): readonly string[] => {
    t.ok(good.includes(from), from)
    return checkVectors([{ name: 'x.json', text: good.replace(from, to) }])
  }
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [changed('"tcId": 2,', '"tcId": 1,'), /^x\.json: tcId 1 is there twice$/],
    [changed('"numberOfTests": ', '"numberOfTests": 1'), /numberOfTests is 1\d+, there are \d+$/],
    [changed('"NT-ISSUE-026"', '"NT-ISSUE-999"'), /tcId 1: NT-ISSUE-999 is no requirement$/],
    [changed('"Basic"\n', '"Basics"\n'), /tcId 1: flag Basics has no note$/],
    [
      changed(
        '  "Basic": {',
        '  "Unused": {\n   "bugType": "BASIC",\n   "description": ""\n  },\n  "Basic": {',
      ),
      /note Unused is of no test$/,
    ],
    [changed('"result": "valid"', '"result": "good"'), /testGroups\.0\.tests\.0\.result: /],
    [changed('"comment": ', '"komment": "", "comment": '), /testGroups\.0\.tests\.0: .*komment/],
    [changed('"id0 and address names"', '""'), /testGroups\.0\.tests\.0\.comment: Too small/],
    [changed('\n', ''), /is not in its one form/],
    [
      changed('nt_certified_names_v1', 'nt_x_v1'),
      /has the schema "nt_x_v1\.json", wanted one of nt_/,
    ],
    [checkVectors([{ name: 'x.json', text: '{' }]), /^x\.json: is not JSON: /],
    [checkVectors([{ name: 'x.json', text: 'null' }]), /has the schema undefined/],
  ]
  for (const [problems, wanted] of cases) t.match(problems[0], wanted)
  t.same(checkVectors(readAllVectors()), [])
})

test('the package holds data and documents, and no code', async (t) => {
  const packed = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [{ files }] = JSON.parse(packed) as [{ files: { path: string }[] }]
  const names = files.map(({ path }) => path)
  t.same(
    names.toSorted(),
    [
      ...KINDS.map((kind) => `${kind}.json`),
      ...KINDS.map((kind) => `schemas/${schemaName(kind)}`),
      'LICENSE-APACHE',
      'LICENSE-MIT',
      'README.md',
      'package.json',
    ].toSorted(),
  )
})
