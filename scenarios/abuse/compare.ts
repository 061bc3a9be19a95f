import { ERRANDS, type Errand, type Observations } from './errands.ts'

/** How one errand of others went, usually and during the abuse. Times in ms. */
export interface Comparison {
  readonly errand: Errand
  readonly usual: Times
  readonly during: Times
  /**
   * The median of the ratios of each round's lower quartiles. What the servers do is in every time, and a queue in most;
   * what a busy machine adds is in some, and only ever makes them longer: so it is in the upper quartiles first. Polite
   * and hostile take turns within a round, so that a busy minute meets both. 0 where no round has enough samples.
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
      return [quantile(durationsMs, 0.25) / quantile(before, 0.25)]
    })
    return {
      errand,
      usual: times(was.flat()),
      during: times(is.flat()),
      ratio: quantile(ratios, 0.5),
      failures: during
        .flatMap(({ failures }) => failures)
        .filter((failure) => failure.startsWith(`${errand}: `)),
    }
  })
}

function times(durationsMs: readonly number[]): Times {
  return {
    count: durationsMs.length,
    p50: quantile(durationsMs, 0.5),
    p95: quantile(durationsMs, 0.95),
  }
}

function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? 0
}
