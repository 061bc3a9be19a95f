import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { mutate } from '../engine/mutation/mutate.ts'
import { preloadUrl, ROOT } from '../engine/mutation/on-load.ts'
import type { Reduction } from '../swarm/plan.ts'
import type { SeedResult } from '../swarm/result.ts'
import { ChildRunner } from '../swarm/runner.ts'
import { seedsFrom } from '../swarm/seed-text.ts'
import { shrink } from '../swarm/shrink.ts'
import { kindOf } from '../swarm/verdict.ts'
import type { PlantedBug } from './bug.ts'

/** What became of a bug. */
export interface Hunt {
  readonly bug: PlantedBug
  /**
   * - `found`: a seed fails with it by an invariant that should see it, and passes without it
   * - `missed`: no seed does
   * - `broken`: it could not be run
   */
  readonly state: 'found' | 'missed' | 'broken'
  /** Up to and with the one that found it; those that show nothing are counted too. */
  readonly seeds: number
  readonly failure?: {
    readonly seed: string
    readonly class: SeedResult['class']
    readonly invariant: string
    readonly problem: string
  }
  readonly shrunk?: { readonly hosts: number; readonly faults: number; readonly runs: number }
  readonly cpuMs: number
  readonly reason?: string
}

export interface HuntOptions {
  readonly world: string
  readonly from: string
  readonly seedsMax: number
  /** Runs that shrinking may take; 0 for none of it. */
  readonly shrinkRunsMax: number
  readonly signal: AbortSignal
  /** Looks up other bugs, for those that hide them. */
  readonly bugs: readonly PlantedBug[]
  readonly onSeed?: ((seeds: number) => void) | undefined
  /** Those that fail without any bug are passed over. They are the same for all, so all hunts share one. */
  readonly control: Control
}

/** Real time for one seed: a bug can make a world slow. */
const HUNTED_SEED_MS_MAX = 600_000

/** Runs worlds in which nothing is planted. */
export type Control = (seed: string, signal: AbortSignal) => Promise<SeedResult>

/** Runs one seed after the other with a bug until one shows it. Rejects only with the reason of the signal. */
export async function hunt(bug: PlantedBug, options: HuntOptions): Promise<Hunt> {
  try {
    mutate(await readFile(join(ROOT, bug.file), 'utf8'), bug)
    return bug.hides === undefined
      ? await huntBug(bug, options)
      : await huntBlindness(bug, bug.hides, options)
  } catch (error) {
    options.signal.throwIfAborted()
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return { bug, state: 'broken', seeds: 0, cpuMs: 0, reason }
  }
}

async function huntBug(bug: PlantedBug, options: HuntOptions): Promise<Hunt> {
  const { world, from, seedsMax, signal, control } = options
  await using planted = new ChildRunner({
    preload: [preloadUrl([bug])],
    seedMsMax: HUNTED_SEED_MS_MAX,
  })
  const run = (seed: string, reduction?: Reduction): Promise<SeedResult> =>
    planted.run(seed, { world, signal, reduction })
  let cpuMs = 0
  let seeds = 0
  const nothing = new Set<string>()
  for (const seed of seedsFrom(from, seedsMax)) {
    const result = await run(seed)
    cpuMs += result.cpuMs
    seeds += 1
    options.onSeed?.(seeds)
    if (result.class === 'pass') continue
    const failure = failureOf(result)
    // What fails by itself shows nothing about the bug, and what fails otherwise may.
    const isSeen = bug.seenBy.includes(failure.invariant)
    if (!isSeen || (await control(seed, signal)).class !== 'pass') {
      nothing.add(failure.invariant)
      continue
    }
    const shrunk = await shrinkBug(result, run, options)
    return { bug, state: 'found', seeds, cpuMs, failure, ...shrunk }
  }
  const reason = `seeds that show nothing fail: ${[...nothing].join('; ')}`
  return { bug, state: 'missed', seeds, cpuMs, ...(nothing.size === 0 ? {} : { reason }) }
}

async function shrinkBug(
  result: SeedResult,
  run: (seed: string, reduction: Reduction) => Promise<SeedResult>,
  { shrinkRunsMax }: HuntOptions,
): Promise<Pick<Hunt, 'shrunk'>> {
  if (shrinkRunsMax === 0) return {}
  const again = (reduction: Reduction): Promise<SeedResult> => run(result.seed, reduction)
  const { hosts, faults, runs } = await shrink(
    result,
    {},
    {
      run: again,
      // A planted bug is planted again in each process: nothing is learned from another one.
      runFresh: again,
      runsMax: shrinkRunsMax,
    },
  )
  return { shrunk: { hosts, faults, runs } }
}

/** A blind invariant is found where a bug that it sees is not seen by it any more. */
async function huntBlindness(bug: PlantedBug, hides: string, options: HuntOptions): Promise<Hunt> {
  const { world, from, seedsMax, signal, bugs } = options
  const hidden = bugs.find(({ id }) => id === hides)
  if (hidden === undefined) throw new RangeError(`${bug.id} hides "${hides}", which is no bug`)
  await using seeing = new ChildRunner({
    preload: [preloadUrl([hidden])],
    seedMsMax: HUNTED_SEED_MS_MAX,
  })
  await using blind = new ChildRunner({
    preload: [preloadUrl([hidden, bug])],
    seedMsMax: HUNTED_SEED_MS_MAX,
  })
  let cpuMs = 0
  let seeds = 0
  for (const seed of seedsFrom(from, seedsMax)) {
    const seen = await seeing.run(seed, { world, signal })
    cpuMs += seen.cpuMs
    seeds += 1
    options.onSeed?.(seeds)
    const { invariant = '' } = seen.failure ?? {}
    if (!bug.seenBy.includes(invariant)) continue
    const unseen = await blind.run(seed, { world, signal })
    cpuMs += unseen.cpuMs
    if (kindOf(unseen) === 'engine') {
      return { bug, state: 'broken', seeds, cpuMs, reason: textOf(unseen) }
    }
    if (unseen.failure?.invariant === invariant) continue
    const instead = unseen.failure?.invariant ?? 'nothing'
    const problem = `"${hides}" is seen by ${instead} where it is seen by "${invariant}"`
    const failure = { seed, class: seen.class, invariant, problem }
    return { bug, state: 'found', seeds, cpuMs, failure }
  }
  return { bug, state: 'missed', seeds, cpuMs }
}

function failureOf({ seed, class: of, failure }: SeedResult): NonNullable<Hunt['failure']> {
  const { invariant = '', problem = '' } = failure ?? {}
  return { seed, class: of, invariant, problem }
}

function textOf({ failure }: SeedResult): string {
  return failure?.problem ?? ''
}
