import { chooseNamed } from '../engine/mutation/choose.ts'
import type { PlantedBug } from './bug.ts'

/** @throws {RangeError} for a word that names none */
export function chooseBugs(
  bugs: readonly PlantedBug[],
  only: readonly string[],
): readonly PlantedBug[] {
  return chooseNamed(bugs, only, {
    isNamed: ({ id, breaks }, word) =>
      id === word || id.startsWith(`${word}/`) || breaks.includes(word),
    refuse: (empty) =>
      new RangeError(
        `--only ${empty.join(', ')} names no bug, wanted such as client/key-lost, client or NT-CLIENT-013: --list shows them all`,
      ),
  })
}
