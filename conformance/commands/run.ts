import { playCa, playDns } from '../checks/issue/order.ts'
import { tryPorts } from '../players/ports.ts'
import { makeReport } from '../reports/make-report.ts'
import { Progress } from '../reports/progress.ts'
import type { ReportedRequirement, RunReport } from '../reports/report.ts'
import { treeText } from '../reports/tree.ts'
import { probeReports, writeReports } from '../reports/write-reports.ts'
import { CASES, findRequirement, levelOf, REQUIREMENTS } from '../suite/catalogue.ts'
import type { Case, Role } from '../suite/case.ts'
import { readExpectations } from '../suite/expectations.ts'
import { UsageError } from '../suite/problems.ts'
import { errorCode } from '../suite/files.ts'
import { findUnreachable } from '../suite/reachable.ts'
import { readTarget } from '../suite/read-target.ts'
import { runCases } from '../suite/runner.ts'
import { SharedThings } from '../suite/shared.ts'
import { missingPart } from '../suite/support.ts'
import { select, type Selection } from '../suite/selection.ts'
import type { Target } from '../suite/target.ts'
import { EXIT, exitCodeOfLoss } from '../suite/verdicts.ts'
import { makeEvidenceFolder } from '../suite/wire-files.ts'
import { dryRunText } from './dry-run.ts'
import { jsonText, type CommandIo } from './io.ts'
import { refuseProductionCa } from './production-ca.ts'
import { POLITE, readWords, type RunWords } from './run-options.ts'

export interface RunCommandWords extends RunWords {
  readonly target: string
  readonly acmeProduction?: string
}

/** `run`: live checks of servers that somebody else runs. Returns the exit code. */
export async function run(
  selectors: readonly string[],
  words: RunCommandWords,
  io: CommandIo,
): Promise<number> {
  const plan = await planRun(selectors, words, POLITE, 'servers')
  const target = await readTarget(words.target)
  if (plan.selection.cases.some(({ role }) => role === 'issue')) {
    const { acme, players } = target
    refuseProductionCa([acme?.directoryUrl, players?.acme?.upstream.directoryUrl], words)
  }
  return await runPlan(plan, target, io)
}

/** Which cases a command can run. */
const CASES_OF = {
  servers: ({ role }: Case) => role !== 'client',
  clients: ({ role }: Case) => role === 'client',
  all: () => true,
} as const

export interface RunPlan extends Awaited<ReturnType<typeof planRun>> {}

/** All that can be wrong with the command itself is found here, before anything is started or asked. */
export async function planRun(
  selectors: readonly string[],
  words: RunWords,
  defaults: typeof POLITE,
  whose: keyof typeof CASES_OF,
) {
  const settings = readWords(words, defaults)
  const selection = select(CASES.filter(CASES_OF[whose]), {
    selectors,
    roles: words.role ?? [],
    levels: settings.levels,
    exclude: words.exclude ?? [],
    intrusive: words.intrusive === true,
    slow: words.slow === true,
    levelOf,
  })
  const expectations =
    words.expect === undefined
      ? new Map<never, never>()
      : await readExpectations(words.expect, {
          requirements: new Set(REQUIREMENTS.map(({ id }) => id)),
          cases: new Set(CASES.map(({ id }) => id)),
        })
  if (words.dryRun !== true && selection.cases.length > 0) await probeReports(settings.reports)
  return { settings, selection, expectations, selectors, words }
}

/** Runs what was planned, prints the tree and writes the reports. Returns the exit code. */
export async function runPlan(plan: RunPlan, target: Target, io: CommandIo): Promise<number> {
  const { settings, selection, words } = plan
  for (const line of selection.nothing) io.note(`${line}\n`)
  if (words.dryRun === true) {
    io.write(dryRunText(selection.cases, target, { json: words.json === true }))
    return selection.cases.length === 0 ? EXIT.nothingRun : EXIT.pass
  }
  if (selection.cases.length === 0) {
    io.note(nothingChosen(selection))
    return EXIT.nothingRun
  }
  await using stack = new AsyncDisposableStack()
  stack.use(await makeEvidenceFolder(words.out, target.name))
  const lost = new Set<string>()
  const report = await execute(plan, target, { io, lost })
  // They are kept also where nobody reads the output to its end.
  for (const problem of await writeReports(report, settings.reports, io)) lost.add(problem)
  io.write(words.json === true ? jsonText(report) : `${treeText(report)}\n`)
  for (const problem of lost) io.note(`${problem}\n`)
  return lost.size === 0 ? report.exitCode : exitCodeOfLoss(report.exitCode)
}

