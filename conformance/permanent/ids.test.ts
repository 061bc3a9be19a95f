import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { SUITE_VERSION } from '../suite/agent.ts'
import { REQUIREMENTS } from '../suite/catalogue.ts'
import { readVectors, vectorText, type VectorFile } from '../vectors/files.ts'
import { presentIds } from './present.ts'
import { brokenPromises, promiseNew, vectorMeanings } from './promises.ts'
import { PROMISED, sinceOf, type Promised } from './since.ts'

const README = 'ids.json is only added to; conformance/README.md, "Add a check", says how'

test('every id that was promised is there, and means what it meant', async (t) => {
  const present = presentIds()
  t.same(brokenPromises(PROMISED, present), [], README)
  const text = readFileSync(join(import.meta.dirname, 'ids.json'), 'utf8')
  const generated = vectorText(promiseNew(PROMISED, present, SUITE_VERSION))
  t.ok(text === generated, 'ids.json is in the one form that npm run generate writes')
})

test('an id that goes, comes back, is new, or means something else is told of', async (t) => {
  const promised: Readonly<Record<string, Promised>> = {
    '0.1.0': {
      requirements: { 'NT-A-001': 'one', 'NT-A-002': 'two' },
      checks: ['NT-A-001/x', 'NT-A-002/y'],
      vectors: { frames: { '1': 'aa', '2': 'bb' } },
      retired: ['NT-A-002', 'NT-A-002/y'],
    },
  }
  const present = {
    requirements: { 'NT-A-001': 'one' },
    checks: ['NT-A-001/x'],
    vectors: { frames: { '1': 'aa', '2': 'bb' } },
  }
  t.same(brokenPromises(promised, present), [])
  const rows: readonly (readonly [object, string])[] = [
    [{ requirements: {} }, 'NT-A-001 is gone: it was promised to be permanent'],
    [{ requirements: { 'NT-A-001': '1' } }, 'NT-A-001 was "one" and is "1": it needs a new id'],
    [{ checks: [] }, 'NT-A-001/x is gone: it was promised to be permanent'],
    [{ checks: ['NT-A-001/x', 'NT-A-002/y'] }, 'NT-A-002/y is retired, and there again'],
    [{ vectors: { frames: { '1': 'aa' } } }, 'frames/2 is gone: it was promised to be permanent'],
    [
      { vectors: { frames: { '1': 'bb', '2': 'bb' } } },
      'frames/1 was "aa" and is "bb": it needs a new id',
    ],
  ]
  for (const [change, problem] of rows) {
    t.same(brokenPromises(promised, { ...present, ...change }), [problem])
  }
  const more = { ...present, checks: [...present.checks, 'NT-A-001/z'] }
  t.match(brokenPromises(promised, more), [/^NT-A-001\/z is not written down/])
  const next = promiseNew(promised, more, '0.2.0')
  t.same(next['0.1.0'], promised['0.1.0'], 'what was promised before is left alone')
  t.same(next['0.2.0'], { requirements: {}, checks: ['NT-A-001/z'], vectors: {}, retired: [] })
  t.same(brokenPromises(next, more), [])
})

test('a vector means its bytes and its result, and not the words about it', async (t) => {
  const file = JSON.parse(readVectors('frames')) as VectorFile
  const meaning = (change: object): string | undefined => {
    const [group, ...groups] = file.testGroups
    const [first, ...tests] = group?.tests ?? []
    const changed = { ...group, tests: [{ ...first, ...change }, ...tests] }
    return vectorMeanings({ ...file, testGroups: [changed, ...groups] } as VectorFile)['1']
  }
  t.equal(meaning({ comment: 'in other words', flags: ['Other'] }), meaning({}))
  t.not(meaning({ frameHex: '00' }), meaning({}))
  t.not(meaning({ result: 'acceptable' }), meaning({}))
})

test('a requirement is since a version of this suite, which is not later than this one', async (t) => {
  const number = (version: string): number =>
    version.split('.').reduce((sum, part) => sum * 1_000 + Number(part), 0)
  t.same(
    Object.keys(PROMISED),
    Object.keys(PROMISED).toSorted((a, b) => number(a) - number(b)),
  )
  for (const { id, since } of REQUIREMENTS) {
    t.ok(PROMISED[since], `${id} is since ${since}`)
    t.ok(
      number(since) <= number(SUITE_VERSION),
      `${id} is since ${since}, this is ${SUITE_VERSION}`,
    )
  }
  t.equal(sinceOf('NT-NEW-001'), SUITE_VERSION, 'a new one is of the version that is being made')
})
