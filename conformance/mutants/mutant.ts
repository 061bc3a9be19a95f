// What a mutant is: one of our servers, or our client, made wrong in exactly one way.
import type { Role } from '../suite/case.ts'

export interface Mutant {
  /** Role and slug, such as `dns/recursion-offered`. */
  readonly id: string
  /** What is started, and whose checks are run. */
  readonly role: Role
  /** In this repository. Nothing of it is changed on disk: the text is replaced when the file is loaded. */
  readonly file: string
  /** Stands in the file exactly once. */
  readonly find: string
  readonly replace: string
  /** The requirement whose checks must fail. */
  readonly breaks: string
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

/** The text of a mutant is not in its file, or there several times: the file has changed since. */
export class StaleMutantError extends Error {
  override readonly name = 'StaleMutantError'
}

/**
 * The file's text with the mistake in it.
 * @throws {StaleMutantError}
 */
export function mutate(
  source: string,
  { file, find, replace }: Pick<Mutant, 'file' | 'find' | 'replace'>,
): string {
  const [before, after, ...more] = source.split(find)
  if (before === undefined || after === undefined || more.length > 0) {
    const times = after === undefined ? 0 : more.length + 1
    throw new StaleMutantError(
      `${file} has ${JSON.stringify(find)} ${times} times, wanted once: bring the mutant up to date`,
    )
  }
  return before + replace + after
}
