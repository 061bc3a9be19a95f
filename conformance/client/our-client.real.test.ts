// The client that this project ships, as an application that the suite runs, against every check of clients.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'tap'
import { CASES } from '../checks/client/index.ts'
import { clientOnly, selfClient } from '../self/index.ts'
import { levelOf } from '../suite/catalogue.ts'
import { runCases } from '../suite/runner.ts'
import { nonCompliance } from './compliance.ts'

/** Checks that wait for a deadline wait at the same time. */
const CONCURRENCY = 8
const TIMEOUT_MS = 600_000
const SEED = 20_181_031

test('every requirement is kept by the client that we ship', { timeout: TIMEOUT_MS }, async (t) => {
  const workDirectory = await mkdtemp(join(tmpdir(), 'nodetrust-self-client-'))
  t.teardown(() => rm(workDirectory, { recursive: true, force: true }))
  const { signal } = new AbortController()
  const client = selfClient({
    folder: join(workDirectory, 'runs'),
    cacheFolder: join(workDirectory, 'compiled'),
    environment: process.env,
  })
  if (client === undefined) throw new Error('the client is not beside the suite')
  t.equal(await nonCompliance(client, signal), undefined)
  const results = await runCases(CASES, {
    target: clientOnly(client),
    levelOf,
    seed: SEED,
    strict: true,
    concurrency: CONCURRENCY,
    perSecond: Infinity,
    timeoutMs: undefined,
    out: undefined,
    signal,
  })
  for (const { case: one, verdict, reason, expected, actual, suiteFault, wire } of results) {
    t.equal(verdict, 'pass', `${one.id}: ${one.title}`, { reason, expected, actual, suiteFault })
    t.ok(wire.length > 0, `${one.id} keeps what it was judged by`)
  }
})
