import { mkdtemp, rm } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { caOptionsFromEnvironment } from '../../scenarios/engine/ca/index.ts'
import {
  clientOnly,
  openSelfCa,
  plannedSelf,
  SELF_NAME,
  SELF_ROLES,
  selfClient,
  startSelf,
  type SelfRole,
} from '../self/index.ts'
import type { Case } from '../suite/case.ts'
import { UsageError } from '../suite/problems.ts'
import type { ClientTarget, Target } from '../suite/target.ts'
import { runsFolder } from './client.ts'
import { makeEvidenceFolder } from '../suite/wire-files.ts'
import { EXAMPLE_TARGET } from './example-target.ts'
import type { CommandIo } from './io.ts'
import { planRun, runPlan } from './run.ts'
import { UNBOUNDED, type RunWords } from './run-options.ts'

/** `self`: starts the servers that this project ships, and runs everything against them. Returns the exit code. */
export async function self(
  selectors: readonly string[],
  words: RunWords,
  io: CommandIo,
): Promise<number> {
  // These servers are ours: nobody is disturbed, and every MUST is looked at.
  const all = { ...words, intrusive: true, slow: true }
  const plan = await planRun(selectors, all, UNBOUNDED, 'all')
  const { cases } = plan.selection
  const roles = neededRoles(cases)
  const clients = cases.some(({ role }) => role === 'client')
  // Nothing was chosen, and that is all there is to say.
  if (roles.length === 0 && !clients) return await runPlan(plan, EXAMPLE_TARGET, io)
  const clientIn = (workDirectory: string): ClientTarget | undefined =>
    clients
      ? selfClient({
          folder: runsFolder(words.out, SELF_NAME),
          cacheFolder: join(workDirectory, 'compiled'),
          environment: io.environment,
        })
      : undefined
  const program = roles.length === 0 ? undefined : findProgram()
  if (words.dryRun === true) {
    const target = withClient(await plannedSelf(roles, EXAMPLE_TARGET), clientIn(tmpdir()))
    return await runPlan(plan, target, io)
  }
  const workDirectory = await mkdtemp(join(tmpdir(), 'nodetrust-conformance-'))
  const { signal } = io
  await using stack = new AsyncDisposableStack()
  stack.defer(() => rm(workDirectory, { recursive: true, force: true }))
  const client = clientIn(workDirectory)
  if (roles.length === 0) return await runPlan(plan, clientOnly(client), io)
  const ca = roles.includes('issue')
    ? stack.use(
        await openSelfCa({
          ...caOptionsFromEnvironment(io.environment),
          workDirectory,
          signal,
          report: (line) => io.note(`${line}\n`),
        }),
      )
    : undefined
  stack.use(await makeEvidenceFolder(words.out, SELF_NAME))
  const servers = await startSelf({
    roles,
    ...(ca === undefined ? {} : { ca }),
    ...(program === undefined ? {} : { program }),
    logFile: join(words.out, 'self.log'),
    workDirectory,
    signal,
  })
  stack.defer(() => servers.stop())
  void servers.crashed.then((how) => io.note(`the servers ended by themselves: ${how}\n`))
  return await runPlan(plan, withClient(servers.target, client), io)
}

function withClient(target: Target, client: ClientTarget | undefined): Target {
  return client === undefined ? target : { ...target, client }
}

/** DNS and proof servers alone start without a CA. */
function neededRoles(cases: readonly Case[]): readonly SelfRole[] {
  const roles = new Set(cases.map(({ role }) => role))
  if (roles.has('issue') || roles.has('discovery')) return SELF_ROLES
  const needed: readonly (readonly [SelfRole, boolean])[] = [
    ['proof', roles.has('proof')],
    ['dns', roles.has('dns') || roles.has('dns01')],
  ]
  return needed.flatMap(([role, is]) => (is ? [role] : []))
}

/** In the repository the servers are beside the suite; elsewhere they are those of the installed package. */
function findProgram(): string | undefined {
  if (existsSync(join(import.meta.dirname, '../../impl/cli.ts'))) return undefined
  try {
    return join(dirname(fileURLToPath(import.meta.resolve('nodetrust'))), 'cli.js')
  } catch {
    throw new UsageError(
      '"self" starts the servers of the package nodetrust, which is not installed here: install it beside this one, or check servers that run somewhere with "run"',
    )
  }
}
