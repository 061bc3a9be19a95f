import { Command, Option } from 'commander'
import { randomBytes } from 'node:crypto'
import { createLogUpdate } from 'log-update'
import type { CommandIo } from '../../commands/io.ts'
import { runCampaign } from '../campaign/campaign.ts'
import { endText, signatureOf, type Tally } from '../campaign/tally.ts'
import { countText } from '../count-text.ts'
import { WORLDS } from '../plan.ts'
import { canShrink, type SeedResult } from '../result.ts'
import { seedsFrom } from '../seed-text.ts'
import { SOMETIMES } from '../sometimes.ts'
import { EXIT, exitCode } from '../verdict.ts'
import { countArgument, durationArgument, seedArgument } from './arguments.ts'
import { checkingCrew } from './check.ts'
import { openCrew, queueArgument } from './crew.ts'
import { shrinkResult } from './shrink.ts'
import { failureText } from './text.ts'

interface Options {
  readonly count?: number
  readonly budget?: number
  readonly jobs: number
  readonly queue?: string
  readonly from?: string
  readonly world: string
  readonly shrink: boolean
  readonly json?: boolean
  readonly checkDeterminism?: boolean
}

const COUNT_DEFAULT = 100
const JOBS_DEFAULT = 2
/** Causes that are shrunk: past that, something more than a bug is wrong. */
const SHRUNK_MAX = 3
const PAINT_INTERVAL_MS = 100
/** Where nothing can be painted, a line each so many seeds. */
const SEEDS_PER_LINE = 25
/** Fewer seeds than these need not have met everything. */
const SOMETIMES_SEEDS_MIN = 200

/** `scenario swarm`: runs seeds until one of them is enough. */
export function swarmCommand(io: CommandIo): Command {
  return new Command('swarm')
    .description('Runs worlds that are drawn from seeds, each another one, and shrinks what fails.')
    .option(
      '--count <number>',
      `how many seeds (${COUNT_DEFAULT} where there is no budget)`,
      countArgument,
    )
    .option('--budget <time>', 'real time to spend, such as 60m', durationArgument)
    .option('--jobs <number>', 'processes at once', countArgument, JOBS_DEFAULT)
    .addOption(
      new Option('--queue <url>', 'let workers elsewhere run them: redis://HOST:PORT')
        .argParser(queueArgument)
        .conflicts(['jobs', 'checkDeterminism']),
    )
    .option(
      '--from <seed>',
      'the first seed; the others follow it (drawn where nobody says)',
      seedArgument,
    )
    .addOption(new Option('--world <name>', 'what is drawn').choices(WORLDS).default('swarm'))
    .option('--check-determinism', 'run each seed twice in fresh processes, and compare')
    .option('--no-shrink', 'leave failing worlds as they are')
    .option('--json', 'print what came of it as JSON')
    .action(async (options: Options) => {
      io.end(await swarm(options, io))
    })
}

async function swarm(options: Options, io: CommandIo): Promise<number> {
  const from = options.from ?? String(randomBytes(8).readBigUInt64BE())
  const { world, budget } = options
  const count = options.count ?? (budget === undefined ? COUNT_DEFAULT : Number.POSITIVE_INFINITY)
  const ending = new AbortController()
  const timer = budget === undefined ? undefined : setTimeout(() => ending.abort(), budget)
  const live = liveLine(io)
  const failed: SeedResult[] = []
  const isTwice = options.checkDeterminism === true
  io.error(`swarm: seeds of "${world}" from ${from} on${isTwice ? ', each twice' : ''}\n`)
  let tally: Tally
  try {
    await using crew = isTwice
      ? checkingCrew(options.jobs, (line) => live.note(line))
      : await openCrew(options, io)
    tally = await runCampaign({
      world,
      crew,
      seeds: seedsFrom(from, count),
      until: ending.signal,
      signal: io.signal,
      onResult(result, so) {
        if (result.class !== 'pass') {
          failed.push(result)
          live.note(failureText(result))
        }
        live.show(so)
      },
    })
  } finally {
    clearTimeout(timer)
    live.stop()
  }
  if (tally.end === 'engine') io.error(`swarm: ${endText(tally.end)}\n`)
  // Who interrupts it wants to see what there is.
  if (options.shrink && !io.signal.aborted) {
    await shrinkAll(failed, tally, io).catch((error: unknown) => {
      if (!io.signal.aborted) throw error
    })
  }
  const report = tally.report()
  const never = SOMETIMES.map(({ name }) => name).filter((name) => report.met[name] === undefined)
  if (options.json === true) io.out(`${JSON.stringify({ from, ...report, never }, null, 2)}\n`)
  else {
    io.out(`${progress(tally)}\n`)
    if (never.length > 0 && report.seeds >= SOMETIMES_SEEDS_MIN) {
      io.out(`never met:\n${never.map((name) => `  ${name}\n`).join('')}`)
    }
  }
  io.signal.throwIfAborted()
  if (report.seeds > 0) return exitCode(failed)
  io.error('swarm: nothing is known: no worker ran a seed in that time\n')
  return EXIT.unknown
}

/** Makes one world of each cause as small as it goes. */
async function shrinkAll(
  failed: readonly SeedResult[],
  tally: Tally,
  io: CommandIo,
): Promise<void> {
  const causes = new Map(failed.toReversed().map((result) => [signatureOf(result), result]))
  for (const result of [...causes.values()].slice(0, SHRUNK_MAX)) {
    if (!canShrink(result)) continue
    const shrunk = await shrinkResult(result, {}, io)
    const { hosts, faults, runs, replay } = shrunk
    tally.replace({ ...result, shrunk: { hosts, faults, runs, replay } })
  }
}

/** What has come of a campaign; once it is over, its own time counts and none of what follows it. */
function progress(tally: Tally): string {
  const { seeds, virtualMs, realMs, classes } = tally.report()
  const rate = (seeds / Math.max(realMs / 1000, 0.001)).toFixed(2)
  const failures = seeds - (classes.pass ?? 0)
  return `${countText(seeds, 'seed')}, ${rate} a second, ${(virtualMs / 3_600_000).toFixed(1)} h of virtual time, ${countText(failures, 'failure')}`
}

/** One line on a terminal; elsewhere, one now and then. */
export function liveLine(io: CommandIo): {
  show(tally: Tally): void
  note(text: string): void
  stop(): void
} {
  const { terminal } = io
  if (terminal === undefined) {
    let shown = 0
    return {
      note: (text) => io.error(`${text}\n`),
      stop() {},
      show(tally) {
        shown += 1
        if (shown % SEEDS_PER_LINE === 0) io.error(`${progress(tally)}\n`)
      },
    }
  }
  const paint = createLogUpdate(terminal)
  let paintedMs = -PAINT_INTERVAL_MS
  return {
    stop: () => paint.clear(),
    note(text) {
      paint.clear()
      io.error(`${text}\n`)
    },
    show(tally) {
      const nowMs = performance.now()
      if (nowMs - paintedMs < PAINT_INTERVAL_MS) return
      paintedMs = nowMs
      paint(progress(tally))
    },
  }
}
