import type { Case, CheckContext, Level } from './case.ts'
import { Deadline } from './deadline.ts'
import { Pace } from './pace.ts'
import { seededRandom } from './random.ts'
import { RateLimits } from './rate-limits.ts'
import { readable } from './readable.ts'
import { closeAll, SharedThings } from './shared.ts'
import { missingPart } from './support.ts'
import type { Target } from './target.ts'
import { judge, type Ending, type Judgement } from './verdicts.ts'
import { evidenceFolder, WireRecorder, writeEvidence, type RecordedEntry } from './wire-files.ts'

/** A case that was run, or is known not to apply. */
export interface CaseResult extends Judgement {
  readonly case: Case
  readonly level: Level
  readonly durationMs: number
  readonly wire: readonly RecordedEntry[]
  /** The folder with wire.jsonl and output.txt; undefined where nothing was run or kept. */
  readonly evidence: string | undefined
}

export interface RunnerOptions {
  readonly target: Target
  /** Of a case whose requirement says it. */
  readonly levelOf: (one: Case) => Level
  readonly seed: number
  readonly strict: boolean
  /** Cases at once. */
  readonly concurrency: number
  /** Exchanges a second; Infinity for no bound. */
  readonly perSecond: number
  /** For each case, instead of its own. */
  readonly timeoutMs: number | undefined
  /** What was made before the first case; closed after the last. @default nothing */
  readonly shared?: SharedThings
  /** Folder for evidence; undefined keeps none. */
  readonly out: string | undefined
  /** Why the servers of a role cannot be judged: nothing answers there. */
  readonly unreachable?: (one: Case) => string | undefined
  /** Ends the run: what is running is broken off and has no result. */
  readonly signal: AbortSignal
  readonly onStart?: (one: Case) => void
  readonly onResult?: (result: CaseResult) => void
  /** Evidence of a case could not be written; its verdict stands. @default the run fails */
  readonly onEvidenceLost?: (error: unknown) => void
}

const TIMEOUT_MS = 15_000
/** A case that does not end when its signal aborts is left behind. */
const GRACE_MS = 2_000

/** Runs cases: those that take longest first, those that want to be alone later, clients last. Results come in the order of the cases. */
export async function runCases(
  cases: readonly Case[],
  options: RunnerOptions,
): Promise<readonly CaseResult[]> {
  const run: Run = {
    options,
    pace: new Pace(options),
    limits: new RateLimits(),
    shared: options.shared ?? new SharedThings(),
  }
  const results = new Map<Case, CaseResult>()
  const work = async (queue: Case[]): Promise<void> => {
    for (let one = queue.shift(); one !== undefined; one = queue.shift()) {
      if (options.signal.aborted) return
      options.onStart?.(one)
      const result = await runCase(one, run)
      if (result === undefined) return
      results.set(one, result)
      options.onResult?.(result)
    }
  }
  const timeout = (one: Case): number => one.timeoutMs ?? TIMEOUT_MS
  const together = cases
    .filter(({ alone }) => alone !== true)
    .toSorted((a, b) => timeout(b) - timeout(a))
  const workTogether = async (queue: Case[]): Promise<void> => {
    await Promise.all(Array.from({ length: options.concurrency }, () => work(queue)))
  }
  await workTogether(together.filter(({ role }) => role !== 'client'))
  // What floods a server, and uses up what it grants, comes after those who need some of that.
  const alone = cases.filter((one) => one.alone === true)
  await work(alone.toSorted((a, b) => Number(a.intrusive ?? false) - Number(b.intrusive ?? false)))
  // Each runs a program of its own: a machine that starts many is too busy for servers that are watched.
  await workTogether(together.filter(({ role }) => role === 'client'))
  await run.shared.close()
  return cases.flatMap((one) => results.get(one) ?? [])
}

interface Run {
  readonly options: RunnerOptions
  readonly pace: Pace
  readonly limits: RateLimits
  readonly shared: SharedThings
}

