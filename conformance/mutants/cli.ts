#!/usr/bin/env node
// npm run mutants: our servers and our client, wrong in exactly one way each, and what the checks make of them.
import { Command, InvalidArgumentError } from 'commander'
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { caOptionsFromEnvironment } from '../../scenarios/engine/ca/index.ts'
import { MUTANTS } from './index.ts'
import { chooseMutants, uncovered, untripped } from './choose.ts'
import { MutantProgress } from './progress.ts'
import { reportText, rowText, toReport } from './report.ts'
import { runMutants } from './workshop.ts'

const EXIT = { allKilled: 0, notAllKilled: 1, usage: 2, interrupted: 130 } as const
const JOBS_MAX = 16

const interrupt = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (interrupt.signal.aborted) process.exit(EXIT.interrupted)
    interrupt.abort(new Error(`ended by ${signal}`))
  })
}
const note = (line: string): void => void process.stderr.write(`${line}\n`)

const command = new Command('mutants')
  .description(
    'Starts servers and clients that are wrong in exactly one way, one after the other, and runs the checks of their ' +
      'role. A mutant is killed when the requirement that it breaks fails, all its stated neighbours do, and nothing else.',
  )
  .option(
    '--only <id>',
    'a mutant (dns/no-soa), a role (dns) or what is broken (NT-DNS-064); repeatable',
    collect,
  )
  .option('--jobs <number>', 'mutants at once', parseJobs, availableParallelism())
  .option('--thorough', 'give clients all checks, which takes a minute for each mutant')
  .option('--list', 'show the mutants, and what they break')
  .option('--json', 'print the outcomes as JSON')
  .addHelpText(
    'after',
    '\nExit code: 0 all are killed and every MUST has a mutant or a reason, 1 not so, 2 usage, or no CA can be had here.',
  )
  .parse()
const options = command.opts<{
  only?: readonly string[]
  jobs: number
  thorough?: true
  list?: true
  json?: true
}>()

try {
  process.exitCode = await main()
} catch (error) {
  const usage = error instanceof Error && ['UsageError', 'CaUnavailableError'].includes(error.name)
  if (!interrupt.signal.aborted)
    note(usage ? error.message : String((error as Error).stack ?? error))
  process.exitCode = interrupt.signal.aborted ? EXIT.interrupted : EXIT.usage
}
// libp2p keeps a stopped process alive for a second; standard output may still be on its way to a pipe.
process.stdout.write('', () => process.exit())

async function main(): Promise<number> {
  const mutants = chooseMutants(MUTANTS, options.only ?? [])
  if (options.list === true) {
    for (const { id, breaks, why } of mutants) process.stdout.write(`${id}  ${breaks}  ${why}\n`)
    return EXIT.allKilled
  }
  const workDirectory = await mkdtemp(join(tmpdir(), 'nodetrust-mutants-'))
  const terminal = process.stderr.isTTY && options.json !== true ? process.stderr : undefined
  const progress = terminal && new MutantProgress(terminal, mutants.length)
  const startedMs = performance.now()
  try {
    const outcomes = await runMutants(mutants, {
      ...caOptionsFromEnvironment(process.env),
      clientEnvironment: process.env,
      jobs: options.jobs,
      thorough: options.thorough === true,
      workDirectory,
      signal: interrupt.signal,
      onStart: (mutant) => progress?.started(mutant),
      onOutcome: (outcome) => {
        progress?.ended(outcome)
        if (options.json !== true) process.stdout.write(`${rowText(outcome)}\n`)
      },
    })
    progress?.clear()
    const report = toReport({
      outcomes,
      // Of a part nothing can be said about the whole.
      uncovered: options.only === undefined ? uncovered(MUTANTS) : [],
      untripped: options.only === undefined ? untripped(outcomes) : [],
      durationMs: Math.round(performance.now() - startedMs),
    })
    process.stdout.write(
      options.json === true ? `${JSON.stringify(report, undefined, 2)}\n` : reportText(report),
    )
    return report.good ? EXIT.allKilled : EXIT.notAllKilled
  } finally {
    await rm(workDirectory, { recursive: true, force: true })
  }
}

function collect(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value]
}

function parseJobs(text: string): number {
  const jobs = Number(text)
  if (Number.isInteger(jobs) && jobs >= 1 && jobs <= JOBS_MAX) return jobs
  throw new InvalidArgumentError(`Wanted a whole number from 1 to ${JOBS_MAX}.`)
}
