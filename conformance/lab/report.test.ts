import { test } from 'tap'
import { stripVTControlCharacters } from 'node:util'
import { explain, unneeded } from './explained.ts'
import { endText, isGreen, stepText } from './report.ts'
import { step, type Step } from './step.ts'

const STEP: Step = {
  tool: 'zonemaster-cli',
  what: 'nt.lab',
  ms: 1_234,
  problems: [
    { tag: 'NO_REVERSE', text: '45.1.1.53' },
    { tag: 'IS_A_RECURSOR', text: 'ns1.nt.lab' },
  ],
}
const NO_REVERSE = { tool: 'zonemaster-cli', tag: 'NO_REVERSE', reason: 'no in-addr.arpa here' }

test('a problem counts unless it is explained for this tool by its name', async (t) => {
  const explained = explain(STEP, [NO_REVERSE])
  t.same(explained.problems, [STEP.problems[1]])
  t.match(explained.explained, [{ tag: 'NO_REVERSE', reason: 'no in-addr.arpa here' }])
  t.notOk(isGreen({ steps: [explained], unneeded: [] }))

  const all = [NO_REVERSE, { ...NO_REVERSE, tag: 'IS_A_RECURSOR' }]
  t.ok(isGreen({ steps: [explain(STEP, all)], unneeded: unneeded([STEP], all) }))
  t.same(explain(STEP, [{ ...NO_REVERSE, tool: 'dnsviz' }]).problems, STEP.problems)
})

test('an explanation that nothing needs is not green, unless its tool did not run', async (t) => {
  const steps = [{ ...STEP, problems: [] }]
  const left = unneeded(steps, [NO_REVERSE, { ...NO_REVERSE, tool: 'dnsviz' }])
  t.same(left, [NO_REVERSE])
  const report = { steps: steps.map((one) => explain(one, [])), unneeded: left }
  t.notOk(isGreen(report))
  t.match(endText(report), 'explains NO_REVERSE of zonemaster-cli, which nothing says')
})

test('a step that breaks off is a problem, and its row shows what was found', async (t) => {
  const broken = await step({ tool: 'dnsviz', what: 'nt.lab' }, () =>
    Promise.reject(new Error('no such file')),
  )
  t.same(broken.problems, [{ tag: 'broken-off', text: 'no such file' }])
  const text = stripVTControlCharacters(stepText(explain({ ...broken, ms: 20 }, [])))
  t.match(text, /^✗ dnsviz +nt\.lab +0\.0 s\n {4}broken-off no such file$/)
})
