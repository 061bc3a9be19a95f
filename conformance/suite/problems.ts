// What is wrong with a file of a user: everything at once, with what was found and what is wanted.
import type { z } from 'zod'
import { readText } from './files.ts'
import { UsageError } from './usage-error.ts'
import { counted } from './words.ts'

export { UsageError }

/** Marks an issue whose value may be a secret: it is not shown. */
export const SECRET = { secret: true }

const VALUE_LENGTH_MAX = 64

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
  {
    name,
    schema,
    madeBy,
  }: {
    readonly name: string
    readonly schema: Schema
    /** What writes such files, where no person does: of another file the first mistake says all. */
    readonly madeBy?: string
  },
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
  if (madeBy !== undefined) throw new UsageError(`${name} is not from ${madeBy}: ${problems[0]}`)
  throw new UsageError(
    [
      `${name} has ${counted(problems.length, 'mistake')}`,
      ...problems.map((problem) => `  ${problem}`),
    ].join('\n'),
  )
}

function describe(issue: z.core.$ZodIssue, root: unknown): readonly string[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map(
      (key) => `${pathText([...issue.path, key])} is unknown here, wanted ${issue.message}`,
    )
  }
  const found = valueAt(root, issue.path)
  // Where a schema says nothing itself, its library does.
  const wanted = issue.message.replace(/^Invalid \w+: expected /, '').replace(/, received .*$/, '')
  const secret = issue.code === 'custom' && issue.params?.['secret'] === true
  const what =
    found === undefined
      ? 'is missing'
      : secret
        ? 'cannot be used (it may be a secret, so it is not shown)'
        : `is ${valueText(found)}`
  const path = pathText(issue.path)
  return [`${path === '' ? 'the file' : path} ${what}, wanted ${wanted}`]
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
  if (Array.isArray(value)) {
    return value.length === 0 ? 'an empty list' : `a list of ${value.length}`
  }
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
