import { runCampaign } from '../campaign/campaign.ts'
import type { Crew } from '../campaign/crew.ts'
import { AGAIN_EVERY, nightSeeds } from '../campaign/seeds.ts'
import type { Tally } from '../campaign/tally.ts'
import { canShrink, type SeedResult } from '../result.ts'
import { judgeNight, type CanaryReport, type NightReport, type SlowResult } from './night-report.ts'

export interface NightInit {
  readonly date: string
  readonly commit: string
  readonly budgetMs: number
  readonly crew: Crew
  /** Lanes of worlds; the first gets the time that the others leave. */
  readonly worlds: readonly string[]
  /** All that is to be met. */
  readonly sometimes: readonly string[]
  /** Runs one of the scenarios that need real time; one after another. */
  readonly slow: readonly (() => Promise<SlowResult>)[]
  /** Makes the world of a failing seed smaller. @default it stays as it is */
  readonly shrink?: ((result: SeedResult, signal: AbortSignal) => Promise<SeedResult>) | undefined
  readonly machine: string
  readonly again: string
  readonly onProgress?: (lane: string, tally: Tally | undefined) => void
  /** Called at once where a seed of a lane does not pass. */
  readonly onFailure?: (result: SeedResult) => void
  readonly signal: AbortSignal
}

const CANARY = 'canary'
/** A bug that fewer seeds do not find is none for a canary; so many are run however small the budget. */
const CANARY_SEEDS_MIN = 40
/** Of the budget, at the most: for the canary, for real time, for each world but the first, and to shrink what failed. */
const SHARES = { canary: 0.1, slow: 0.2, lane: 0.2, shrink: 0.15 }
/** Ways to fail of which one seed is shrunk. */
const SHRUNK_MAX = 10

/** Runs a night in its budget: real time first, while nothing else takes the processor, then seeds. */
export async function runNight(init: NightInit): Promise<NightReport> {
  const { budgetMs, worlds, date, commit, signal } = init
  const startedAt = new Date().toISOString()
  const begunMs = performance.now()
  const passedMs = (): number => performance.now() - begunMs
  const slow: SlowResult[] = []
  for (const run of init.slow) {
    if (passedMs() > budgetMs * SHARES.slow && slow.length > 0) break
    signal.throwIfAborted()
    init.onProgress?.('slow', undefined)
    slow.push(await run())
  }
  const canary = await findCanary(init)
  const [main, ...others] = worlds
  const tallies: Tally[] = []
  for (const world of [...others, ...(main === undefined ? [] : [main])]) {
    const leftMs = budgetMs - passedMs()
    // A timer that is yet to fire would let each process begin one more.
    const until =
      leftMs <= 0
        ? AbortSignal.abort()
        : AbortSignal.timeout(
            Math.ceil(world === main ? leftMs : Math.min(leftMs, budgetMs * SHARES.lane)),
          )
    const seeds = nightSeeds({ date, commit, world })
    tallies.unshift(await runLane(init, { world, seeds, until }))
    signal.throwIfAborted()
  }
  await shrinkFailures(init, tallies)
  const lanes = tallies.map((tally) => tally.report())
  const sometimes = init.sometimes.map((name) => ({
    name,
    seeds: lanes.reduce((sum, { met }) => sum + (met[name] ?? 0), 0),
  }))
  return {
    date,
    commit,
    startedAt,
    durationMs: Math.round(passedMs()),
    budgetMs,
    machine: init.machine,
    lanes,
    canary,
    slow,
    slowLeftOut: init.slow.length - slow.length,
    sometimes,
    ...judgeNight({ lanes, canary, slow, sometimes }),
    again: init.again,
  }
}

function runLane(
  { crew, signal, onProgress, onFailure }: NightInit,
  lane: {
    readonly world: string
    readonly seeds: Iterator<string, unknown>
    readonly until: AbortSignal
  },
): Promise<Tally> {
  return runCampaign({
    ...lane,
    crew,
    signal,
    seedsMin: 1,
    againEvery: AGAIN_EVERY,
    onResult(result, tally) {
      if (result.class !== 'pass') onFailure?.(result)
      onProgress?.(lane.world, tally)
    },
  })
}

/** The night goes on without it, and fails: what it finds all the same is worth having. */
async function findCanary(init: NightInit): Promise<CanaryReport> {
  const { crew, date, commit, budgetMs, signal } = init
  let found: SeedResult | undefined
  const tally = await runCampaign({
    world: CANARY,
    seeds: nightSeeds({ date, commit, world: CANARY }),
    crew,
    signal,
    seedsMin: CANARY_SEEDS_MIN,
    until: AbortSignal.timeout(Math.ceil(budgetMs * SHARES.canary)),
    onResult: (_result, so) => init.onProgress?.(CANARY, so),
    isEnough(result) {
      // A seed that could not be judged has found nothing.
      if (result.class !== 'invariant' && result.class !== 'liveness') return false
      found ??= result
      return true
    },
  })
  signal.throwIfAborted()
  const { seeds, end } = tally.report()
  if (found !== undefined) return { seeds, found }
  return { seeds, ...(end === undefined ? {} : { end }) }
}

async function shrinkFailures(init: NightInit, tallies: readonly Tally[]): Promise<void> {
  const { shrink, budgetMs, signal } = init
  if (shrink === undefined) return
  const until = AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(budgetMs * SHARES.shrink))])
  for (const tally of tallies) {
    for (const { fastest } of tally.report().failures.slice(0, SHRUNK_MAX)) {
      const [result] = fastest
      if (result === undefined || until.aborted || !canShrink(result)) continue
      init.onProgress?.('shrink', tally)
      try {
        tally.replace(await shrink(result, until))
      } catch {
        // It stays as it is, with the line that replays it.
        signal.throwIfAborted()
      }
    }
  }
}
