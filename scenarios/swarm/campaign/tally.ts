import type { SeedClass, SeedResult } from '../result.ts'

/**
 * Why a campaign ended before its seeds did: its time was over, or was so before it began; it was broken off, since the
 * engine could not run its seeds; or somebody interrupted it.
 */
export type CampaignEnd = 'time' | 'late' | 'engine' | 'interrupted'

/** What a campaign of one world came to. */
export interface LaneReport {
  readonly world: string
  readonly seeds: number
  readonly end?: CampaignEnd
  readonly classes: Readonly<Partial<Record<SeedClass, number>>>
  readonly virtualMs: number
  readonly cpuMs: number
  /** From its first seed to its last, all at once. */
  readonly realMs: number
  readonly events: number
  readonly faults: number
  /** Passing seeds that were run again. */
  readonly again: number
  readonly failures: readonly FailureGroup[]
  /** In how many seeds each `sometimes` was met. */
  readonly met: Readonly<Record<string, number>>
}

/** Seeds that failed in the same way. */
export interface FailureGroup {
  readonly signature: string
  readonly count: number
  /** Those that show it fastest; the first is the one to look at. */
  readonly fastest: readonly SeedResult[]
}

/** Kept of those that failed in the same way. */
export const FASTEST_MAX = 4
/** Ways to fail that are told apart; a campaign in which everything breaks must not take the memory. */
const GROUPS_MAX = 200
const OTHERS = 'in other ways'

/** Counts results as they come. */
export class Tally {
  readonly world: string
  /** Undefined where all seeds ran, or one of them was enough. */
  end: CampaignEnd | undefined
  readonly #classes: Partial<Record<SeedClass, number>> = {}
  readonly #groups = new Map<string, { count: number; fastest: readonly SeedResult[] }>()
  readonly #met = new Map<string, number>()
  readonly #sums = { seeds: 0, virtualMs: 0, cpuMs: 0, events: 0, faults: 0, again: 0 }
  readonly #begunMs = performance.now()
  #realMs: number | undefined

  constructor(world: string) {
    this.world = world
  }

  add(result: SeedResult): void {
    const sums = this.#sums
    sums.seeds += 1
    sums.virtualMs += result.virtualMs
    sums.cpuMs += result.cpuMs
    sums.events += result.events
    sums.faults += result.faults
    this.#classes[result.class] = (this.#classes[result.class] ?? 0) + 1
    for (const name of result.sometimes) this.#met.set(name, (this.#met.get(name) ?? 0) + 1)
    if (result.class !== 'pass') this.#addFailure(result)
  }

  addAgain(): void {
    this.#sums.again += 1
  }

  /** How long it took in all; until that is said, it still goes on. */
  set realMs(realMs: number) {
    this.#realMs = realMs
  }

  /** Puts a result in the place of another of the same seed, such as the shrunk one. */
  replace(result: SeedResult): void {
    const group = this.#groups.get(signatureOf(result))
    if (group === undefined) return
    group.fastest = group.fastest.map((one) => (one.seed === result.seed ? result : one))
  }

  get failed(): number {
    return this.#sums.seeds - (this.#classes.pass ?? 0)
  }

  report(): LaneReport {
    return {
      world: this.world,
      ...this.#sums,
      ...(this.end === undefined ? {} : { end: this.end }),
      classes: { ...this.#classes },
      realMs: Math.round(this.#realMs ?? performance.now() - this.#begunMs),
      failures: [...this.#groups]
        .map(([signature, { count, fastest }]) => ({ signature, count, fastest }))
        .toSorted((one, other) => other.count - one.count),
      met: Object.fromEntries(this.#met),
    }
  }

  #addFailure(result: SeedResult): void {
    const signature = signatureOf(result)
    const key = this.#groups.has(signature) || this.#groups.size < GROUPS_MAX ? signature : OTHERS
    const { count = 0, fastest = [] } = this.#groups.get(key) ?? {}
    this.#groups.set(key, { count: count + 1, fastest: keepFastest([...fastest, result]) })
  }
}

/** What two failures of one cause have in common: without numbers and the names of hosts. */
export function signatureOf(result: SeedResult): string {
  const { invariant = '', problem = '' } = result.failure ?? {}
  // An invariant says what is wrong; where a process broke, only its words do.
  const words = result.class === 'crash' || result.class === 'unknown' ? firstLine(problem) : ''
  return [result.world, result.class, invariant, words].filter(Boolean).join(': ')
}

/** The same for people. */
export function endText(end: CampaignEnd): string {
  switch (end) {
    case 'time':
      return 'until its time was over'
    case 'late':
      return 'its time was over before it began'
    case 'engine':
      return 'broken off: the engine itself fails, seed after seed'
    case 'interrupted':
      return 'interrupted'
  }
}

/** Those that are quickest to run again, one of each seed. */
export function keepFastest<T extends { readonly seed: string; readonly cpuMs: number }>(
  results: readonly T[],
): readonly T[] {
  const bySeed = new Map(results.map((result) => [result.seed, result]))
  return [...bySeed.values()]
    .toSorted((one, other) => one.cpuMs - other.cpuMs)
    .slice(0, FASTEST_MAX)
}

function firstLine(text: string): string {
  const [line = ''] = text.split('\n')
  return line.replaceAll(/\d+/g, '#').slice(0, 160)
}
