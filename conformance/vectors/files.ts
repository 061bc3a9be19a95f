// Where the files are, and what is in them.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { KINDS, SCHEMAS, type Kind, type VectorGroups } from './schema.ts'

/** What every test of every kind has. */
export interface Vector {
  readonly tcId: number
  readonly req: string
  readonly comment: string
  readonly flags: readonly string[]
  readonly result: 'valid' | 'invalid' | 'acceptable'
}

export interface VectorGroup {
  readonly type: string
  readonly source: { readonly name: string; readonly version: string }
  readonly tests: readonly Vector[]
}

export interface Note {
  readonly bugType: string
  readonly description: string
}

export interface VectorFile {
  readonly schema: string
  readonly numberOfTests: number
  readonly header: readonly string[]
  readonly notes: Readonly<Record<string, Note>>
  readonly testGroups: readonly VectorGroup[]
}

/** A file as text, by the name that it is given in messages. */
export interface NamedText {
  readonly name: string
  readonly text: string
}

/** The text of a kind's file. */
export function readVectors(kind: Kind): string {
  return readFileSync(join(import.meta.dirname, `${kind}.json`), 'utf8')
}

/** What is in a kind's file, typed: for tests. */
export function vectorGroups<K extends Kind>(kind: K): VectorGroups<K> {
  return SCHEMAS[kind].parse(JSON.parse(readVectors(kind))).testGroups as VectorGroups<K>
}

export function readAllVectors(): readonly NamedText[] {
  return KINDS.map((kind) => ({ name: `${kind}.json`, text: readVectors(kind) }))
}

/** The one way in which these files are written, so that a change of them is a change of what they say. */
export function vectorText(value: unknown): string {
  return `${JSON.stringify(value, undefined, 1)}\n`
}
