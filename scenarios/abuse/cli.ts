import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { createLogUpdate } from 'log-update'
import { randomInt } from 'node:crypto'
import { reportText } from './report.ts'
import { abuse } from './run.ts'
import { SUBJECTS } from './subjects.ts'

/** All hold; something does not; the run could not be made. */
const EXIT = { holds: 0, broken: 1, usage: 2, interrupted: 130 }
const SEED_MAX = 2 ** 31 - 1
const PAINT_INTERVAL_MS = 100

interface Options {
  readonly seed: number
  readonly only?: readonly string[]
  readonly inputs?: { readonly from: number; readonly to: number }
  readonly short?: boolean
  readonly json?: boolean
}

const names = SUBJECTS.map(({ name }) => name)
const program = new Command('abuse')
  .usage('[options]')
  .description(
    'Abuses real servers in a process of their own: random and mutated packets and frames, slow peers, abandoned streams. ' +
      'The servers have to live on, serve others within twice their usual time, and keep nothing of it.',
  )
  .option('--seed <number>', 'what all inputs are made of', wholeNumber, randomInt(SEED_MAX))
  .option('--only <name>', 'one kind of abuse; repeatable', subjectName)
  .option('--inputs <from-to>', 'with --only: send these inputs alone, one by one', inputRange)
  .option('--short', 'a few of each instead of 100,000s, and no verdict on time and memory')
  .option('--json', 'print the report as JSON')
  .addHelpText(
    'after',
    `
Kinds of abuse: ${names.join(', ')}.

"As usual" is what somebody else measures, in a process of their own, beside a crowd of the same size that sends what
it should; for slow peers, beside nobody. Both take turns twelve times, and the median of the ratios of their lower
quartiles decides: a busy machine adds to the upper ones. Medians and 95th percentiles are in the report.
Memory is the heap after garbage collection.

It is made for Linux, where each peer can have an address of its own (127.0.0.0/8). The limits that the servers keep
for each address and peer stay on, those on requests are lifted.

Exit code: 0 when everything holds, 1 when something does not, 2 for usage and set-up errors.

Examples:
  npm run abuse
  npm run abuse -- --short
  npm run abuse -- --seed 7 --only dns-udp --inputs 1200-1231`,
  )
  .exitOverride()
  .showHelpAfterError('(--help tells more)')

try {
  program.parse()
  process.exitCode = await main(program.opts())
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : EXIT.usage
  else throw error
}
// Whatever a library leaves open must not hold a finished run.
process.stdout.write('', () => process.exit())

async function main({ seed, only = names, inputs, short, json }: Options): Promise<number> {
  if (inputs !== undefined && only.length !== 1) {
    process.stderr.write('abuse: --inputs needs one --only\n')
    return EXIT.usage
  }
  const interruption = new AbortController()
  process.on('SIGINT', () => interruption.abort(new Error('interrupted')))
  process.on('SIGTERM', () => interruption.abort(new Error('interrupted')))
  process.stderr.write(`seed ${seed}\n`)
  const live = liveLine()
  try {
    const reports = await abuse({
      subjects: SUBJECTS.filter(({ name }) => only.includes(name)),
      amount: short === true ? 'short' : 'long',
      seed,
      inputs,
      signal: interruption.signal,
      progress: live.show,
      finished: ({ name, sent, unit, problems }) =>
        live.note(`${problems.length === 0 ? '✓' : '✗'} ${name}: ${sent} ${unit}`),
    })
    live.clear()
    process.stdout.write(
      `${json === true ? JSON.stringify({ seed, reports }, null, 2) : reportText(reports, seed)}\n`,
    )
    return reports.every(({ problems }) => problems.length === 0) ? EXIT.holds : EXIT.broken
  } catch (error) {
    live.clear()
    if (interruption.signal.aborted) return EXIT.interrupted
    process.stderr.write(`abuse: could not be set up: ${String(error)}\n`)
    return EXIT.usage
  }
}

/** One line on a terminal that says how far it is; nothing elsewhere. */
function liveLine(): {
  readonly show: (text: string) => void
  readonly note: (text: string) => void
  readonly clear: () => void
} {
  const write = (text: string): void => void process.stderr.write(`${text}\n`)
  if (!process.stderr.isTTY) return { show: () => {}, note: write, clear: () => {} }
  const paint = createLogUpdate(process.stderr)
  let paintedAt = 0
  return {
    show(text) {
      if (performance.now() - paintedAt < PAINT_INTERVAL_MS) return
      paintedAt = performance.now()
      paint(text)
    },
    note(text) {
      paint.clear()
      write(text)
    },
    clear: () => paint.clear(),
  }
}

function wholeNumber(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0 || value > SEED_MAX) {
    throw new InvalidArgumentError(`wanted a whole number from 0 to ${SEED_MAX}.`)
  }
  return value
}

function subjectName(text: string, earlier: readonly string[] = []): readonly string[] {
  if (!names.includes(text)) throw new InvalidArgumentError(`wanted one of ${names.join(', ')}.`)
  return [...earlier, text]
}

function inputRange(text: string): { readonly from: number; readonly to: number } {
  const match = /^(\d+)(?:-(\d+))?$/.exec(text)
  if (match === null) throw new InvalidArgumentError('wanted an index, or two with a hyphen.')
  return { from: Number(match[1]), to: Number(match[2] ?? match[1]) + 1 }
}
