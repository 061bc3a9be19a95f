import { ERRANDS, type Errand, type Observations } from './errands.ts'

/** How one errand of others went, usually and during the abuse. Times in ms. */
export interface Comparison {
  readonly errand: Errand
  readonly usual: Times
  readonly during: Times
  /**
   * The median of the ratios of each round's medians. Polite and hostile take turns within a round, so a time in which the
   * machine is busy meets both, and what meets one alone does not move the middle of six. 0 where no round has enough
   * samples. The 95th percentile is told, but on a busy machine it is the machine's.
   */
  readonly ratio: number
  readonly failures: readonly string[]
}

export interface Times {
  readonly count: number
  readonly p50: number
  readonly p95: number
}

/** A median of fewer says nothing. */
const SAMPLES_MIN = 5

/** What was seen in each round. */
export function compare(
  usual: readonly Observations[],
  during: readonly Observations[],
): readonly Comparison[] {
  return ERRANDS.map((errand) => {
    const of = (looks: readonly Observations[]) => looks.map((look) => look.durationsMs[errand])
    const [was, is] = [of(usual), of(during)]
    const ratios = is.flatMap((durationsMs, round) => {
      const before = was[round] ?? []
      if (durationsMs.length < SAMPLES_MIN || before.length < SAMPLES_MIN) return []
      return [times(durationsMs).p50 / times(before).p50]
    })
    return {
      errand,
      usual: times(was.flat()),
      during: times(is.flat()),
      ratio: times(ratios).p50,
      failures: during
        .flatMap(({ failures }) => failures)
        .filter((failure) => failure.startsWith(`${errand}: `)),
    }
  })
}

function times(durationsMs: readonly number[]): Times {
  const sorted = durationsMs.toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0
  return { count: sorted.length, p50: at(0.5), p95: at(0.95) }
}
