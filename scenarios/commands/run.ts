import { Command, InvalidArgumentError, Option } from 'commander'
import { DRIVER_NAMES, prepareProcess, type DriverName } from '../engine/drivers/index.ts'
import { liveLines, type LiveLines } from '../engine/live.ts'
import { UnavailableError } from '../engine/machine/machine.ts'
import { OutputError } from '../engine/output-file.ts'
import type { Scenario } from '../engine/scenario.ts'
import { EXIT as CLASS_EXIT } from '../swarm/verdict.ts'
import type { CommandIo } from './io.ts'

/** All hold; something does not; the run could not be made. */
export const EXIT = { holds: 0, broken: 1, usage: 2, interrupted: 130 }
const CLIENTS_MAX = 200
/** Of a simulated world where nobody says. */
const SEED = '1'

interface Options {
  readonly transport: DriverName
  readonly clients?: number
  readonly json?: boolean
  readonly keep?: boolean
  readonly html?: string
  readonly acme?: string
  readonly acmeCa?: string
  readonly acmeRoots?: string
  readonly ca?: 'built-in'
  readonly seed?: string
  readonly checkDeterminism?: boolean
}

/** `scenario NAME`: runs one scenario. */
export function runCommand(io: CommandIo): Command {
  return (
    new Command('scenario')
      // Commands have options of the same names.
      .enablePositionalOptions()
      .usage('NAME [options]')
      .description(
        'Runs one scenario: real servers, a real client and a real ACME CA, what happens to them, and what then holds.',
      )
      .argument('<name>', 'a scenario, or "list" to see them all')
      .addOption(
        new Option('--transport <name>', 'what the libp2p nodes talk over')
          .choices(DRIVER_NAMES)
          .default('tcp'),
      )
      .option('--clients <number>', 'how many clients; one process serves them all', parseClients)
      .option(
        '--seed <text>',
        'of a simulated world (--transport sim): the same seed, the same run',
      )
      .addOption(
        new Option(
          '--check-determinism',
          'run it twice in fresh processes (--transport sim), and compare',
        ).conflicts(['html', 'keep']),
      )
      .option('--json', 'print the report, or the list, as JSON')
      .option('--html <file>', 'write the report as a page with a sequence diagram, too')
      .option('--keep', "keep the run's folder: the CA's log, the stores, the certificates")
      .option('--acme <url>', 'directory of an ACME CA to use instead of Pebble')
      .option('--acme-ca <file>', 'PEM that verifies the HTTPS certificate of that CA')
      .option('--acme-roots <file>', 'PEM of the roots under which that CA issues')
      .addOption(
        new Option('--ca <name>', 'a CA inside this program, which needs no Pebble')
          .choices(['built-in'])
          .conflicts('acme'),
      )
      .addHelpText(
        'after',
        `
Pebble is taken from: --acme URL, the environment variable PEBBLE_BIN, PATH, a Docker engine,
apt-get (Debian or Ubuntu, as root), go install. The report says which it was. Where none can be had,
--ca built-in takes an ACME CA that is part of this program, and the report says that.

The scenario "browser" takes Chromium from the environment variable CHROMIUM_BIN, PATH, or apt-get
(Debian, as root), and certutil with it. Its pictures are in .cache/browser/.

Exit code: 0 when everything holds, 1 when something does not, 2 for usage and set-up errors, 130 when it is
interrupted. Those of swarm, replay, shrink, diff, nightly and worker are other ones, and --help of each names them;
--check-determinism ends as replay does: 5 when the two runs differ, 64 for usage.

Examples:
  npm run scenario -- list
  npm run scenario -- failing-proof-server
  npm run scenario -- happy-path --transport memory --clients 5
  npm run scenario -- renewal --transport sim --seed 7
  npm run scenario -- swarm --count 100
  npm run --silent scenario -- happy-path --json > report.json`,
      )
      .action(async (name: string, options: Options) => {
        io.end(await run(name, options, io))
      })
  )
}

