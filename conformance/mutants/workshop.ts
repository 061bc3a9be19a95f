import { openSelfCa, type SelfCa, type SelfCaOptions } from '../self/index.ts'
import type { Mutant } from './mutant.ts'
import type { Outcome } from './outcome.ts'
import { runMutant, type RunMutantOptions } from './run-mutant.ts'

export interface WorkshopOptions
  extends SelfCaOptions, Pick<RunMutantOptions, 'thorough' | 'clientEnvironment'> {
  /** Mutants at once. */
  readonly jobs: number
  readonly onStart?: (mutant: Mutant) => void
  readonly onOutcome?: (outcome: Outcome) => void
}

/** Runs mutants, several at once; each place has a CA of its own, which is kept from one to the next. */
export async function runMutants(
  mutants: readonly Mutant[],
  options: WorkshopOptions,
): Promise<readonly Outcome[]> {
  const queue = [...mutants]
  const outcomes = new Map<Mutant, Outcome>()
  const place = async (): Promise<void> => {
    await using stack = new AsyncDisposableStack()
    let opened: Promise<SelfCa> | undefined
    const ca = (): Promise<SelfCa> => {
      opened ??= openSelfCa(options).then((one) => stack.use(one))
      return opened
    }
    for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
      options.signal.throwIfAborted()
      options.onStart?.(mutant)
      const outcome = await runMutant(mutant, { ...options, ca })
      outcomes.set(mutant, outcome)
      options.onOutcome?.(outcome)
    }
  }
  await Promise.all(Array.from({ length: options.jobs }, place))
  return mutants.flatMap((mutant) => outcomes.get(mutant) ?? [])
}
