/** What a bystander does, over and over. */
export const ERRANDS = ['DNS over UDP', 'DNS over TCP', 'proof', 'proof for a newcomer'] as const
export type Errand = (typeof ERRANDS)[number]

/** How long each errand took, in ms, and what kept others from ending. */
export interface Observations {
  readonly durationsMs: Readonly<Record<Errand, readonly number[]>>
  readonly failures: readonly string[]
}
