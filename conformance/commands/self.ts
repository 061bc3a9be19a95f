import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { caOptionsFromEnvironment } from '../../scenarios/engine/ca/index.ts'
import { openSelfCa, startSelf } from '../self/index.ts'
import type { CommandIo } from './io.ts'
import { planRun, runPlan } from './run.ts'
import type { RunWords } from './run-options.ts'

export interface SelfCommandWords extends RunWords {
  readonly keepTarget?: string
}

/** `self`: starts the servers that this project ships, and runs everything against them. Returns the exit code. */
export async function self(
  selectors: readonly string[],
  words: SelfCommandWords,
  io: CommandIo,
): Promise<number> {
  // These servers are ours: nobody is disturbed.
  const plan = await planRun(selectors, { ...words, intrusive: true }, { perSecond: Infinity })
  const workDirectory = await mkdtemp(join(tmpdir(), 'nodetrust-conformance-'))
  const { signal } = io
  try {
    await using ca = await openSelfCa({
      ...caOptionsFromEnvironment(io.environment),
      workDirectory,
      signal,
      report: (line) => io.note(`${line}\n`),
    })
    const servers = await startSelf({ ca, workDirectory, signal })
    void servers.crashed.then((how) => io.note(`the servers ended by themselves: ${how}\n`))
    try {
      return await runPlan(plan, servers.target, io)
    } finally {
      await servers.stop()
    }
  } finally {
    await rm(workDirectory, { recursive: true, force: true })
  }
}
