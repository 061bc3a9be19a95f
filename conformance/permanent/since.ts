// Which version of the suite has an id first: what was promised to others, read.
import { SUITE_VERSION } from '../suite/agent.ts'
import ids from './ids.json' with { type: 'json' }

/** What a version of the suite promised: none of it goes, or comes to mean something else. */
export interface Promised {
  /** Titles, by id. */
  readonly requirements: Readonly<Record<string, string>>
  /** Ids; their slugs are what they mean. */
  readonly checks: readonly string[]
  /** By kind and tcId, what a hash makes of the test. */
  readonly vectors: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** What is no longer there from this version on: `NT-DNS-017`, `NT-DNS-017/mixed-case`, `frames/12`. Never given again. */
  readonly retired: readonly string[]
}

/** By version, the oldest first. */
export const PROMISED: Readonly<Record<string, Promised>> = ids

const SINCE = new Map(
  Object.entries(PROMISED).flatMap(([version, { requirements }]) =>
    Object.keys(requirements).map((id) => [id, version] as const),
  ),
)

/** A requirement that is not written down yet is of the version that is being made. */
export function sinceOf(requirement: string): string {
  return SINCE.get(requirement) ?? SUITE_VERSION
}
