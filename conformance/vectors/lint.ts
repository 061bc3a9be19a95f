import { findRequirement } from '../requirements/requirements.ts'
import { readAllVectors, vectorText, type NamedText, type VectorFile } from './files.ts'
import { KINDS, SCHEMAS, schemaName } from './schema.ts'

const PROBLEMS_SHOWN_MAX = 20

/**
 * What is wrong with vector files, a line each: form, schema, ids, counts, flags, requirements. For `vectors check`.
 * @param files by default those that are shipped
 */
export function checkVectors(files: readonly NamedText[] = readAllVectors()): readonly string[] {
  return files.flatMap(({ name, text }) =>
    checkFile(text)
      .slice(0, PROBLEMS_SHOWN_MAX)
      .map((problem) => `${name}: ${problem}`),
  )
}

function checkFile(text: string): readonly string[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return [`is not JSON: ${(error as Error).message}`]
  }
  const named = (value as { schema?: unknown } | null)?.schema
  const kind = KINDS.find((known) => schemaName(known) === named)
  if (kind === undefined) {
    return [
      `has the schema ${JSON.stringify(named)}, wanted one of ${KINDS.map(schemaName).join(', ')}`,
    ]
  }
  const parsed = SCHEMAS[kind].safeParse(value)
  if (!parsed.success) {
    return parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
  }
  const file = parsed.data as unknown as VectorFile
  return [...checkNumbers(file), ...checkFlags(file), ...checkForm(file, text)]
}

function checkNumbers(file: VectorFile): readonly string[] {
  const tests = file.testGroups.flatMap((group) => group.tests)
  const problems: string[] = []
  if (file.numberOfTests !== tests.length) {
    problems.push(`numberOfTests is ${file.numberOfTests}, there are ${tests.length}`)
  }
  const seen = new Set<number>()
  for (const { tcId, req } of tests) {
    if (seen.has(tcId)) problems.push(`tcId ${tcId} is there twice`)
    seen.add(tcId)
    if (findRequirement(req) === undefined) problems.push(`tcId ${tcId}: ${req} is no requirement`)
  }
  return problems
}

function checkFlags(file: VectorFile): readonly string[] {
  const used = new Set<string>()
  const problems: string[] = []
  for (const { tcId, flags } of file.testGroups.flatMap((group) => group.tests)) {
    for (const flag of flags) {
      used.add(flag)
      if (file.notes[flag] === undefined) problems.push(`tcId ${tcId}: flag ${flag} has no note`)
    }
  }
  for (const flag of Object.keys(file.notes)) {
    if (!used.has(flag)) problems.push(`note ${flag} is of no test`)
  }
  return problems
}

function checkForm(file: VectorFile, text: string): readonly string[] {
  return vectorText(file) === text
    ? []
    : [
        'is not in its one form: JSON indented by one blank, keys in the order of the schema, a line feed at the end',
      ]
}