async function run(name: string, options: Options, io: CommandIo): Promise<number> {
  const isChecked = options.checkDeterminism === true
  const refuse = (message: string): number =>
    fail(io, message, isChecked ? CLASS_EXIT.usage : EXIT.usage)
  if (options.seed !== undefined && options.transport !== 'sim') {
    return refuse('--seed is of a simulated world: add --transport sim')
  }
  if (isChecked && options.transport !== 'sim') {
    return refuse('only a simulated world is the same twice: add --transport sim')
  }
  if (options.transport === 'sim') {
    if (options.acme !== undefined) {
      return refuse('a simulated world has a CA of its own: leave out --acme')
    }
  }
  await prepareProcess(options.transport)
  const { caOptionsFromEnvironment } = await import('../engine/ca/index.ts')
  const { reportText } = await import('../engine/report.ts')
  const { runScenario } = await import('../engine/run.ts')
  const { scenarios } = await import('../index.ts')
  if (name === 'list') return list(scenarios, options, io)
  const scenario = scenarios.find((candidate) => candidate.name === name)
  if (scenario === undefined) {
    return refuse(`there is no scenario "${name}"; npm run scenario -- list names them`)
  }
  if (options.clients !== undefined && scenario.clientsMin === 0) {
    return refuse(`"${name}" has no clients: leave out --clients`)
  }
  if (options.clients !== undefined && options.clients < (scenario.clientsMin ?? 1)) {
    return refuse(
      `"${name}" needs at least ${scenario.clientsMin ?? 1} clients, not ${options.clients}`,
    )
  }
  if (options.clients !== undefined && options.clients > (scenario.clientsMax ?? CLIENTS_MAX)) {
    return refuse(
      `"${name}" takes at most ${scenario.clientsMax ?? CLIENTS_MAX} clients, not ${options.clients}`,
    )
  }
  if (isChecked) {
    const { checkDeterminism } = await import('../swarm/commands/check.ts')
    if (scenario.inRealTime === true) return refuse(`"${name}" knows no virtual time`)
    const { clients, json = false } = options
    return await checkDeterminism(options.seed ?? SEED, { world: name, clients, json }, io)
  }
  const { terminal } = io
  let live: LiveLines | undefined
  try {
    const report = await runScenario(scenario, {
      transport: options.transport,
      clients: options.clients,
      seed: options.seed,
      keep: options.keep === true,
      signal: io.signal,
      ca: {
        ...caOptionsFromEnvironment(io.environment),
        ...(options.acme === undefined ? {} : { acmeUrl: options.acme }),
        ...(options.acmeCa === undefined ? {} : { acmeCertificateAuthority: options.acmeCa }),
        ...(options.acmeRoots === undefined ? {} : { acmeRootCertificates: options.acmeRoots }),
        ...(options.ca === undefined ? {} : { only: options.ca }),
        commandWays: [
          options.acme === undefined ? 'give --acme URL' : 'correct --acme',
          'take the CA of this program with --ca built-in',
        ],
        report: (line) => (live === undefined ? io.error(`${line}\n`) : live.note(line)),
      },
      ...(terminal !== undefined && options.json !== true
        ? {
            watch: (trace, hosts) => {
              live = liveLines(terminal, trace, hosts)
            },
          }
        : {}),
    })
    live?.stop()
    io.out(`${options.json === true ? JSON.stringify(report, null, 2) : reportText(report)}\n`)
    const code = report.holds ? EXIT.holds : EXIT.broken
    io.end(code)
    if (options.html !== undefined) {
      const { storyOfReport, writeStory } = await import('../engine/sequence/index.ts')
      await writeStory(options.html, storyOfReport(report))
    }
    return code
  } catch (error) {
    live?.stop()
    if (io.signal.aborted) {
      io.error('scenario: interrupted\n')
      return EXIT.interrupted
    }
    if (error instanceof UnavailableError || error instanceof OutputError) throw error
    return fail(
      io,
      `"${name}" could not be set up: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}

function list(scenarios: readonly Scenario[], options: Options, io: CommandIo): number {
  const rows = scenarios.map(({ name, title, proves }) => ({ name, title, proves }))
  if (options.json === true) io.out(`${JSON.stringify(rows, null, 2)}\n`)
  else {
    const width = Math.max(...rows.map(({ name }) => name.length))
    for (const { name, title } of rows) io.out(`${name.padEnd(width)}  ${title}\n`)
  }
  return EXIT.holds
}

function parseClients(text: string): number {
  const clients = Number(text)
  if (!Number.isInteger(clients) || clients < 1 || clients > CLIENTS_MAX) {
    throw new InvalidArgumentError(`wanted a whole number from 1 to ${CLIENTS_MAX}.`)
  }
  return clients
}

/** One line, and the exit code of a mistake. */
export function fail(io: CommandIo, message: string, code: number = EXIT.usage): number {
  io.error(`scenario: ${message}\n`)
  return code
}
