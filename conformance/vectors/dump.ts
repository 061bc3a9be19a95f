import { readVectors, type Vector, type VectorFile } from './files.ts'
import { KINDS, type Kind } from './schema.ts'

/** A test with what it has from its group, on its own: for `vectors dump`. */
export interface DumpedVector extends Vector {
  readonly kind: Kind
  readonly type: string
}

/** All tests of a kind, or of all kinds, flat. */
export function dumpVectors(kinds: readonly Kind[] = KINDS): readonly DumpedVector[] {
  return kinds.flatMap((kind) => {
    const { testGroups } = JSON.parse(readVectors(kind)) as VectorFile
    return testGroups.flatMap(({ type, tests, ...shared }) =>
      tests.map((vector) => ({ kind, type, ...shared, ...vector })),
    )
  })
}

/** How many tests each kind has. */
export function countVectors(): Readonly<Record<Kind, number>> {
  const counts = KINDS.map((kind) => [kind, dumpVectors([kind]).length] as const)
  return Object.fromEntries(counts) as Record<Kind, number>
}
