import { Command, InvalidArgumentError } from 'commander'
import { access, constants, stat } from 'node:fs/promises'
import type { CommandIo } from '../../commands/io.ts'
import { describe, firstDifference, type Difference } from '../determinism.ts'
import { findCut } from '../trace-file.ts'
import { EXIT } from '../verdict.ts'

/** `scenario diff TRACE TRACE`: where two traces part. */
export function diffCommand(io: CommandIo): Command {
  return new Command('diff')
    .description('Shows the first line in which two traces differ (replay --trace writes them).')
    .argument('<trace>', 'a file')
    .argument('<other>', 'a file')
    .action(async (one: string, other: string) => {
      for (const file of [one, other]) await checkReadable(file)
      const difference = await firstDifference(one, other)
      if (difference !== undefined) await checkWhole([one, other], difference)
      io.out(`${difference === undefined ? 'the traces are the same' : describe(difference)}\n`)
      io.end(difference === undefined ? EXIT.pass : EXIT['non-determinism'])
    })
}

/** @throws {InvalidArgumentError} */
async function checkReadable(path: string): Promise<void> {
  const stats = await stat(path).catch(() => undefined)
  if (stats === undefined) throw new InvalidArgumentError(`there is no file "${path}"`)
  if (stats.isDirectory()) throw new InvalidArgumentError(`"${path}" is a folder`)
  try {
    await access(path, constants.R_OK)
  } catch {
    throw new InvalidArgumentError(`"${path}" cannot be read`)
  }
}

/**
 * Where a trace is cut it differs from any other, which shows nothing, unless what is left is of another line.
 *
 * @throws {InvalidArgumentError}
 */
async function checkWhole(
  [file, otherFile]: readonly [string, string],
  { line, one, other }: Difference,
): Promise<void> {
  for (const [path, against] of [
    [file, other],
    [otherFile, one],
  ] as const) {
    const cut = await findCut(path)
    if (cut?.line !== line) continue
    if (against !== undefined && !against.startsWith(cut.text)) continue
    throw new InvalidArgumentError(`${cut.problem}; all before is the same`)
  }
}
