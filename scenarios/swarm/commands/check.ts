import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CommandIo } from '../../commands/io.ts'
import type { Reduction } from '../plan.ts'
import { exitCode } from '../verdict.ts'
import { describe, runTwice } from '../determinism.ts'
import { failureText, resultLine } from './text.ts'

/** `--check-determinism`: runs a world twice in fresh processes, and shows where they part. Returns the exit code. */
export async function checkDeterminism(
  seed: string,
  world: string,
  io: CommandIo,
  reduction: Reduction = {},
): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'nodetrust-traces-'))
  const { result, difference } = await runTwice(seed, {
    world,
    reduction,
    folder,
    signal: io.signal,
  })
  if (difference !== undefined) {
    io.out(`${describe(difference)}\nboth traces are in ${folder}\n`)
  } else await rm(folder, { recursive: true })
  if (result.class === 'pass')
    io.out(`seed ${seed} of ${world} is the same twice: ${resultLine(result)}\n`)
  else io.out(`${failureText(result)}\n`)
  return exitCode([result])
}
