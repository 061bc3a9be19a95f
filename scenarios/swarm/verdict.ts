import type { SeedClass, SeedResult } from './result.ts'

/** Invariant of what is the engine's own mistake, and shows nothing about what was tried. */
export const ENGINE_FAULT = 'the engine runs'

/** What a command ends with; where there are several, the first of {@link WORST_FIRST}. */
export const EXIT = {
  pass: 0,
  invariant: 1,
  unknown: 2,
  liveness: 3,
  crash: 4,
  'non-determinism': 5,
  usage: 64,
  engine: 70,
} as const satisfies Readonly<Record<SeedClass | 'usage' | 'engine', number>>

const WORST_FIRST = [
  'engine',
  'non-determinism',
  'invariant',
  'crash',
  'liveness',
  'unknown',
] as const

/** What a result is, with the engine's own faults apart. */
export function kindOf({ class: of, failure }: SeedResult): SeedClass | 'engine' {
  return failure?.invariant === ENGINE_FAULT ? 'engine' : of
}

/** The exit code of all these results together: the one that says most. */
export function exitCode(results: readonly SeedResult[]): number {
  const kinds = new Set(results.map(kindOf))
  return EXIT[WORST_FIRST.find((kind) => kinds.has(kind)) ?? 'pass']
}
