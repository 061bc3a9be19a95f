import { Command, InvalidArgumentError, Option } from 'commander'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { CommandIo } from '../../commands/io.ts'
import { writeOutput } from '../../engine/output-file.ts'
import { endText, type CampaignEnd } from '../campaign/tally.ts'
import { codeVersion, codeVersionIfKnown } from '../code-version.ts'
import { countText } from '../count-text.ts'
import { readDatabase, withNight, writeDatabase } from '../nightly/database.ts'
import { openFolder } from '../nightly/folder.ts'
import { nightHtml } from '../nightly/html.ts'
import type { NightReport } from '../nightly/night-report.ts'
import { runNight } from '../nightly/night.ts'
import { runSlow, SLOW_LANE } from '../nightly/slow-lane.ts'
import { WORLDS, type Reduction } from '../plan.ts'
import { SOMETIMES } from '../sometimes.ts'
import { countArgument, durationArgument } from './arguments.ts'
import { openCrew, queueArgument } from './crew.ts'
import { drawFailures } from './draw-failures.ts'
import { shrinkResult } from './shrink.ts'
import { liveLine } from './swarm.ts'
import { failureLine, failureText } from './text.ts'

interface Options {
  readonly budget: number
  readonly date: string
  readonly jobs: number
  readonly queue?: string
  readonly folder: string
}

const BUDGET = '20m'
const JOBS_DEFAULT = 2
/** It is looked for by itself, and no lane. */
const CANARY = 'canary'

/** `npm run nightly`: a campaign that nobody watches. */
export function nightlyCommand(io: CommandIo): Command {
  const today = new Date().toISOString().slice(0, 10)
  return new Command('nightly')
    .description(
      'Runs all lanes in a budget of time, remembers what failed, and writes a page about it.',
    )
    .addOption(
      new Option('--budget <time>', 'real time to spend, such as 20m or 8h')
        .argParser(durationArgument)
        .default(durationArgument(BUDGET), BUDGET),
    )
    .option('--date <day>', 'the night to repeat; seeds follow from it', dateArgument, today)
    .option('--jobs <number>', 'processes at once', countArgument, JOBS_DEFAULT)
    .addOption(
      new Option('--queue <url>', 'let workers elsewhere run the seeds: redis://HOST:PORT')
        .argParser(queueArgument)
        .conflicts('jobs'),
    )
    .option('--folder <folder>', 'for its page and its database', 'nightly')
    .addHelpText(
      'after',
      `
Lanes: scenarios in real time with Pebble and real sockets; a canary, whose planted bug must be found; worlds in virtual
time, of which one in a hundred that pass is run again and must leave the same trace. Each lane runs one seed however small
the budget, and one of 400 days takes minutes: less than 10m is of little use. The folder gets index.html, the last
night.json, a page for a run of each failure in runs/, and seeds.json, which remembers the fastest failing seeds of each commit.`,
    )
    .action(async (options: Options) => {
      io.end(await nightly(options, io))
    })
}

async function nightly(options: Options, io: CommandIo): Promise<number> {
  const { date, budget, folder, jobs } = options
  const databaseFile = join(folder, 'seeds.json')
  await using _lock = await openFolder(folder)
  // One that cannot be read is told of at once.
  await readDatabase(databaseFile)
  // Workers take only seeds of their own version.
  const commit =
    options.queue === undefined
      ? await codeVersionIfKnown((line) => io.error(`nightly: ${line}\n`))
      : await codeVersion()
  const live = liveLine(io)
  const reductions = new Map<string, Reduction>()
  let lane: string | undefined
  const night = await (async (): Promise<NightReport> => {
    await using crew = await openCrew(options, io)
    return await runNight({
      date,
      commit,
      budgetMs: budget,
      crew,
      worlds: WORLDS.filter((world) => world !== CANARY),
      sometimes: SOMETIMES.map(({ name }) => name),
      slow: SLOW_LANE.map(
        ([scenario, transport]) =>
          () =>
            runSlow(scenario, transport, io),
      ),
      async shrink(result, signal) {
        const smaller = await shrinkResult(result, {}, { ...io, signal, out: io.error })
        const { hosts, faults, runs, replay, reduction } = smaller
        reductions.set(result.seed, reduction)
        return { ...result, shrunk: { hosts, faults, runs, replay } }
      },
      machine: `Node ${process.versions.node}, ${
        options.queue === undefined
          ? `${jobs} processes on ${availableParallelism()} cores`
          : 'a queue'
      }`,
      again: `npm run nightly -- --date ${date}, at commit ${commit}`,
      onProgress(name, tally) {
        if (name !== lane) live.note(`nightly: lane "${name}"`)
        lane = name
        if (tally !== undefined) live.show(tally)
      },
      onFailure: (result) => live.note(failureLine(result)),
      signal: io.signal,
    })
  })().finally(() => live.stop())
  // What was found is told even where it cannot be kept any more.
  io.out(`${nightText(night)}\n`)
  io.end(night.exitCode)
  const remembered = withNight(await readDatabase(databaseFile), night)
  await writeDatabase(databaseFile, remembered)
  await writeOutput(join(folder, 'night.json'), `${JSON.stringify(night, null, 1)}\n`)
  const pages = await drawFailures(night, { folder, reductions, io })
  await writeOutput(join(folder, 'index.html'), nightHtml(night, remembered, pages))
  io.out(`page: ${join(folder, 'index.html')}\n`)
  return night.exitCode
}

function nightText({ lanes, problems, canary, slow, slowLeftOut }: NightReport): string {
  const failures = lanes.flatMap((lane) => lane.failures.map(({ fastest }) => fastest[0]))
  return [
    ...failures.flatMap((result) => (result === undefined ? [] : [failureText(result)])),
    ...lanes.map(
      ({ world, seeds, classes, end }) =>
        `${world}: ${countText(seeds, 'seed')}, ${classes.pass ?? 0} pass${ended(end)}`,
    ),
    canary.found === undefined
      ? `canary: NOT FOUND in ${countText(canary.seeds, 'seed')}${ended(canary.end)}`
      : `canary: found by seed ${canary.found.seed}, number ${canary.seeds}`,
    ...slow.map(
      ({ scenario, transport, holds }) =>
        `${scenario} on ${transport}: ${holds ? 'holds' : 'DOES NOT HOLD'}`,
    ),
    ...(slowLeftOut === 0
      ? []
      : [`${countText(slowLeftOut, 'scenario')} in real time left out: no time was left for more`]),
    ...(problems.length === 0 ? ['all is well'] : problems.map((problem) => `✗ ${problem}`)),
  ].join('\n')
}

function ended(end: CampaignEnd | undefined): string {
  return end === undefined ? '' : `, ${endText(end)}`
}

/** @throws {InvalidArgumentError} */
function dateArgument(text: string): string {
  if (!/^\d{4}-\d\d-\d\d$/.test(text) || Number.isNaN(Date.parse(text))) {
    throw new InvalidArgumentError('wanted a day such as 2026-11-21.')
  }
  return text
}
