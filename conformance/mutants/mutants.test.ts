import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { CASES, findRequirement } from '../suite/catalogue.ts'
import { requirementOf } from '../suite/selection.ts'
import { makeCase } from '../suite/testing.ts'
import { chooseMutants, uncovered } from './choose.ts'
import { MUTANTS } from './index.ts'
import { mutate, type Mutant } from './mutant.ts'
import { judgeMutant } from './outcome.ts'
import { toReport } from './report.ts'
import { checksFor } from './run-mutant.ts'
import { ROOT } from './on-load.ts'

test('every mutant still has its text in our code, once', async (t) => {
  const sources = new Map<string, string>()
  for (const mutant of MUTANTS) {
    const source = sources.get(mutant.file) ?? readFileSync(join(ROOT, mutant.file), 'utf8')
    sources.set(mutant.file, source)
    t.doesNotThrow(() => mutate(source, mutant), mutant.id)
    t.not(mutant.find, mutant.replace, `${mutant.id} changes something`)
  }
})

test('mutants have ids of their own, and break what checks can see', async (t) => {
  const ids = MUTANTS.map(({ id }) => id)
  t.equal(new Set(ids).size, ids.length)
  const checked = new Set(CASES.map(requirementOf))
  for (const { id, breaks, neighbours = [] } of MUTANTS) {
    t.ok(checked.has(breaks), `${id} breaks ${breaks}`)
    for (const name of neighbours) {
      t.ok(name.endsWith('*') || findRequirement(name), `${id} has the neighbour ${name}`)
    }
  }
})

test('every MUST that checks see has a mutant, or a reason why not', async (t) => {
  t.ok(MUTANTS.length >= 60)
  for (const { id, title, reason } of uncovered(MUTANTS)) t.ok(reason, `${id} ${title}`)
  const [{ id } = { id: '' }] = uncovered([])
  t.match(id, /^NT-/, 'without mutants there is something to say')
})

test('a text that is not there, or there twice, is no mutant', async (t) => {
  const mutant = { file: 'a.ts', find: 'x', replace: 'y' }
  t.equal(mutate('a x b', mutant), 'a y b')
  t.throws(() => mutate('a b', mutant), { name: 'StaleMutantError', message: /"x" 0 times/ })
  t.throws(() => mutate('x x x', mutant), { name: 'StaleMutantError', message: /"x" 3 times/ })
})

test('a mutant is killed by its own requirement, and by nothing but that and its neighbours', async (t) => {
  const mutant: Mutant = {
    id: 'dns/test',
    role: 'dns',
    file: 'a.ts',
    find: 'x',
    replace: 'y',
    breaks: 'NT-DNS-064',
    neighbours: ['NT-DNS-016', 'NT-DNS01-*'],
    why: 'of a test',
  }
  const result = (id: string, verdict: 'pass' | 'fail' | 'inconclusive' | 'nonstrict') => ({
    case: makeCase({ id }),
    level: 'MUST' as const,
    verdict,
    durationMs: 1,
    wire: [],
    evidence: undefined,
  })
  const rows: readonly (readonly [string, ReturnType<typeof result>[], object])[] = [
    ['nothing fails', [result('NT-DNS-064/a', 'pass')], { state: 'survived' }],
    ['it cannot be judged', [result('NT-DNS-064/a', 'inconclusive')], { state: 'survived' }],
    ['it is tolerated', [result('NT-DNS-064/a', 'nonstrict')], { state: 'survived' }],
    [
      'a neighbour fails alone',
      [result('NT-DNS-064/a', 'pass'), result('NT-DNS-016/a', 'fail')],
      { state: 'survived', unexpected: [] },
    ],
    [
      'it and neighbours fail',
      [result('NT-DNS-064/a', 'fail'), result('NT-DNS01-003/a', 'inconclusive')],
      { state: 'killed', killedBy: ['NT-DNS-064/a'], untouched: ['NT-DNS-016'] },
    ],
    [
      'something else fails too',
      [result('NT-DNS-064/a', 'fail'), result('NT-DNS-065/a', 'fail')],
      { state: 'spilled', unexpected: [{ id: 'NT-DNS-065/a', verdict: 'fail' }] },
    ],
    [
      'something else cannot be judged',
      [result('NT-DNS-064/a', 'fail'), result('NT-DNS-065/a', 'inconclusive')],
      { state: 'spilled' },
    ],
  ]
  for (const [name, results, wanted] of rows) {
    const outcome = judgeMutant(mutant, results, 1)
    t.match(outcome, wanted, name)
    const { good } = toReport({ outcomes: [outcome], uncovered: [], durationMs: 1 })
    t.equal(good, outcome.state === 'killed', name)
  }
  const gap = [{ id: 'NT-DNS-010', title: 'a', reason: undefined }]
  t.notOk(toReport({ outcomes: [], uncovered: gap, durationMs: 1 }).good)
})

test('--only takes mutants, roles and requirements, and refuses what names none', async (t) => {
  const chosen = (...only: string[]) => chooseMutants(MUTANTS, only)
  t.equal(chosen().length, MUTANTS.length)
  t.same(
    chosen('dns/no-soa').map(({ id }) => id),
    ['dns/no-soa'],
  )
  t.ok(chosen('proof').every(({ role }) => role === 'proof'))
  t.ok(chosen('NT-DNS-064').every(({ breaks }) => breaks === 'NT-DNS-064'))
  t.throws(() => chosen('dns', 'nobody'), { name: 'UsageError', message: /--only nobody names no/ })
})

test('a mutant is given all checks of its role but those that cost a lot, and these where it breaks them', async (t) => {
  for (const mutant of MUTANTS) {
    const checks = checksFor(mutant, { thorough: false })
    const all = checksFor(mutant, { thorough: true })
    t.ok(
      checks.some((one) => requirementOf(one) === mutant.breaks),
      `${mutant.id} is given a check of ${mutant.breaks}`,
    )
    if (mutant.role !== 'client') t.equal(checks.length, all.length, mutant.id)
  }
})
