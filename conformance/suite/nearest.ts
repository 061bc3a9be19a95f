const NAMES_MAX = 3

/** Of these names those that are written most alike, the nearest first: for whoever mistyped one. */
export function nearestNames(word: string, names: readonly string[]): readonly string[] {
  return names
    .map((name) => ({ name, distance: distance(word.toLowerCase(), name.toLowerCase()) }))
    .toSorted((one, other) => one.distance - other.distance)
    .slice(0, NAMES_MAX)
    .map(({ name }) => name)
}

/** Levenshtein's: how many letters are to be inserted, removed or changed. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (const [line, letter] of one.split('').entries()) {
    const above = row
    row = [line + 1]
    for (let index = 0; index < other.length; index++) {
      const changed = (above[index] ?? 0) + (letter === other[index] ? 0 : 1)
      row.push(Math.min(changed, (above[index + 1] ?? 0) + 1, (row[index] ?? 0) + 1))
    }
  }
  return row.at(-1) ?? 0
}
