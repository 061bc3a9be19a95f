import type { Case } from './case.ts'
import { runCases, type CaseResult, type RunnerOptions } from './runner.ts'
import type { Target } from './target.ts'

/** A target that nobody asks anything. */
export const TARGET: Target = {
  name: 'test target',
  zone: 'nt.example',
  capabilities: [],
  keyTypes: ['Ed25519', 'RSA'],
  dns: [{ address: '127.0.0.1', port: 5300 }],
  proof: [],
}

/** A case with what a test says of it. */
export function makeCase(facts: Partial<Case> = {}): Case {
  return {
    id: 'NT-DNS-010/test',
    title: 'does what it should',
    role: 'dns',
    level: 'MUST',
    byHand: ({ zone }) => `dig ${zone}`,
    run: async () => {},
    ...facts,
  }
}

export async function runAll(
  cases: readonly Case[],
  options: Partial<RunnerOptions> = {},
): Promise<readonly CaseResult[]> {
  return await runCases(cases, {
    target: TARGET,
    levelOf: ({ level }) => level ?? 'MUST',
    seed: 1,
    strict: false,
    concurrency: 4,
    perSecond: Infinity,
    timeoutMs: undefined,
    out: undefined,
    signal: new AbortController().signal,
    ...options,
  })
}
