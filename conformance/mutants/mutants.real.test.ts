// Three mutants of three roles, as processes: that they are made at all, and that checks see them.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'tap'
import { chooseMutants } from './choose.ts'
import { MUTANTS } from './index.ts'
import type { Mutant } from './mutant.ts'
import { runMutants } from './workshop.ts'

const TIMEOUT_MS = 120_000

test(
  'checks fail on servers that are wrong in one way, on what is wrong, and pass where nothing is',
  { timeout: TIMEOUT_MS },
  async (t) => {
    const workDirectory = await mkdtemp(join(tmpdir(), 'nodetrust-mutants-'))
    t.teardown(() => rm(workDirectory, { recursive: true, force: true }))
    const chosen = chooseMutants(MUTANTS, ['dns/no-soa', 'dns01/any-value', 'proof/two-addresses'])
    const harmless: Mutant = {
      id: 'proof/none',
      role: 'proof',
      file: 'impl/proof/index.ts',
      find: 'class ProofServer extends',
      replace: 'class ProofServer /* as it was */ extends',
      breaks: 'NT-PROOF-001',
      why: 'nothing is',
    }
    const stale: Mutant = { ...harmless, id: 'proof/stale', find: 'no such text' }
    const outcomes = await runMutants([...chosen, harmless, stale], {
      jobs: 5,
      thorough: false,
      clientEnvironment: {},
      workDirectory,
      signal: new AbortController().signal,
    })
    for (const { mutant, state, killedBy, unexpected, reason } of outcomes) {
      const wanted =
        mutant === harmless ? 'survived' : mutant.id === 'proof/stale' ? 'broken' : 'killed'
      t.equal(state, wanted, mutant.id, { killedBy, unexpected, reason })
      t.same(unexpected, [], mutant.id)
    }
    t.match(outcomes.at(-1)?.reason, /has "no such text" 0 times, wanted once/)
  },
)
