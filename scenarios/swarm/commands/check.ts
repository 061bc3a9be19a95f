import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CommandIo } from '../../commands/io.ts'
import type { Crew } from '../campaign/crew.ts'
import { runTwice } from '../determinism.ts'
import type { SeedResult } from '../result.ts'
import type { SeedOptions } from '../runner.ts'
import { exitCode } from '../verdict.ts'
import { failureText, resultLine } from './text.ts'

type CheckOptions = Omit<SeedOptions, 'traceFile'>
type Tell = (line: string) => void

/** `--check-determinism`: runs a world twice in fresh processes, and shows where they part. Returns the exit code. */
export async function checkDeterminism(
  seed: string,
  options: Omit<CheckOptions, 'signal'> & { readonly json: boolean },
  io: CommandIo,
): Promise<number> {
  const { json, ...rest } = options
  const result = await check(seed, { ...rest, signal: io.signal }, (line) => io.error(`${line}\n`))
  if (json) io.out(`${JSON.stringify(result, null, 2)}\n`)
  else if (result.class === 'pass') {
    io.out(`seed ${seed} of ${result.world} is the same twice: ${resultLine(result)}\n`)
  } else io.out(`${failureText(result)}\n`)
  return exitCode([result])
}

/** Processes of this machine; each seed runs twice, in fresh ones. */
export function checkingCrew(jobs: number, tell: Tell): Crew {
  const running = new Set<Promise<SeedResult>>()
  const run: Crew['run'] = (seed, options) => {
    const checked = check(seed, options, tell)
    running.add(checked)
    return checked.finally(() => running.delete(checked))
  }
  return {
    width: jobs,
    run,
    runFresh: run,
    async [Symbol.asyncDispose]() {
      // Those that are interrupted still have traces to remove.
      await Promise.allSettled(running)
    },
  }
}

/** Both traces stay where they part; where they do not, or nobody waits for the end, they are removed. */
async function check(seed: string, options: CheckOptions, tell: Tell): Promise<SeedResult> {
  const folder = await mkdtemp(join(tmpdir(), 'nodetrust-traces-'))
  let isKept = false
  try {
    const { result, difference } = await runTwice(seed, { ...options, folder })
    // A process that was interrupted as well has ended early, which is no difference.
    options.signal.throwIfAborted()
    isKept = difference !== undefined
    if (isKept) tell(`both traces of seed ${seed} are in ${folder}`)
    return result
  } finally {
    if (!isKept) await rm(folder, { recursive: true, force: true })
  }
}
