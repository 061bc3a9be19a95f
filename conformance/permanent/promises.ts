// Ids are permanent: they stand in other people's tests and files of known failures. What was promised is written down
// in ids.json, which is only added to, and is compared with what there is.
import { hash } from 'node:crypto'
import type { VectorFile } from '../vectors/files.ts'
import type { Promised } from './since.ts'

/** What there is now. */
export type Present = Omit<Promised, 'retired'>

const HASH_LENGTH = 16
/** What may be said better, or seen anew, and leaves a test the same. */
const NO_MEANING = [
  'tcId',
  'req',
  'comment',
  'flags',
  'references',
  'responseHex',
  'source',
  'tests',
]

/** By tcId, a hash of what each test gives and wants, with what it shares with its group. */
export function vectorMeanings({ testGroups }: VectorFile): Readonly<Record<string, string>> {
  return Object.fromEntries(
    testGroups.flatMap((group) =>
      group.tests.map((test) => {
        const meaning = JSON.stringify([group, test].map(meaningful))
        return [String(test.tcId), hash('sha256', meaning).slice(0, HASH_LENGTH)] as const
      }),
    ),
  )
}

function meaningful(value: object): readonly (readonly [string, unknown])[] {
  return Object.entries(value).filter(([key]) => !NO_MEANING.includes(key))
}

/** What was promised and is no longer so, and what is not written down yet; a line each. */
export function brokenPromises(
  promised: Readonly<Record<string, Promised>>,
  present: Present,
): readonly string[] {
  const now = meanings(present)
  const kept = new Map(Object.values(promised).flatMap((each) => [...meanings(each)]))
  const retired = new Set(Object.values(promised).flatMap((each) => each.retired))
  return [
    ...[...kept].flatMap(([id, meaning]) => {
      const found = now.get(id)
      if (retired.has(id)) return found === undefined ? [] : [`${id} is retired, and there again`]
      if (found === undefined) return [`${id} is gone: it was promised to be permanent`]
      return found === meaning
        ? []
        : [`${id} was "${meaning}" and is "${found}": it needs a new id`]
    }),
    ...[...now.keys()]
      .filter((id) => !kept.has(id))
      .map((id) => `${id} is not written down in ids.json: npm run generate does so`),
  ]
}

/** With what is new, as promised by this version; what was promised before stays as it is. */
export function promiseNew(
  promised: Readonly<Record<string, Promised>>,
  present: Present,
  version: string,
): Readonly<Record<string, Promised>> {
  const known = new Set(Object.values(promised).flatMap((each) => [...meanings(each).keys()]))
  const added = <T>(entries: Readonly<Record<string, T>>, prefix = ''): Record<string, T> =>
    Object.fromEntries(Object.entries(entries).filter(([id]) => !known.has(`${prefix}${id}`)))
  const before = promised[version]
  const kinds = Object.keys({ ...before?.vectors, ...present.vectors })
  return {
    ...promised,
    [version]: {
      requirements: { ...before?.requirements, ...added(present.requirements) },
      checks: [...(before?.checks ?? []), ...present.checks.filter((id) => !known.has(id))],
      vectors: Object.fromEntries(
        kinds.flatMap((kind) => {
          const all = {
            ...before?.vectors[kind],
            ...added(present.vectors[kind] ?? {}, `${kind}/`),
          }
          return Object.keys(all).length === 0 ? [] : [[kind, all]]
        }),
      ),
      retired: before?.retired ?? [],
    },
  }
}

/** By id; those of checks mean their slugs, and those of vectors have their kind before them. */
function meanings({ requirements, checks, vectors }: Present): ReadonlyMap<string, string> {
  return new Map([
    ...Object.entries(requirements),
    ...checks.map((id) => [id, id] as const),
    ...Object.entries(vectors).flatMap(([kind, tests]) =>
      Object.entries(tests).map(([tcId, meaning]) => [`${kind}/${tcId}`, meaning] as const),
    ),
  ])
}
