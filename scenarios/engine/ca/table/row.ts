// A row of the table: one thing that a CA does, and what is then seen.
import type { Reply } from './raw-client.ts'
import type { TableWorld } from './world.ts'

/** The CAs that the table knows: Debian's Pebble, the newest that was looked at, and ours. */
export type Subject = 'Pebble 2.4' | 'Pebble 2.10' | 'built-in'

export interface Row {
  /** A sentence; with it the row is named in the output. */
  readonly name: string
  readonly act: (world: TableWorld) => Promise<unknown>
  /** What every CA shows, but for the differences. */
  readonly seen: unknown
  /** What one shows in its place, and why. */
  readonly differs?: Partial<Record<Subject, Difference>>
}

export interface Difference {
  readonly seen: unknown
  readonly reason: string
}

/** The same difference for both Pebbles. */
export function bothPebbles(seen: unknown, reason: string): NonNullable<Row['differs']> {
  return { 'Pebble 2.4': { seen, reason }, 'Pebble 2.10': { seen, reason } }
}

/** `403 unauthorized`, or `200` where there is no problem. */
export function outcome({ status, problem }: Reply): string {
  return problem === '' ? String(status) : `${status} ${problem}`
}
