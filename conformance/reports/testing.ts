import type { Case } from '../suite/case.ts'
import type { Expectations } from '../suite/expectations.ts'
import { levelOf } from '../suite/catalogue.ts'
import type { RunnerOptions } from '../suite/runner.ts'
import type { LeftOut } from '../suite/selection.ts'
import { runAll, TARGET } from '../suite/testing.ts'
import { makeReport } from './make-report.ts'
import type { RunReport } from './report.ts'

/** The report of a run of these cases. */
export async function reportOf(
  cases: readonly Case[],
  {
    expectations = new Map(),
    leftOut = [],
    expect,
    stopped,
    ran = cases,
    ...options
  }: Partial<RunnerOptions> & {
    readonly expectations?: Expectations
    readonly leftOut?: readonly LeftOut[]
    readonly expect?: string
    readonly stopped?: AbortSignal
    /** Those that were run before it was stopped. */
    readonly ran?: readonly Case[]
  } = {},
): Promise<RunReport> {
  const results = await runAll(ran, { levelOf, ...options })
  return makeReport({
    target: options.target ?? TARGET,
    results,
    cases,
    leftOut,
    requirement: (id) => ({
      id,
      title: 'names & addresses',
      level: 'MUST',
      sentence: 'Names have addresses.',
      source: 'RFC 1035',
      decision: false,
    }),
    expectations,
    expect,
    startedAt: new Date('2026-01-02T03:04:05Z'),
    durationMs: 1_234,
    seed: 7,
    strict: options.strict ?? false,
    selection: [],
    stopped,
  })
}
