// Which mutants are run, and what has none: pure.
import { chooseNamed } from '../../scenarios/engine/mutation/choose.ts'
import type { Case } from '../suite/case.ts'
import { CASES, REQUIREMENTS } from '../suite/catalogue.ts'
import { UsageError } from '../suite/problems.ts'
import type { Mutant } from './mutant.ts'
import type { Outcome } from './outcome.ts'
import { WITHOUT_MUTANT } from './without.ts'

/** @throws {UsageError} for a word that names none */
export function chooseMutants(
  mutants: readonly Mutant[],
  only: readonly string[],
): readonly Mutant[] {
  return chooseNamed(mutants, only, {
    isNamed: ({ id, role, breaks }, word) => [id, role, breaks].includes(word),
    refuse: (empty) =>
      new UsageError(
        `--only ${empty.join(', ')} names no mutant, wanted such as dns/no-soa, dns or NT-DNS-064: --list shows them all`,
      ),
  })
}

/** A MUST that no mutant breaks. */
export interface Uncovered {
  readonly id: string
  readonly title: string
  /** Undefined where nobody has said why. */
  readonly reason: string | undefined
}

export function uncovered(mutants: readonly Mutant[]): readonly Uncovered[] {
  const broken = new Set(
    mutants.filter(({ lesser }) => lesser !== true).map(({ breaks }) => breaks),
  )
  return REQUIREMENTS.filter(({ id, level }) => level === 'MUST' && !broken.has(id)).map(
    ({ id, title, unchecked }) => ({
      id,
      title,
      reason: unchecked === undefined ? WITHOUT_MUTANT[id] : `no check sees it: ${unchecked}`,
    }),
  )
}

/** Checks that no mutant made fail, by their ids: nobody has seen them do so. */
export function untripped(
  outcomes: readonly Outcome[],
  cases: readonly Case[] = CASES,
): readonly string[] {
  const seen = new Set(outcomes.flatMap(({ tripped }) => tripped))
  return cases.map(({ id }) => id).filter((id) => !seen.has(id))
}
