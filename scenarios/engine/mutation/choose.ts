/**
 * What words name, in the order in which it is listed; all of it where there are none.
 *
 * @param refuse makes what is thrown for words that name nothing
 */
export function chooseNamed<T>(
  all: readonly T[],
  words: readonly string[],
  {
    isNamed,
    refuse,
  }: {
    readonly isNamed: (one: T, word: string) => boolean
    readonly refuse: (empty: readonly string[]) => Error
  },
): readonly T[] {
  if (words.length === 0) return all
  const empty = words.filter((word) => !all.some((one) => isNamed(one, word)))
  if (empty.length > 0) throw refuse(empty)
  return all.filter((one) => words.some((word) => isNamed(one, word)))
}
