// What can be wrong with a configuration, where, and how that is told.

/** One thing that is wrong, or worth a warning. */
export interface ConfigProblem {
  /** Where in the configuration: `issue.acme.contacts[0]`; empty for the whole file. */
  readonly path: string
  /** Where in the file, from 1; absent when the file could not be read. */
  readonly line?: number
  readonly column?: number
  /** What was found, and what was wanted. */
  readonly message: string
}

/** A problem before its place in the file is known. */
export interface Problem {
  readonly path: readonly PropertyKey[]
  readonly message: string
  /** Whether the key is wrong, and not what stands behind it. */
  readonly ofKey?: boolean
}

/** A configuration that cannot be used, with everything that is wrong with it. */
export class ConfigError extends Error {
  readonly file: string
  readonly problems: readonly ConfigProblem[]

  constructor(file: string, problems: readonly ConfigProblem[]) {
    super(
      [
        `${file} has ${problems.length} ${problems.length === 1 ? 'error' : 'errors'}`,
        ...problems.map((problem) => `  ${formatProblem(file, problem)}`),
      ].join('\n'),
    )
    this.name = new.target.name
    this.file = file
    this.problems = problems
  }
}

/** `nodetrust.yaml:12:5 issue.acme.directoryUrl: …`, which editors and terminals make a link of. */
export function formatProblem(
  file: string,
  { path, line, column, message }: ConfigProblem,
): string {
  const place = line === undefined ? file : `${file}:${line}:${column ?? 1}`
  return path === '' ? `${place} ${message}` : `${place} ${path}: ${message}`
}

/** A path as people write it: `dns.nameServers[0].addresses[1]`. */
export function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '')
}

/** A value of the file in a message: on one line, and cut, since it may be anything. */
export function formatValue(value: unknown): string {
  const text = typeof value === 'bigint' ? String(value) : (JSON.stringify(value) ?? String(value))
  return text.length <= VALUE_LENGTH_MAX ? text : `${text.slice(0, VALUE_LENGTH_MAX)}…`
}

/** The known key that an unknown one was probably meant to be. */
export function nearestKey(unknown: string, known: readonly string[]): string | undefined {
  const [nearest] = known
    .map((key) => ({ key, distance: editDistance(unknown.toLowerCase(), key.toLowerCase()) }))
    .toSorted((a, b) => a.distance - b.distance)
  const close = Math.max(1, Math.floor(unknown.length / DISTANCE_SHARE))
  return nearest !== undefined && nearest.distance <= close ? nearest.key : undefined
}

const VALUE_LENGTH_MAX = 64
/** One letter in three may differ. */
const DISTANCE_SHARE = 3
/** A key that long is no misspelling of ours, and must not cost a quadratic time. */
const KEY_LENGTH_MAX = 64

/** Levenshtein's: how many letters to insert, remove or change. */
function editDistance(a: string, b: string): number {
  if (a.length > KEY_LENGTH_MAX) return Infinity
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1]
    for (let j = 0; j < b.length; j++) {
      const change = (row[j] ?? 0) + (a[i] === b[j] ? 0 : 1)
      next.push(Math.min(change, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
