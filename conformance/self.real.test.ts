// The servers that this project ships, as processes with a real CA, against every check that there is.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'tap'
import { caOptionsFromEnvironment } from '../scenarios/engine/ca/index.ts'
import { openSelfCa, startSelf } from './self/index.ts'
import { CASES, levelOf, REQUIREMENTS } from './suite/catalogue.ts'
import { runCases } from './suite/runner.ts'
import { requirementOf } from './suite/selection.ts'

/** Checks that wait for a deadline wait at the same time. */
const CONCURRENCY = 16
const TIMEOUT_MS = 600_000
/** Of each check, instead of its own: a busy machine is no fault of a server. */
const CASE_TIMEOUT_MS = 240_000
const SEED = 20_181_031

test(
  'every requirement is kept by the servers that we ship',
  { timeout: TIMEOUT_MS },
  async (t) => {
    const workDirectory = await mkdtemp(join(tmpdir(), 'nodetrust-self-'))
    t.teardown(() => rm(workDirectory, { recursive: true, force: true }))
    const { signal } = new AbortController()
    const environment = caOptionsFromEnvironment(process.env)
    const ca = await openSelfCa({ ...environment, workDirectory, signal })
    t.teardown(() => ca[Symbol.asyncDispose]())
    const servers = await startSelf({ ca, workDirectory, signal })
    t.teardown(() => servers.stop())
    void servers.crashed.then((how) => t.fail(`the servers ended by themselves: ${how}`))
    const results = await runCases(
      CASES.filter(({ role }) => role !== 'client'),
      {
        target: servers.target,
        levelOf,
        seed: SEED,
        strict: true,
        concurrency: CONCURRENCY,
        perSecond: Infinity,
        timeoutMs: CASE_TIMEOUT_MS,
        out: undefined,
        signal,
      },
    )
    for (const { case: one, verdict, reason, expected, actual, suiteFault, wire } of results) {
      const good = verdict === 'pass' || verdict === 'info'
      t.ok(good, `${one.id}: ${one.title}`, { verdict, reason, expected, actual, suiteFault })
      t.ok(wire.length > 0, `${one.id} keeps what it was judged by`)
    }
  },
)

test('every requirement has a check, or says why no check can see it, and none has both', async (t) => {
  const checked = new Set(CASES.map(requirementOf))
  for (const { id, unchecked } of REQUIREMENTS) {
    t.equal(checked.has(id), unchecked === undefined, `${id} has a check, or a reason`)
  }
  const ids = CASES.map(({ id }) => id)
  t.equal(new Set(ids).size, ids.length, 'ids of checks are unique')
  const known = new Set(REQUIREMENTS.map(({ id }) => id))
  for (const { id } of CASES) t.match(id, /^NT-[A-Z0-9]+-\d{3}\/[a-z0-9][A-Za-z0-9-]*$/)
  for (const one of CASES) t.ok(known.has(requirementOf(one)), `${one.id} is of a requirement`)
})
