import { mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { preloadText } from '../../scenarios/engine/mutation/on-load.ts'
import { startSelf, type SelfCa, type SelfRole } from '../self/index.ts'
import { clientOnly, selfClient } from '../self/client.ts'
import type { Case, Role } from '../suite/case.ts'
import { CASES, levelOf } from '../suite/catalogue.ts'
import { runCases, type CaseResult, type RunnerOptions } from '../suite/runner.ts'
import { requirementOf } from '../suite/selection.ts'
import type { Target } from '../suite/target.ts'
import type { Mutant } from './mutant.ts'
import { isDoubtful, judgeMutant, type Outcome } from './outcome.ts'

export interface RunMutantOptions {
  /** Called where there is an issue server to start. */
  readonly ca: () => Promise<SelfCa>
  /** Clients are given all checks, which takes minutes for each, and not only those of what they do wrong. */
  readonly thorough: boolean
  readonly clientEnvironment: Readonly<Record<string, string | undefined>>
  readonly workDirectory: string
  readonly signal: AbortSignal
}

/** What is started for a mutant, and whose checks can notice it. */
const PLANS: Readonly<Partial<Record<Role, { start: readonly SelfRole[]; check: Role[] }>>> = {
  dns: { start: ['dns'], check: ['dns', 'dns01'] },
  dns01: { start: ['dns'], check: ['dns', 'dns01'] },
  proof: { start: ['proof'], check: ['proof'] },
  issue: { start: ['proof', 'dns', 'issue'], check: ['issue'] },
  discovery: { start: ['proof', 'dns', 'issue'], check: ['discovery'] },
  client: { start: [], check: ['client'] },
}

/** Checks that wait for a deadline wait at the same time. */
const CONCURRENCY = 16
/** Each is a process of its own. */
const CLIENTS_AT_ONCE = 4
const SEED = 20_181_031

/** Starts a mutant, has it checked, and ends it. Never throws, unless the run was ended. */
export async function runMutant(mutant: Mutant, options: RunMutantOptions): Promise<Outcome> {
  const startedMs = performance.now()
  const elapsedMs = (): number => Math.round(performance.now() - startedMs)
  try {
    const { results, crashed } = await check(mutant, options)
    const outcome = judgeMutant(mutant, results, elapsedMs())
    return crashed === undefined ? outcome : { ...outcome, state: 'broken', reason: crashed }
  } catch (error) {
    options.signal.throwIfAborted()
    const reason = error instanceof Error ? error.message : String(error)
    return { ...judgeMutant(mutant, [], elapsedMs()), state: 'broken', reason }
  }
}

/**
 * What a client does in turn. Each check of a client starts it anew, so that a mutant is given the checks of the part that
 * it is wrong in.
 */
const CLIENT_PARTS: readonly (readonly string[])[] = [
  [
    'NT-CLIENT-001',
    'NT-CLIENT-002',
    'NT-CLIENT-003',
    'NT-CLIENT-004',
    'NT-CLIENT-005',
    'NT-ISSUE-004',
  ],
  [
    'NT-CLIENT-002',
    'NT-CLIENT-003',
    'NT-CLIENT-006',
    'NT-CLIENT-009',
    'NT-ISSUE-041',
    'NT-WIRE-011',
  ],
  ['NT-CLIENT-006', 'NT-CLIENT-007', 'NT-CLIENT-008', 'NT-ISSUE-041'],
  [
    'NT-CLIENT-010',
    'NT-CLIENT-011',
    'NT-CLIENT-012',
    'NT-CLIENT-013',
    'NT-CLIENT-014',
    'NT-CLIENT-016',
    'NT-DISC',
  ],
  ['NT-CLIENT-013', 'NT-CLIENT-015', 'NT-CLIENT-016'],
]

/** Their checks ask until they are refused, which takes a machine a thousand requests. */
const RATE_LIMITS = ['NT-PROOF-011', 'NT-ISSUE-044']

/** The checks that a mutant is given: all of its role, and of those that cost a lot only what it breaks. */
export function checksFor(
  { role, breaks }: Mutant,
  { thorough }: Pick<RunMutantOptions, 'thorough'>,
): readonly Case[] {
  const roles = PLANS[role]?.check ?? []
  const parts = CLIENT_PARTS.filter((part) => part.some((name) => breaks.startsWith(name))).flat()
  return CASES.filter((one) => {
    const requirement = requirementOf(one)
    // A check of proof servers that an issue server has to be there for.
    if (role === 'issue' && requirement === breaks) return true
    const costly = one.slow === true || RATE_LIMITS.includes(requirement)
    if (!roles.includes(one.role) || (costly && requirement !== breaks)) return false
    return role !== 'client' || thorough || parts.some((name) => requirement.startsWith(name))
  })
}

async function check(mutant: Mutant, options: RunMutantOptions) {
  const { workDirectory, signal } = options
  const folder = await mkdtemp(join(workDirectory, 'mutant-'))
  const preload = [join(folder, 'preload.mjs')]
  await writeFile(join(folder, 'preload.mjs'), preloadText([mutant]))
  await using stack = new AsyncDisposableStack()
  let crashed: string | undefined
  const target = await startMutant()
  const run = (cases: readonly Case[], concurrency: number): Promise<readonly CaseResult[]> =>
    runCases(cases, { ...RUN, target, concurrency, signal })
  const concurrency = mutant.role === 'client' ? CLIENTS_AT_ONCE : CONCURRENCY
  const results = await run(checksFor(mutant, options), concurrency)
  signal.throwIfAborted()
  // On a busy machine a check can miss a deadline of its own: whoever fails unexpectedly, or cannot say whether it does,
  // is asked once more, alone.
  const doubtful = results.filter((result) => isDoubtful(result, mutant))
  const again = await run(
    doubtful.map((result) => result.case),
    1,
  )
  signal.throwIfAborted()
  const settled = results.map((result) => again.find((one) => one.case === result.case) ?? result)
  return { results: settled, crashed }

  async function startMutant(): Promise<Target> {
    if (mutant.role === 'client') return clientTarget({ ...options, folder, preload })
    const roles = PLANS[mutant.role]?.start ?? []
    const servers = await startSelf({
      roles,
      preload,
      ...(roles.includes('issue') ? { ca: await options.ca() } : {}),
      workDirectory: folder,
      signal,
    })
    stack.defer(() => servers.stop())
    void servers.crashed.then((how) => {
      crashed = how
    })
    return servers.target
  }
}

/** Each check starts it anew. */
function clientTarget({
  clientEnvironment,
  folder,
  preload,
}: Pick<RunMutantOptions, 'clientEnvironment'> & {
  readonly folder: string
  readonly preload: readonly string[]
}): Target {
  const client = selfClient({
    folder: join(folder, 'runs'),
    cacheFolder: join(folder, 'compiled'),
    environment: clientEnvironment,
    preload,
  })
  if (client === undefined) throw new Error('the client of this repository is not here')
  return clientOnly(client)
}

const RUN: Omit<RunnerOptions, 'target' | 'concurrency' | 'signal'> = {
  levelOf,
  seed: SEED,
  // A SHOULD that is broken fails.
  strict: true,
  perSecond: Infinity,
  timeoutMs: undefined,
  out: undefined,
}
