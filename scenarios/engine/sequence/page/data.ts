/** What a page is given to draw: names once, and what happened in order. */
export interface SequenceData {
  readonly durationMs: number
  readonly hosts: readonly { readonly name: string; readonly role: string }[]
  readonly events: readonly { readonly name: string; readonly kind: Kind }[]
  readonly rows: readonly Row[]
  readonly spans: readonly Span[]
}

/** What events are about; people choose by it what they see. */
export const KINDS = [
  'faults',
  'proofs',
  'certificates',
  'challenges',
  'CA',
  'discovery',
  'hosts',
  'other',
] as const
export type Kind = (typeof KINDS)[number]

export interface Row {
  readonly atMs: number
  /** Of `hosts`. */
  readonly host: number
  /** Of `events`. */
  readonly event: number
  /** As a person reads it; absent for what only machines read. */
  readonly text?: string
  /** Of `hosts`: between whom it went, where it is a message. */
  readonly from?: number
  readonly to?: number
  /** Something did not go as it should. */
  readonly bad?: true
  /** JSON. */
  readonly detail: string
}

/** A fault, for as long as it held. */
export interface Span {
  readonly host: number
  readonly kind: string
  readonly fromMs: number
  /** The end of the run for one that never healed. */
  readonly untilMs: number
  readonly healed: boolean
}

/** Where the page finds it. */
export const DATA_ID = 'sequence-data'
