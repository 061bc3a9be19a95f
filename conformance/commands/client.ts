import { resolve } from 'node:path'
import { nonCompliance } from '../client/compliance.ts'
import { CLIENT_ZONE } from '../checks/client/define.ts'
import { UsageError } from '../suite/problems.ts'
import type { Target } from '../suite/target.ts'
import { EXIT } from '../suite/verdicts.ts'
import { evidenceFolder, makeEvidenceFolder } from '../suite/wire-files.ts'
import type { CommandIo } from './io.ts'
import { planRun, runPlan } from './run.ts'
import type { RunWords } from './run-options.ts'

export interface ClientCommandWords extends RunWords {
  readonly exec: string
  readonly name: string
}

/** One case at a time: clients may use ports of their own choice. */
const ONE_AT_A_TIME = { perSecond: Infinity, concurrency: 1 }

/** `client`: plays the servers for a client under test. Returns the exit code. */
export async function client(
  selectors: readonly string[],
  words: ClientCommandWords,
  io: CommandIo,
): Promise<number> {
  if (words.exec.trim() === '') {
    throw new UsageError('--exec is empty, wanted the program of your client')
  }
  // Nobody else is disturbed.
  const plan = await planRun(selectors, { ...words, intrusive: true }, ONE_AT_A_TIME, 'clients')
  await using stack = new AsyncDisposableStack()
  const tested = {
    exec: words.exec,
    folder: runsFolder(words.out, words.name),
    environment: io.environment,
  }
  const nothingRuns = words.dryRun === true || plan.selection.cases.length === 0
  if (!nothingRuns) {
    stack.use(await makeEvidenceFolder(words.out, words.name))
    const wrong = await nonCompliance(tested, io.signal)
    if (wrong !== undefined) {
      io.note(`${wrong}\n`)
      return EXIT.failed
    }
  }
  const target: Target = {
    name: words.name,
    zone: CLIENT_ZONE,
    capabilities: [],
    dns: [],
    proof: [],
    client: tested,
  }
  return await runPlan(plan, target, io)
}

/** Of each run, what a client wrote and printed. Clients may change their working directory: the path is whole. */
export function runsFolder(out: string, name: string): string {
  return resolve(evidenceFolder(out, name, 'runs'))
}
