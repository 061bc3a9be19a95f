import { drawPlan } from './draw.ts'
import {
  INDISPENSABLE,
  reduce,
  replayLine,
  type Reduction,
  type SwarmPlan,
  type WorldName,
} from './plan.ts'
import type { SeedResult } from './result.ts'
import { signatureOf } from './campaign/tally.ts'

/** Runs a seed with less in it. */
export type RunReduced = (reduction: Reduction) => Promise<SeedResult>

export interface ShrinkOptions {
  readonly run: RunReduced
  /** The same, each time in a process of its own. */
  readonly runFresh: RunReduced
  /** @default 300 */
  readonly runsMax?: number | undefined
  readonly onProgress?:
    | ((left: { readonly faults: number; readonly hosts: number; readonly runs: number }) => void)
    | undefined
}

export interface Shrunk {
  readonly hosts: number
  readonly faults: number
  readonly runs: number
  readonly replay: string
  readonly reduction: Reduction
  readonly plan: SwarmPlan
  /** What the smallest world came to. */
  readonly result: SeedResult
  /** Whether two fresh processes said the same of it. */
  readonly verified: boolean
}

const RUNS_MAX = 300
const HALVINGS_MAX = 6
/** Fresh processes that must agree. */
const VERIFICATIONS = 2

/**
 * Makes a failing world as small as it goes while it fails in the same way: faults first, then hosts, then how long each
 * fault lasts. What stays is as it was drawn, so that each step takes away and changes nothing else.
 *
 * @param failing the result of the whole world, or of the reduction to begin with
 */
export async function shrink(
  failing: SeedResult,
  begin: Reduction,
  options: ShrinkOptions,
): Promise<Shrunk> {
  const drawn = drawPlan(failing.seed, failing.world as WorldName)
  const signature = signatureOf(failing)
  const state = { reduction: begin, result: failing, runs: 0 }
  const { runsMax = RUNS_MAX } = options
  const fails = async (reduction: Reduction): Promise<boolean> => {
    if (state.runs >= runsMax) return false
    state.runs += 1
    const result = await options.run(reduction)
    if (signatureOf(result) !== signature) return false
    state.reduction = reduction
    state.result = result
    const left = reduce(drawn, reduction)
    options.onProgress?.({ faults: left.faults.length, hosts: left.hosts.length, runs: state.runs })
    return true
  }
  const { without = [], faults = [...drawn.faults.keys()], halved = {} } = begin
  const faultsLeft = await minimise(faults, (kept) => fails({ ...state.reduction, faults: kept }))
  const removable = removableHosts(drawn).filter((name) => !without.includes(name))
  await minimise(removable, async (kept) => {
    const gone = removable.filter((name) => !kept.includes(name))
    return await fails({ ...state.reduction, without: [...without, ...gone] })
  })
  for (const index of faultsLeft) {
    for (let times = (halved[index] ?? 0) + 1; times <= HALVINGS_MAX; times++) {
      const shorter = { ...state.reduction.halved, [index]: times }
      if (!(await fails({ ...state.reduction, halved: shorter }))) break
    }
  }
  const plan = reduce(drawn, state.reduction)
  const fresh: SeedResult[] = []
  for (let run = 0; run < VERIFICATIONS; run++) fresh.push(await options.runFresh(state.reduction))
  return {
    hosts: plan.hosts.length,
    faults: plan.faults.length,
    runs: state.runs + VERIFICATIONS,
    replay: replayLine(failing.seed, failing.world, state.reduction),
    reduction: state.reduction,
    plan,
    result: state.result,
    verified: fresh.every(
      (result) =>
        signatureOf(result) === signature && result.digest.events === fresh[0]?.digest.events,
    ),
  }
}

/** Of clients, one at a time may be the last. */
function removableHosts({ hosts }: SwarmPlan): string[] {
  return hosts.map(({ name }) => name).filter((name) => !INDISPENSABLE.has(name))
}

/**
 * Zeller's ddmin: the smallest part of a list with which it still `fails`, such that it fails with no single entry less.
 * The whole list is known to fail.
 */
export async function minimise<T>(
  list: readonly T[],
  fails: (part: readonly T[]) => Promise<boolean>,
): Promise<readonly T[]> {
  let kept = list
  // The commonest answer first: that nothing of it matters.
  if (kept.length > 0 && (await fails([]))) return []
  let parts = 2
  while (kept.length >= 2) {
    const size = Math.ceil(kept.length / parts)
    let reduced: readonly T[] | undefined
    for (let from = 0; from < kept.length && reduced === undefined; from += size) {
      const rest = [...kept.slice(0, from), ...kept.slice(from + size)]
      if (rest.length < kept.length && rest.length > 0 && (await fails(rest))) reduced = rest
    }
    if (reduced !== undefined) {
      kept = reduced
      parts = Math.max(parts - 1, 2)
    } else if (parts >= kept.length) break
    else parts = Math.min(parts * 2, kept.length)
  }
  return kept
}
