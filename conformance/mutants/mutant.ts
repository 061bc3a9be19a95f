// What a mutant is: one of our servers, or our client, made wrong in exactly one way.
import type { Mutation } from '../../scenarios/engine/mutation/mutate.ts'
import type { Role } from '../suite/case.ts'

export interface Mutant extends Mutation {
  /** Role and slug, such as `dns/recursion-offered`. */
  readonly id: string
  /** What is started, and whose checks are run. */
  readonly role: Role
  /** The requirement whose checks must fail. */
  readonly breaks: string
  /** Only checks of what the requirement merely recommends see it: it is no proof of the rest. @default false */
  readonly lesser?: true
  /** Requirements that cannot but fail too, because they say a part of the same: each of them has to. */
  readonly neighbours?: readonly string[]
  /** Requirements that fail or do not, as it happens: the mistake is a race. */
  readonly sometimes?: readonly string[]
  /** What is wrong with it, and who did so. */
  readonly why: string
}

/** Mutants of one role, as their files list them. */
export function mutantsOf(role: Role, mutants: readonly Omit<Mutant, 'role'>[]): readonly Mutant[] {
  return mutants.map((mutant) => ({ ...mutant, role, id: `${role}/${mutant.id}` }))
}
