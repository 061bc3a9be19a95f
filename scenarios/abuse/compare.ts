import { ERRANDS, type Errand, type Observations } from './errands.ts'

/** How one errand of others went, usually and during the abuse. Times in ms. */
export interface Comparison {
  readonly errand: Errand
  readonly usual: Times
  readonly during: Times
  /**
   * Of the medians: polite and hostile times take turns and each has hundreds of samples, so what a busy machine does to
   * a few of them does not move the middle. The 95th percentile is told, but on a busy machine it is the machine's.
   */
  readonly ratio: number
  readonly failures: readonly string[]
}

export interface Times {
  readonly count: number
  readonly p50: number
  readonly p95: number
}

export function compare(usual: Observations, during: Observations): readonly Comparison[] {
  return ERRANDS.map((errand) => {
    const [was, is] = [times(usual.durationsMs[errand]), times(during.durationsMs[errand])]
    return {
      errand,
      usual: was,
      during: is,
      ratio: is.count === 0 || was.count === 0 ? 0 : is.p50 / was.p50,
      failures: during.failures.filter((failure) => failure.startsWith(`${errand}: `)),
    }
  })
}

function times(durationsMs: readonly number[]): Times {
  const sorted = durationsMs.toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0
  return { count: sorted.length, p50: at(0.5), p95: at(0.95) }
}