/** Undefined where the run was ended meanwhile. */
async function runCase(one: Case, run: Run): Promise<CaseResult | undefined> {
  const { options } = run
  const level = options.levelOf(one)
  const unrun = { case: one, level, durationMs: 0, wire: [], evidence: undefined }
  const missing = missingPart(one, options.target)
  if (missing !== undefined) return { ...unrun, verdict: 'unsupported', reason: missing }
  const unreachable = options.unreachable?.(one)
  if (unreachable !== undefined) return { ...unrun, verdict: 'inconclusive', reason: unreachable }

  const startedMs = performance.now()
  const wire = new WireRecorder()
  const ending = await settle(one, { run, wire })
  if (options.signal.aborted) return undefined
  const judgement = shown(judge(ending, { level, strict: options.strict }))
  const durationMs = Math.round((performance.now() - startedMs) * 10) / 10
  const result = { case: one, level, ...judgement, durationMs, wire: wire.entries }
  const evidence = await keepEvidence(result, { options, wire })
  return { ...result, evidence }
}

/** Returns the folder; undefined where none is kept. */
async function keepEvidence(
  result: Omit<CaseResult, 'evidence'>,
  { options, wire }: { readonly options: RunnerOptions; readonly wire: WireRecorder },
): Promise<string | undefined> {
  const { out, target, onEvidenceLost } = options
  if (out === undefined) return undefined
  const folder = evidenceFolder(out, target.name, result.case.id)
  try {
    await writeEvidence(folder, { wire, output: outputText(result) })
    return folder
  } catch (error) {
    if (onEvidenceLost === undefined) throw error
    onEvidenceLost(error)
    return undefined
  }
}

/** Servers have their say in what was seen, and in the errors of libraries. */
function shown(judgement: Judgement): Judgement {
  const texts = (['reason', 'expected', 'actual', 'suiteFault'] as const).flatMap((name) => {
    const text = judgement[name]
    return text === undefined ? [] : [[name, readable(text)] as const]
  })
  return { ...judgement, ...Object.fromEntries(texts) }
}

async function settle(
  one: Case,
  { run, wire }: { readonly run: Run; readonly wire: WireRecorder },
): Promise<Ending> {
  const { options, pace, limits, shared } = run
  const deadlineMs = options.timeoutMs ?? one.timeoutMs ?? TIMEOUT_MS
  const deadline = new Deadline(deadlineMs)
  const signal = AbortSignal.any([options.signal, deadline.signal])
  const closers: (() => unknown)[] = []
  const context: CheckContext = {
    target: options.target,
    signal,
    wire,
    random: seededRandom(options.seed, one.id),
    // A slow run is our wish: no check has less time for it.
    pace: () => deadline.without(() => pace.turn(signal)),
    limits: {
      request(name) {
        const request = limits.request(name)
        return { ...request, turn: (until) => deadline.without(() => request.turn(until)) }
      },
    },
    defer: (close) => void closers.push(close),
    shared: (key, make) => shared.get(key, make, wire),
  }
  const left = Promise.withResolvers<never>()
  let grace: NodeJS.Timeout | undefined
  const overdue = (): void => {
    grace = setTimeout(() => left.reject(signal.reason as Error), GRACE_MS)
  }
  signal.addEventListener('abort', overdue, { once: true })
  try {
    await context.pace()
    const finding = await Promise.race([one.run(context), left.promise])
    return { returned: finding ?? undefined }
  } catch (thrown) {
    return deadline.signal.aborted ? { thrown, deadlineMs } : { thrown }
  } finally {
    deadline.end()
    clearTimeout(grace)
    // Node keeps a signal of several, and all that its listeners see, for as long as one listens.
    signal.removeEventListener('abort', overdue)
    wire.close()
    await closeAll(closers)
  }
}

/** What output.txt holds: all that is known of the verdict. */
function outputText(result: Omit<CaseResult, 'evidence'>): string {
  const { case: one, level, verdict, reason, expected, actual, suiteFault, durationMs } = result
  const lines: readonly (readonly [string, string | undefined])[] = [
    ['case', one.id],
    ['title', one.title],
    ['level', level],
    ['verdict', verdict],
    ['reason', reason],
    ['expected', expected],
    ['actual', actual],
    ['took', `${durationMs} ms, until ${new Date().toISOString()}`],
    ['fault', suiteFault],
  ]
  return lines
    .flatMap(([name, text]) => (text === undefined ? [] : [`${name}: ${text}\n`]))
    .join('')
}
