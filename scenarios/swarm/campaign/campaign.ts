import type { SeedResult } from '../result.ts'
import { kindOf } from '../verdict.ts'
import { NotTakenError, type Crew, type RunOptions } from './crew.ts'
import { isRunAgain } from './seeds.ts'
import { Tally } from './tally.ts'

export interface CampaignOptions {
  readonly world: string
  readonly seeds: Iterator<string, unknown>
  readonly crew: Crew
  /** From then on no seed is begun; those that run are waited for. */
  readonly until: AbortSignal
  /** So many are run however short the time, where there is somebody to run them. @default 0 */
  readonly seedsMin?: number
  /** Ends everything. */
  readonly signal: AbortSignal
  /** One in so many passing seeds is run again. @default none is */
  readonly againEvery?: number
  /** Called for each result, and where a seed that ran again did something else. */
  readonly onResult?: (result: SeedResult, tally: Tally) => void
  /** Ends the campaign as `until` does. */
  readonly isEnough?: (result: SeedResult) => boolean
}

/** What both runs of one seed must agree in. Bytes may differ where a process has run other seeds before. */
const AGREED = ['events', 'shape', 'eventCount', 'packetCount', 'byteCount'] as const
/** So many faults of the engine in a row are none of the seeds': a disk is full, or the like, and more show nothing. */
const ENGINE_FAULTS_MAX = 5
export const SAME_TRACE = 'the same seed, the same trace'

/** Runs seeds of one world until they or the time are used up, or the engine cannot run them. */
export async function runCampaign(options: CampaignOptions): Promise<Tally> {
  const { world, seeds, crew, until, signal, seedsMin = 0 } = options
  const tally = new Tally(world)
  const begunMs = performance.now()
  const over = until.aborted ? 'late' : 'time'
  let enough = false
  let running = 0
  let begun = 0
  let faults = 0
  let problem: { readonly error: unknown } | undefined
  // One promise at a time: a race with a long-lived one would keep something of every seed.
  let change = Promise.withResolvers<void>()
  const changed = (): void => change.resolve()
  for (const end of [until, signal]) end.addEventListener('abort', changed)
  const begin = async (seed: string): Promise<void> => {
    running += 1
    try {
      const isPatient = begun <= seedsMin
      const result = await runOne(seed, { ...options, tally, isPatient })
      if (options.isEnough?.(result) === true) enough = true
      faults = kindOf(result) === 'engine' ? faults + 1 : 0
      if (faults >= ENGINE_FAULTS_MAX) tally.end ??= 'engine'
    } catch (error) {
      // Whoever waits on would wait for more of the same.
      if (error instanceof NotTakenError) tally.end ??= over
      else problem ??= { error }
    } finally {
      running -= 1
      changed()
    }
  }
  // Taken ahead: where all seeds were begun, the time ends nothing.
  let next = seeds.next()
  for (let left = true; ;) {
    left &&= next.done !== true && !enough && problem === undefined
    if (signal.aborted) tally.end ??= 'interrupted'
    if (left && until.aborted && begun >= seedsMin) tally.end ??= over
    left &&= tally.end === undefined
    // A seed that hangs has its own limit; an interruption waits for nothing.
    if (signal.aborted || (!left && running === 0)) break
    if (left && next.done !== true && running < Math.max(1, crew.width)) {
      begun += 1
      void begin(next.value)
      next = seeds.next()
      continue
    }
    change = Promise.withResolvers()
    await change.promise
  }
  for (const end of [until, signal]) end.removeEventListener('abort', changed)
  tally.realMs = performance.now() - begunMs
  if (problem !== undefined && !signal.aborted) throw problem.error
  return tally
}

async function runOne(
  seed: string,
  options: CampaignOptions & { readonly tally: Tally; readonly isPatient: boolean },
): Promise<SeedResult> {
  const { crew, world, signal, until, isPatient, againEvery, tally } = options
  const run: RunOptions = { world, signal, until, isPatient }
  const result = await crew.run(seed, run)
  const isAgain =
    againEvery !== undefined && result.class === 'pass' && isRunAgain(seed, againEvery)
  const second = isAgain ? await crew.runFresh(seed, run).catch(unlessTaken) : undefined
  const judged = second === undefined ? result : compared(result, second)
  if (second !== undefined) tally.addAgain()
  tally.add(judged)
  options.onResult?.(judged, tally)
  return judged
}

/** What ran once has its result, though nobody is left to run it again. */
function unlessTaken(error: unknown): undefined {
  if (!(error instanceof NotTakenError)) throw error
}

/** The first result, or a failure where the second is another. */
export function compared(first: SeedResult, second: SeedResult): SeedResult {
  const differences = AGREED.filter((part) => first.digest[part] !== second.digest[part]).map(
    (part) => `${part} ${first.digest[part]} and ${second.digest[part]}`,
  )
  if (first.draws !== second.draws) differences.push(`draws ${first.draws} and ${second.draws}`)
  if (first.class !== second.class) differences.push(`class ${first.class} and ${second.class}`)
  if (differences.length === 0) return first
  return {
    ...first,
    class: 'non-determinism',
    failure: {
      invariant: SAME_TRACE,
      problem: `two runs differ: ${differences.join('; ')}`,
      atMs: 0,
      hosts: [],
    },
  }
}
