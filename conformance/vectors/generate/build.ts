import { schemaName, SCHEMAS, type Kind } from '../schema.ts'
import { vectorText, type Note, type Vector, type VectorGroup } from '../files.ts'

/** A test before it has its number. */
export type Draft = Omit<Vector, 'tcId'> & Readonly<Record<string, unknown>>

/** Whole groups have their numbers already; others get the next ones, so new groups belong at the end. */
export type DraftGroup =
  | (VectorGroup & Readonly<Record<string, unknown>>)
  | (Omit<VectorGroup, 'tests' | 'source'> &
      Readonly<Record<string, unknown>> & { readonly tests: readonly Draft[] })

export interface DraftFile {
  readonly header: readonly string[]
  readonly notes: Readonly<Record<string, Note>>
  readonly groups: readonly DraftGroup[]
  /** What the comment of a test says that has none of its own. @default none: each has one */
  readonly words?: (test: Draft, type: string) => string
}

const OWN_SOURCE = { name: 'conformance suite of Nodetrust', version: '1' }

/** The text of a kind's file. Throws where it does not fit its schema: that is a mistake of the generator. */
export function buildFile(kind: Kind, { header, notes, groups, words }: DraftFile): string {
  let tcId = 0
  const testGroups = groups.map((group) => ({
    source: OWN_SOURCE,
    ...group,
    tests: group.tests.map((test) => {
      tcId = Math.max(tcId + 1, 'tcId' in test ? Number(test.tcId) : 0)
      const comment = test.comment === '' ? words?.({ ...test }, group.type) : test.comment
      return { ...test, comment, tcId }
    }),
  }))
  const file = { schema: schemaName(kind), numberOfTests: tcId, header, notes, testGroups }
  // Reading it with the schema puts the keys into the schema's order.
  return vectorText(SCHEMAS[kind].parse(file))
}

/** A test in few words. */
export function draft(
  result: Vector['result'],
  req: string,
  flags: string | readonly string[],
  comment: string,
  rest: Readonly<Record<string, unknown>>,
): Draft {
  return { result, req, flags: typeof flags === 'string' ? [flags] : flags, comment, ...rest }
}

export const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
export const fromHex = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'))
