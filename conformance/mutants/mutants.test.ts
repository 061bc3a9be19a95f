import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { mutate } from '../../scenarios/engine/mutation/mutate.ts'
import { ROOT } from '../../scenarios/engine/mutation/on-load.ts'
import type { Level } from '../suite/case.ts'
import { CASES, REQUIREMENTS } from '../suite/catalogue.ts'
import { requirementOf } from '../suite/selection.ts'
import { makeCase } from '../suite/testing.ts'
import { chooseMutants, uncovered, untripped } from './choose.ts'
import { MUTANTS } from './index.ts'
import type { Mutant } from './mutant.ts'
import { isDoubtful, judgeMutant } from './outcome.ts'
import { reportText, rowText, toReport } from './report.ts'
import { checksFor } from './run-mutant.ts'

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
  for (const mutant of MUTANTS) {
    const { id, breaks, neighbours = [], sometimes = [] } = mutant
    t.ok(checked.has(breaks), `${id} breaks ${breaks}`)
    const given = new Set(checksFor(mutant, { thorough: false }).map(requirementOf))
    for (const name of [...neighbours, ...sometimes]) {
      t.ok(given.has(name), `${id} is given a check of its neighbour ${name}`)
    }
    const names = [breaks, ...neighbours, ...sometimes]
    t.equal(new Set(names).size, names.length, `${id} names each neighbour once`)
  }
})

test('every MUST has a mutant, or a reason why not, as that no check sees it', async (t) => {
  t.ok(MUTANTS.length >= 60)
  for (const { id, title, reason } of uncovered(MUTANTS)) t.ok(reason, `${id} ${title}`)
  for (const { id, level, unchecked } of REQUIREMENTS) {
    if (level !== 'MUST' || unchecked === undefined) continue
    const row = uncovered(MUTANTS).find((one) => one.id === id)
    t.equal(row?.reason, `no check sees it: ${unchecked}`)
  }
  const [{ id } = { id: '' }] = uncovered([])
  t.match(id, /^NT-/, 'without mutants there is something to say')
})

test('a mutant is killed by its own requirement, and by nothing but that and its neighbours', async (t) => {
  const mutant: Mutant = {
    id: 'dns/test',
    role: 'dns',
    file: 'a.ts',
    find: 'x',
    replace: 'y',
    breaks: 'NT-DNS-064',
    neighbours: ['NT-DNS-016'],
    sometimes: ['NT-DNS01-003'],
    why: 'of a test',
  }
  const result = (id: string, verdict: 'pass' | 'fail' | 'inconclusive' | 'nonstrict') => ({
    case: makeCase({ id }),
    level: 'MUST' as Level,
    verdict,
    durationMs: 1,
    wire: [],
    evidence: undefined,
  })
  const rows: readonly (readonly [string, ReturnType<typeof result>[], object])[] = [
    ['nothing fails', [result('NT-DNS-064/a', 'pass')], { state: 'survived' }],
    ['it cannot be judged', [result('NT-DNS-064/a', 'inconclusive')], { state: 'survived' }],
    [
      'only what is recommended fails',
      [{ ...result('NT-DNS-064/a', 'fail'), level: 'SHOULD' }],
      { state: 'survived' },
    ],
    ['it is tolerated', [result('NT-DNS-064/a', 'nonstrict')], { state: 'survived' }],
    [
      'a neighbour fails alone',
      [result('NT-DNS-064/a', 'pass'), result('NT-DNS-016/a', 'fail')],
      { state: 'survived', unexpected: [] },
    ],
    [
      'it and its neighbours fail',
      [result('NT-DNS-064/a', 'fail'), result('NT-DNS-016/a', 'inconclusive')],
      { state: 'killed', killedBy: ['NT-DNS-064/a'], tripped: ['NT-DNS-064/a'], untouched: [] },
    ],
    [
      'what fails now and then does too',
      [
        result('NT-DNS-064/a', 'fail'),
        result('NT-DNS-016/a', 'fail'),
        result('NT-DNS01-003/a', 'fail'),
      ],
      { state: 'killed', tripped: ['NT-DNS-064/a', 'NT-DNS-016/a', 'NT-DNS01-003/a'] },
    ],
    [
      'a stated neighbour does not fail',
      [result('NT-DNS-064/a', 'fail'), result('NT-DNS-016/a', 'pass')],
      { state: 'excused', untouched: ['NT-DNS-016'] },
    ],
    [
      'a neighbour by its name alone is none',
      [result('NT-DNS-064/a', 'fail'), result('NT-DNS01-004/a', 'fail')],
      { state: 'spilled' },
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
    const { good } = toReport({ outcomes: [outcome], uncovered: [], untripped: [], durationMs: 1 })
    t.equal(good, outcome.state === 'killed', name)
  }
  const survived = judgeMutant(mutant, [result('NT-DNS-064/a', 'inconclusive')], 1)
  t.match(
    rowText(survived),
    /\n {4}inconclusive: NT-DNS-064\/a: /,
    'a survivor comes with verdicts',
  )
  const doubts = [
    ['NT-DNS-064/a', 'inconclusive', true],
    ['NT-DNS-064/a', 'pass', false],
    ['NT-DNS-016/a', 'inconclusive', false],
    ['NT-DNS-065/a', 'fail', true],
  ] as const
  for (const [id, verdict, wanted] of doubts) {
    t.equal(isDoubtful(result(id, verdict), mutant), wanted, `${id} ${verdict}: asked again`)
  }

  const gap = [{ id: 'NT-DNS-010', title: 'a', reason: undefined }]
  t.notOk(toReport({ outcomes: [], uncovered: gap, untripped: [], durationMs: 1 }).good)

  const killed = judgeMutant(mutant, [result('NT-DNS-064/a', 'fail')], 1)
  const checks = ['NT-DNS-064/a', 'NT-DNS-064/b'].map((id) => makeCase({ id }))
  const left = untripped([killed], checks)
  t.same(left, ['NT-DNS-064/b'], 'a check that no mutant tripped is named')
  const report = toReport({ outcomes: [killed], uncovered: [], untripped: left, durationMs: 1 })
  t.match(reportText(report), /1 checks that no mutant tripped:\n {2}NT-DNS-064\/b\n/)
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
