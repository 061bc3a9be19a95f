import type { PlantedBug } from './bug.ts'

/** @throws {RangeError} for a word that names none */
export function chooseBugs(
  bugs: readonly PlantedBug[],
  only: readonly string[],
): readonly PlantedBug[] {
  if (only.length === 0) return bugs
  const named = (word: string): readonly PlantedBug[] =>
    bugs.filter(
      ({ id, breaks }) => id === word || id.startsWith(`${word}/`) || breaks.includes(word),
    )
  const empty = only.filter((word) => named(word).length === 0)
  if (empty.length > 0) {
    throw new RangeError(
      `--only ${empty.join(', ')} names no bug, wanted such as client/key-lost, client or NT-CLIENT-013: --list shows them all`,
    )
  }
  const chosen = new Set(only.flatMap(named))
  return bugs.filter((bug) => chosen.has(bug))
}
