// What is wrong with a file of a user: everything at once, with what was found and what is wanted.
import { readFile } from 'node:fs/promises'
import type { z } from 'zod'

/** What the user gave cannot be used; the message is for them, a line a mistake. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Marks an issue whose value may be a secret: it is not shown. */
export const SECRET = { secret: true }

const VALUE_LENGTH_MAX = 64
/** Reports hold wire logs; every other file is far smaller. */
const FILE_LENGTH_MAX = 256 * 1024 * 1024

/**
 * Reads a JSON file and checks it.
 * @throws {UsageError} with every mistake
 */
export async function readJson<Schema extends z.ZodType>(
  file: string,
  schema: Schema,
): Promise<z.output<Schema>> {
  return checkJson(await readText(file), { name: file, schema })
}

/** Likewise, for text that was read already. */
export function checkJson<Schema extends z.ZodType>(
  text: string,
  { name, schema }: { readonly name: string; readonly schema: Schema },
): z.output<Schema> {
  let found: unknown
  try {
    found = JSON.parse(text)
  } catch (error) {
    // The rest of the message shows a part of the file, and it may hold keys.
    const where = /\(line \d+ column \d+\)/.exec(error instanceof Error ? error.message : '')
    throw new UsageError(`${name} is no JSON${where === null ? '' : ` ${where[0]}`}`)
  }
  const result = schema.safeParse(found)
  if (result.success) return result.data
  const problems = result.error.issues.flatMap((issue) => describe(issue, found))
  throw new UsageError(
    [
      `${name} has ${problems.length} ${problems.length === 1 ? 'mistake' : 'mistakes'}`,
      ...problems.map((problem) => `  ${problem}`),
    ].join('\n'),
  )
}

function describe(issue: z.core.$ZodIssue, root: unknown): readonly string[] {
  if (issue.code === 'unrecognized_keys') {
    const wanted = issue.message
    return issue.keys.map(
      (key) => `${pathText([...issue.path, key])} is unknown here, wanted ${wanted}`,
    )
  }
  const found = valueAt(root, issue.path)
  const secret = issue.code === 'custom' && issue.params?.['secret'] === true
  const what =
    found === undefined
      ? 'is missing'
      : secret
        ? 'cannot be used (it may be a secret, so it is not shown)'
        : `is ${valueText(found)}`
  const path = pathText(issue.path)
  return [`${path === '' ? 'the file' : path} ${what}, wanted ${issue.message}`]
}

/** @throws {UsageError} where it cannot be read */
export async function readText(file: string): Promise<string> {
  try {
    const text = await readFile(file, 'utf8')
    if (text.length <= FILE_LENGTH_MAX) return text
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    throw new UsageError(
      code === 'ENOENT'
        ? `file "${file}" does not exist`
        : `file "${file}" cannot be read (${code})`,
    )
  }
  throw new UsageError(`file "${file}" is larger than ${FILE_LENGTH_MAX} bytes`)
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let found = root
  for (const part of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, part)) return undefined
    found = (found as Record<PropertyKey, unknown>)[part]
  }
  return found
}

function valueText(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (typeof value === 'object' && value !== null) return 'an object'
  const text = JSON.stringify(value) ?? String(value)
  return text.length <= VALUE_LENGTH_MAX ? text : `${text.slice(0, VALUE_LENGTH_MAX)}…`
}

function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '')
}
