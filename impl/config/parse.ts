import {
  isCollection,
  isMap,
  isScalar,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Node as YamlNode,
} from 'yaml'
import type { z } from 'zod'
import { crossCheck } from './cross-check.ts'
import {
  formatPath,
  formatValue,
  nearestKey,
  type ConfigProblem,
  type Problem,
} from './problems.ts'
import { configSchemas, type Config } from './schema.ts'
import type { ConfigFiles } from './values.ts'
import { parseKey } from '../keys.ts'

/** A configuration with nothing wrong, or everything that is wrong with it. */
export type ConfigVerdict =
  | { readonly config: Config; readonly problems?: undefined }
  | { readonly problems: readonly ConfigProblem[]; readonly config?: undefined }

/** yaml's code for a file that takes more of the stack than there is; what it says after that makes no sense. */
const TOO_DEEP = 'RESOURCE_EXHAUSTION'

/** Where yaml's own words are for programmers. */
const SYNTAX_MESSAGES: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'the same key stands here twice',
  MULTIPLE_DOCS: 'a second document begins here, wanted one in a file',
  [TOO_DEEP]: 'is nested too deeply to be read',
}

/** Aliases of YAML can make a small file a huge value. */
const ALIAS_COUNT_MAX = 100

/** Checks a configuration's text, and all that it names in `files`. */
export async function parseConfig(source: string, files: ConfigFiles): Promise<ConfigVerdict> {
  const lines = new LineCounter()
  const document = parseDocument(source, { lineCounter: lines })
  const tooDeep = document.errors.filter(({ code }) => code === TOO_DEEP).slice(0, 1)
  const syntax = (tooDeep.length > 0 ? tooDeep : document.errors).map((error) => ({
    path: '',
    ...position(error.pos[0], lines),
    message: SYNTAX_MESSAGES[error.code] ?? error.message.split(/ at line \d+|:\n/)[0] ?? '',
  }))
  if (syntax.length > 0) return { problems: syntax }
  let written: unknown
  try {
    written = document.toJS({ maxAliasCount: ALIAS_COUNT_MAX })
  } catch {
    return { problems: [{ path: '', line: 1, column: 1, message: 'has too many YAML aliases' }] }
  }
  if (!isRecord(written)) {
    // Not the text itself: who gives a key file by mistake must not find the key in a log.
    const what = typeof written === 'string' ? 'is a text' : describe(written)
    const message = `${what}, wanted keys such as zone, proof, dns and issue`
    return { problems: [{ path: '', line: 1, column: 1, message }] }
  }

  const schemas: Readonly<Record<string, z.ZodType>> = configSchemas(files)
  const problems: Problem[] = []
  const checked: Record<string, unknown> = {}
  for (const [key, found] of Object.entries(written)) {
    const schema = Object.hasOwn(schemas, key) ? schemas[key] : undefined
    if (schema === undefined) {
      problems.push(unknownKey([key], Object.keys(schemas)))
      continue
    }
    const result = await schema.safeParseAsync(found)
    if (result.success) checked[key] = result.data
    else problems.push(...result.error.issues.flatMap((issue) => toProblems(issue, key, written)))
  }
  problems.push(...crossCheck(checked, written))
  if (problems.length === 0) return { config: checked }
  const placed = problems.map(({ path, message, ofKey = false }) => ({
    path: formatPath(path),
    ...position(findOffset(document, path, ofKey), lines),
    message,
  }))
  return { problems: placed.toSorted((a, b) => a.line - b.line || a.column - b.column) }
}

function toProblems(issue: z.core.$ZodIssue, section: string, written: unknown): Problem[] {
  const path = [section, ...issue.path]
  if (issue.code === 'unrecognized_keys') {
    const known = issue.message.split(' ')
    return issue.keys.map((key) => unknownKey([...path, key], known))
  }
  if (issue.code === 'custom' && issue.params?.['wholeMessage'] === true) {
    return [{ path, message: issue.message }]
  }
  return [{ path, message: `${describe(valueAt(written, path))}, wanted ${issue.message}` }]
}

function describe(found: unknown): string {
  if (found === undefined) return 'is missing'
  if (found === null) return 'is empty'
  if (Array.isArray(found)) return found.length === 0 ? 'is an empty list' : 'is a list'
  if (typeof found === 'object') return 'is a section'
  if (typeof found === 'string' && parseKey(found) !== undefined) return 'is a private key'
  return `is ${formatValue(found)}`
}

function unknownKey(path: readonly PropertyKey[], known: readonly string[]): Problem {
  const key = String(path.at(-1))
  const nearest = nearestKey(key, known)
  const advice =
    nearest === undefined
      ? `known are ${known.join(', ')}`
      : `did you mean ${formatValue(nearest)}?`
  return { path, message: `unknown key ${formatValue(key)}, ${advice}`, ofKey: true }
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let found = root
  for (const part of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, part)) return undefined
    found = (found as Record<PropertyKey, unknown>)[part]
  }
  return found
}

/** Where a value stands; where it is missing, the nearest thing around it. */
function findOffset(document: Document, path: readonly PropertyKey[], ofKey: boolean): number {
  const parent = document.getIn(path.slice(0, -1), true)
  if (isMap(parent)) {
    const key = path.at(-1)
    const pair = parent.items.find((item) => isScalar(item.key) && item.key.value === key)
    const keyOffset = (pair?.key as YamlNode | undefined)?.range?.[0]
    if (ofKey && keyOffset !== undefined) return keyOffset
    const node = pair?.value as YamlNode | null | undefined
    if (pair !== undefined && (node?.range == null || isEmpty(node))) return keyOffset ?? 0
  }
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true) as YamlNode | undefined
    if (node?.range == null) continue
    // The key of a section says more than the first line in it.
    return (isCollection(node) ? keyOffsetOf(document, node) : undefined) ?? node.range[0]
  }
  return 0
}

function isEmpty(node: YamlNode): boolean {
  return isScalar(node) && node.value === null
}

function keyOffsetOf(document: Document, node: YamlNode): number | undefined {
  let offset: number | undefined
  visit(document, {
    Pair(_, pair) {
      if (pair.value !== node) return undefined
      offset = (pair.key as YamlNode).range?.[0]
      return visit.BREAK
    },
  })
  return offset
}

function position(offset: number, lines: LineCounter): { line: number; column: number } {
  const { line, col } = lines.linePos(offset)
  return { line, column: col }
}

function isRecord(found: unknown): found is Readonly<Record<string, unknown>> {
  return typeof found === 'object' && found !== null && !Array.isArray(found)
}
