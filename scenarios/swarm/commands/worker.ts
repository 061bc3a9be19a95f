import { Command, Option } from 'commander'
import type { CommandIo } from '../../commands/io.ts'
import { codeVersion } from '../code-version.ts'
import { countText } from '../count-text.ts'
import { countArgument, durationArgument } from './arguments.ts'
import { processes, queueArgument } from './crew.ts'

interface Options {
  readonly queue: string
  readonly jobs: number
  readonly silence: number
}

const JOBS_DEFAULT = 2
const SILENCE = '10s'

/** `scenario worker`: runs seeds of a campaign that is somewhere else. */
export function workerCommand(io: CommandIo): Command {
  return new Command('worker')
    .description('Takes seeds from a queue and runs them, until it is interrupted.')
    .requiredOption('--queue <url>', 'redis://HOST:PORT of a Redis or Valkey', queueArgument)
    .option('--jobs <number>', 'processes at once', countArgument, JOBS_DEFAULT)
    .addOption(
      new Option('--silence <time>', 'after so long without a word its seeds go to others')
        .argParser(durationArgument)
        .default(durationArgument(SILENCE), SILENCE),
    )
    .addHelpText(
      'after',
      `
It takes the seeds of \`swarm --queue\` and \`nightly --queue\` of the same commit. The first interruption lets it finish what
runs, a second one ends it; others then take its seeds over, as they do when it is killed.`,
    )
    .action(async (options: Options) => {
      io.end(await runWorker(options, io))
    })
}

async function runWorker({ queue, jobs, silence }: Options, io: CommandIo): Promise<number> {
  const version = await codeVersion()
  const { work } = await import('../queue/worker.ts')
  await using crew = processes(jobs)
  let seeds = 0
  await work({
    url: queue,
    version,
    crew,
    silenceMs: silence,
    until: io.signal,
    // A second interruption ends the process.
    signal: new AbortController().signal,
    onResult({ seed, world, class: of, realMs }) {
      seeds += 1
      io.error(`worker: seed ${seed} of ${world}: ${of} after ${(realMs / 1000).toFixed(1)} s\n`)
    },
    report: (line) => io.error(`worker: ${line}\n`),
  })
  io.error(`worker: ran ${countText(seeds, 'seed')}\n`)
  return 0
}
