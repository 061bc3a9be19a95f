import { Command, Option } from 'commander'
import type { CommandIo } from '../../commands/io.ts'
import type { TraceEntry } from '../../engine/trace.ts'
import { drawPlan } from '../draw.ts'
import { writeStory } from '../../engine/sequence/index.ts'
import { reduce, WORLDS, type Reduction, type WorldName } from '../plan.ts'
import type { SeedResult } from '../result.ts'
import { ChildRunner } from '../runner.ts'
import { findCut, readEvents, temporaryTrace } from '../trace-file.ts'
import { exitCode, kindOf } from '../verdict.ts'
import {
  fileArgument,
  reductionOf,
  seedArgument,
  withReduction,
  type WorldOptions,
} from './arguments.ts'
import { checkDeterminism } from './check.ts'
import { checkWorld } from './known-world.ts'
import { failureText, faultsText, resultLine, seconds } from './text.ts'

interface Options extends WorldOptions {
  readonly checkDeterminism?: boolean
  readonly trace?: string
  readonly html?: string
  readonly timeline?: boolean
  readonly json?: boolean
}

/** Events shown before a failure, of the hosts that it is about. */
const EVENTS_SHOWN = 20

/** `scenario replay SEED`: runs one world again, in a fresh process, and tells what happens in it. */
export function replayCommand(io: CommandIo): Command {
  return withReduction(
    new Command('replay')
      .description('Runs the world of a seed again, and tells what happens before it fails.')
      .argument('<seed>', 'as a failure names it', seedArgument)
      .option('--world <name>', `${WORLDS.join(', ')}, or a scenario`, 'swarm'),
  )
    .addOption(
      new Option(
        '--check-determinism',
        'run it twice in fresh processes, and compare; both traces stay where they differ',
      ).conflicts(['trace', 'html', 'timeline']),
    )
    .option(
      '--trace <file>',
      'write everything that happens, packets too, a line of JSON each',
      fileArgument,
    )
    .option('--html <file>', 'write the run as a page with a sequence diagram', fileArgument)
    .option('--timeline', 'print all events')
    .option('--json', 'print the result as JSON')
    .action(async (seed: string, options: Options) => {
      io.end(await replay(seed, options, io))
    })
}

async function replay(seed: string, options: Options, io: CommandIo): Promise<number> {
  const { world } = options
  const reduction = reductionOf(options)
  await checkWorld(seed, world, reduction)
  if (options.checkDeterminism === true) {
    return await checkDeterminism(seed, { world, reduction, json: options.json === true }, io)
  }
  await using trace = await temporaryTrace(options.trace)
  await using runner = new ChildRunner({ fresh: true })
  const { signal } = io
  const result = await runner.run(seed, { world, signal, reduction, traceFile: trace.file })
  const run = { result, reduction, file: trace.file }
  await tellCut(run, (problem) => io.error(`replay: ${problem}\n`))
  await tell(run, options, io)
  const code = exitCode([result])
  io.end(code)
  // Where the engine itself failed there is no run to show, and perhaps no trace.
  if (options.html !== undefined && kindOf(result) !== 'engine') await writePage(options.html, run)
  return code
}

/** A run whose trace is in a file. */
interface TracedRun {
  readonly result: SeedResult
  readonly reduction: Reduction
  readonly file: string
}

/** Who ends by itself has written its trace to its end. */
async function tellCut(
  { result, file }: TracedRun,
  report: (problem: string) => void,
): Promise<void> {
  if (result.digest.events !== '' || kindOf(result) === 'engine') return
  const cut = await findCut(file)
  if (cut !== undefined) report(cut.problem)
}

async function tell(
  { result, reduction, file }: TracedRun,
  options: Options,
  io: CommandIo,
): Promise<void> {
  const { seed, world } = result
  if (options.json === true) return io.out(`${JSON.stringify(result, null, 2)}\n`)
  if (kindOf(result) === 'engine') return io.out(`${failureText(result)}\n`)
  const known = WORLDS.find((name): name is WorldName => name === world)
  if (known !== undefined) {
    const drawn = drawPlan(seed, known)
    const left = drawn.faults
      .map((_, index) => index)
      .filter((index) => reduce(drawn, { ...reduction, faults: [index] }).faults.length > 0)
      .filter((index) => reduction.faults?.includes(index) ?? true)
    io.out(`${faultsText(reduce(drawn, reduction), left)}\n\n`)
  }
  const hosts = new Set([...(result.failure?.hosts ?? []), 'engine'])
  const shown: TraceEntry[] = []
  for await (const entry of readEvents(file)) {
    if (options.timeline !== true && !hosts.has(entry.host) && !entry.event.startsWith('fault:')) {
      continue
    }
    shown.push(entry)
    if (options.timeline !== true && shown.length > EVENTS_SHOWN) shown.shift()
  }
  if (options.timeline === true || result.class !== 'pass') {
    io.out(`${shown.map(entryLine).join('\n')}\n\n`)
  }
  io.out(`${result.class === 'pass' ? `seed ${seed} of ${world} passes` : failureText(result)}\n`)
  io.out(`${resultLine(result)}\n`)
}

/** Writes the page of a run. */
async function writePage(html: string, { result, reduction, file }: TracedRun): Promise<void> {
  const world = WORLDS.find((name) => name === result.world)
  const hosts = world === undefined ? [] : reduce(drawPlan(result.seed, world), reduction).hosts
  const timeline: TraceEntry[] = []
  for await (const entry of readEvents(file)) timeline.push(entry)
  // Loads libp2p, which must not be there before a simulated world: other commands of this process run one.
  const { storyOfSeed } = await import('../story.ts')
  await writeStory(html, storyOfSeed(result, { hosts, timeline }))
}

/** Runs the world of a seed in a fresh process, and writes its page. */
export async function drawRun(
  html: string,
  run: {
    readonly seed: string
    readonly world: string
    readonly reduction: Reduction
    readonly signal: AbortSignal
    /** Gets lines for people. */
    readonly report: (line: string) => void
  },
): Promise<void> {
  const { seed, report, ...options } = run
  await using trace = await temporaryTrace(undefined)
  await using runner = new ChildRunner({ fresh: true })
  const result = await runner.run(seed, { ...options, traceFile: trace.file })
  const traced = { result, reduction: run.reduction, file: trace.file }
  await tellCut(traced, report)
  await writePage(html, traced)
}

function entryLine({ atMs, host, event, detail }: TraceEntry): string {
  const text = JSON.stringify(detail)
  return `${seconds(atMs).padStart(11)}  ${host.padEnd(10)} ${event} ${text === '{}' ? '' : text}`
}
