#!/usr/bin/env node
// npm run planted: bugs that somebody could have written, one at a time, and how many seeds of the swarm it takes to find each.
import { Command } from 'commander'
import { availableParallelism } from 'node:os'
import { countArgument, durationArgument, seedArgument } from '../swarm/commands/arguments.ts'
import { chooseBugs } from './choose.ts'
import { hunt, type Hunt } from './hunt.ts'
import { huntAll } from './hunt-all.ts'
import { PLANTED_BUGS } from './index.ts'
import { isGood, reportText, rowText, toReport } from './report.ts'

const EXIT = { allFound: 0, notAllFound: 1, usage: 64, engine: 70, interrupted: 130 } as const
const SEEDS_MAX_DEFAULT = 2_000
const SHRINK_RUNS_DEFAULT = 100

const interrupt = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (interrupt.signal.aborted) process.exit(EXIT.interrupted)
    interrupt.abort(new Error(`ended by ${signal}`))
  })
}

interface Options {
  readonly only?: readonly string[]
  readonly seedsMax: number
  readonly budget?: number
  readonly from: string
  readonly jobs: number
  readonly shrinkRuns: number
  readonly shrink: boolean
  readonly list?: true
  readonly json?: true
}

const command = new Command('planted')
  .description(
    'Plants bugs, one at a time, and runs seeds of the swarm until one of them fails that passes without the bug. ' +
      'Nothing is changed on disk: a text of one file is another when the file is loaded.',
  )
  .option(
    '--only <id>',
    'a bug (client/key-lost), an area (client) or a requirement; repeatable',
    collect,
  )
  .option('--seeds-max <number>', 'seeds for each bug', countArgument, SEEDS_MAX_DEFAULT)
  .option(
    '--budget <time>',
    'real time for all of them, such as 30m; those left are not found',
    durationArgument,
  )
  .option('--from <seed>', 'the first seed', seedArgument, '1')
  .option('--jobs <number>', 'bugs at once', countArgument, availableParallelism())
  .option(
    '--shrink-runs <number>',
    'runs that shrinking may take',
    countArgument,
    SHRINK_RUNS_DEFAULT,
  )
  .option('--no-shrink', 'leave what was found as it is')
  .option('--list', 'show the bugs, what they break, and what should see them')
  .option('--json', 'print the table as JSON')
  .addHelpText(
    'after',
    '\nExit code: 0 all are found, 1 not so, 64 usage, 70 the engine itself failed, 130 interrupted.',
  )
  .exitOverride((error) => process.exit(error.exitCode === 0 ? EXIT.allFound : EXIT.usage))
  .parse()

try {
  process.exitCode = await main(command.opts<Options>())
} catch (error) {
  const usage = error instanceof RangeError
  process.stderr.write(
    `${usage || interrupt.signal.aborted ? String((error as Error).message) : String((error as Error).stack)}\n`,
  )
  process.exitCode = interrupt.signal.aborted ? EXIT.interrupted : usage ? EXIT.usage : EXIT.engine
}
process.stdout.write('', () => process.exit())

async function main(options: Options): Promise<number> {
  const bugs = chooseBugs(PLANTED_BUGS, options.only ?? [])
  if (options.list === true) {
    for (const { id, breaks, seenBy, why } of bugs) {
      process.stdout.write(`${id}  ${breaks.join(' ')}  ${why}\n  seen by: ${seenBy.join('; ')}\n`)
    }
    return EXIT.allFound
  }
  const begun = performance.now()
  const hunts = await huntAll(bugs, {
    hunt,
    world: 'swarm',
    from: options.from,
    seedsMax: options.seedsMax,
    shrinkRunsMax: options.shrink ? options.shrinkRuns : 0,
    jobs: options.jobs,
    budgetMs: options.budget,
    bugs: PLANTED_BUGS,
    signal: interrupt.signal,
    onHunt(one: Hunt) {
      if (options.json !== true) process.stdout.write(`${rowText(one)}\n`)
    },
  })
  const report = toReport(hunts, Math.round(performance.now() - begun))
  process.stdout.write(
    options.json === true ? `${JSON.stringify(report, undefined, 2)}\n` : reportText(report),
  )
  return isGood(report) ? EXIT.allFound : EXIT.notAllFound
}

function collect(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value]
}
