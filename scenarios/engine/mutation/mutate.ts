/** A mistake: one text of one file that stands there once, and what is there instead. Nothing is changed on disk. */
export interface Mutation {
  /** In this repository. */
  readonly file: string
  /** Stands in the file exactly once. */
  readonly find: string
  readonly replace: string
}

/** The text of a mutation is not in its file, or there several times: the file has changed since. */
export class StaleMutationError extends Error {
  override readonly name = 'StaleMutationError'
}

/**
 * The file's text with the mistake in it.
 * @throws {StaleMutationError}
 */
export function mutate(source: string, { file, find, replace }: Mutation): string {
  const [before, after, ...more] = source.split(find)
  if (before === undefined || after === undefined || more.length > 0) {
    const times = after === undefined ? 0 : more.length + 1
    throw new StaleMutationError(
      `${file} has ${JSON.stringify(find)} ${times} times, wanted once: bring what replaces it up to date`,
    )
  }
  return before + replace + after
}
