import { basename } from 'node:path'
import { countVectors, dumpVectors } from '../vectors/dump.ts'
import { checkVectors } from '../vectors/lint.ts'
import { KINDS, type Kind } from '../vectors/schema.ts'
import { readText } from '../suite/files.ts'
import { UsageError } from '../suite/problems.ts'
import { EXIT } from '../suite/verdicts.ts'
import { counted } from '../suite/words.ts'
import { jsonText, type CommandIo } from './io.ts'

/** `vectors check`: the form of vector files, by default of those that came with the suite. Returns the exit code. */
export async function vectorsCheck(files: readonly string[], io: CommandIo): Promise<number> {
  const problems =
    files.length === 0
      ? checkVectors()
      : checkVectors(
          await Promise.all(
            files.map(async (file) => ({ name: basename(file), text: await readText(file) })),
          ),
        )
  for (const problem of problems) io.note(`${problem}\n`)
  if (problems.length > 0) return EXIT.failed
  const counts = Object.entries(countVectors())
  const what =
    files.length === 0
      ? `${counted(
          counts.reduce((sum, [, count]) => sum + count, 0),
          'vector',
        )} in ${counted(counts.length, 'file')}`
      : files.join(', ')
  io.write(`${what}: as they should be\n`)
  return EXIT.pass
}

export interface VectorsDumpWords {
  readonly flag?: string
  readonly requirement?: string
}

/** `vectors dump`: tests as JSON, flat, for those who rather read a list. */
export function vectorsDump(
  words: readonly string[],
  { flag, requirement }: VectorsDumpWords,
  io: CommandIo,
): void {
  const kinds = words.map(kindOf)
  const vectors = dumpVectors(kinds.length === 0 ? KINDS : kinds).filter(
    (one) =>
      (flag === undefined || one.flags.includes(flag)) &&
      (requirement === undefined || one.req === requirement.toUpperCase()),
  )
  io.write(jsonText(vectors))
}

function kindOf(word: string): Kind {
  const kind = KINDS.find((known) => known === word)
  if (kind === undefined) {
    throw new UsageError(`there are no vectors "${word}", wanted some of ${KINDS.join(', ')}`)
  }
  return kind
}
