import { endText, type CampaignEnd, type LaneReport } from '../campaign/tally.ts'
import { countText } from '../count-text.ts'
import type { SeedResult } from '../result.ts'
import { EXIT, exitCode } from '../verdict.ts'

/** What a night showed; its page and its database are made from it. */
export interface NightReport {
  /** The day that the seeds were made from: ISO 8601, UTC. */
  readonly date: string
  readonly commit: string
  readonly startedAt: string
  readonly durationMs: number
  readonly budgetMs: number
  /** Where it ran, in words. */
  readonly machine: string
  readonly lanes: readonly LaneReport[]
  readonly canary: CanaryReport
  readonly slow: readonly SlowResult[]
  /** Of those in real time: for them there was no time. */
  readonly slowLeftOut: number
  /** In how many worlds each was met. */
  readonly sometimes: readonly { readonly name: string; readonly seeds: number }[]
  /** Why it is not a good night; none for a good one. */
  readonly problems: readonly string[]
  readonly exitCode: number
  readonly again: string
}

/** The world with a planted bug: whoever does not find that one finds no other. */
export interface CanaryReport {
  /** Until it was found, or in all. */
  readonly seeds: number
  readonly found?: SeedResult
  /** Why it was looked for no longer. */
  readonly end?: CampaignEnd
}

/** A scenario with a real CA and real sockets, where time is real too. */
export interface SlowResult {
  readonly scenario: string
  readonly transport: string
  readonly holds: boolean
  readonly durationMs: number
  readonly problems: readonly string[]
  readonly again: string
}

/** Fewer seeds than these need not meet everything. */
export const SOMETIMES_SEEDS_MIN = 1_000

/** Judges a night by its parts. */
export function judgeNight({
  lanes,
  canary,
  slow,
  sometimes,
}: Pick<NightReport, 'lanes' | 'canary' | 'slow' | 'sometimes'>): Pick<
  NightReport,
  'problems' | 'exitCode'
> {
  const failed = lanes.flatMap(({ failures }) => failures)
  const broken = slow.filter(({ holds }) => !holds)
  const seeds = lanes.reduce((sum, lane) => sum + lane.seeds, 0)
  const never = seeds < SOMETIMES_SEEDS_MIN ? [] : sometimes.filter((one) => one.seeds === 0)
  const problems = [
    ...(canary.found === undefined
      ? [
          `the canary's bug was not found in ${countText(canary.seeds, 'seed')}: what this night says means nothing`,
        ]
      : []),
    ...lanes
      .filter(({ end }) => end === 'engine')
      .map(({ world }) => `lane "${world}" was ${endText('engine')}`),
    ...lanes.filter((lane) => lane.seeds === 0).map(({ world }) => `no seed of "${world}" ran`),
    ...failed.map(({ signature, count }) => `${countText(count, 'seed')} of ${signature}`),
    ...broken.map(({ scenario, transport }) => `"${scenario}" does not hold on ${transport}`),
    ...never.map(({ name }) => `never met: ${name}`),
  ]
  const own = canary.found === undefined || lanes.some((lane) => lane.seeds === 0)
  const found = exitCode(failed.flatMap(({ fastest }) => fastest))
  return {
    problems,
    exitCode: own
      ? EXIT.engine
      : found === EXIT.pass && problems.length > 0
        ? EXIT.invariant
        : found,
  }
}