async function execute(
  plan: RunPlan,
  target: Target,
  { io, lost }: { readonly io: CommandIo; readonly lost: Set<string> },
): Promise<RunReport> {
  const { settings, selection, expectations, selectors, words } = plan
  const { cases } = selection
  const shared = await openPlayers(cases, target, io)
  const startedAt = new Date()
  const startedMs = performance.now()
  const unreachable = await findUnreachable(target, {
    roles: new Set(cases.map(({ role }) => role)),
    signal: io.signal,
  }).catch((error: unknown) => {
    if (!io.signal.aborted) throw error
    // What has not been asked is reported as that.
    return new Map<Role, string>()
  })
  const progress =
    io.terminal === undefined || words.json === true
      ? undefined
      : new Progress(io.terminal, cases.length)
  const strict = words.strict === true
  const results = await runCases(cases, {
    target,
    levelOf,
    ...settings,
    strict,
    shared,
    out: words.out,
    unreachable: ({ role }) => unreachable.get(role),
    signal: io.signal,
    onStart: ({ id }) => progress?.started(id),
    onEvidenceLost: (error) => lost.add(`evidence is lost: ${words.out} (${errorCode(error)})`),
    onResult: ({ case: { id }, verdict }) => progress?.ended(id, verdict),
  })
  progress?.clear()
  return makeReport({
    target,
    targetFile: words.target,
    results,
    cases,
    leftOut: selection.leftOut,
    requirement: reportedRequirement,
    expectations,
    expect: words.expect,
    startedAt,
    durationMs: performance.now() - startedMs,
    seed: settings.seed,
    strict,
    selection: selectors,
    stopped: io.signal.aborted ? io.signal : undefined,
  })
}

/**
 * What is played at ports that the target file names is there before the first check.
 * @throws {UsageError} where a port cannot be had, or the CA is none
 */
async function openPlayers(
  cases: readonly Case[],
  target: Target,
  io: CommandIo,
): Promise<SharedThings> {
  const shared = new SharedThings()
  const { players } = target
  const orders = cases.some((one) => one.role === 'issue' && missingPart(one, target) === undefined)
  if (players === undefined || !orders) return shared
  await tryPorts(players)
  try {
    const context: Parameters<typeof playDns>[0] = {
      target,
      shared: (key, make) => shared.get(key, make),
    }
    await playDns(context)
    const ca = await playCa(context)
    const fault = await ca?.lookForDirectory()
    if (fault !== undefined) io.note(`${fault}: nothing can be said of orders\n`)
  } catch (cause) {
    await shared.close()
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new UsageError(`what the suite has to play cannot be started: ${reason}`, { cause })
  }
  return shared
}

function reportedRequirement(id: string): ReportedRequirement | undefined {
  const found = findRequirement(id)
  if (found === undefined) return undefined
  const { title, level, sentence, source, decision, why } = found
  return {
    id,
    title,
    level,
    sentence,
    source: source.join(', '),
    decision,
    ...(why === undefined ? {} : { why }),
  }
}

function nothingChosen({ leftOut }: Selection): string {
  const slow = leftOut.find(({ why }) => why === 'slow')
  if (leftOut.length === 0) return 'no check was chosen: the command "list" shows them all\n'
  return slow === undefined
    ? `all ${leftOut.length} chosen checks could disturb a public server: --intrusive runs them\n`
    : `what was chosen takes minutes: name it to run it, as in ${slow.case.id}\n`
}
