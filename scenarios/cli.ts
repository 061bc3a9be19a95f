import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { DRIVER_NAMES, prepareProcess, type DriverName } from './engine/drivers/index.ts'
import { liveLines, type LiveLines } from './engine/live.ts'
import { UnavailableError } from './engine/machine/machine.ts'
import type { Scenario } from './engine/scenario.ts'

/** All hold; something does not; the run could not be made. */
const EXIT = { holds: 0, broken: 1, usage: 2, interrupted: 130 }
const CLIENTS_MAX = 200

interface Options {
  readonly transport: DriverName
  readonly clients?: number
  readonly json?: boolean
  readonly keep?: boolean
  readonly acme?: string
  readonly acmeCa?: string
  readonly acmeRoots?: string
  readonly ca?: 'built-in'
  readonly seed?: string
}

const program = new Command('scenario')
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
  .option('--seed <text>', 'of a simulated world (--transport sim): the same seed, the same run')
  .option('--json', 'print the report, or the list, as JSON')
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

Exit code: 0 when everything holds, 1 when something does not, 2 for usage and set-up errors.

Examples:
  npm run scenario -- list
  npm run scenario -- failing-proof-server
  npm run scenario -- happy-path --transport memory --clients 5
  npm run --silent scenario -- happy-path --json > report.json`,
  )
  .exitOverride()
  .showHelpAfterError('(--help tells more)')

try {
  program.parse()
  process.exitCode = await main(program.args[0] ?? '', program.opts())
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : EXIT.usage
  else if (error instanceof UnavailableError) process.exitCode = fail(error.message)
  else throw error
}
// Whatever a library leaves open (libp2p keeps timers for a second) must not hold a finished run; a long report may still
// be on its way to a slow reader.
process.stdout.write('', () => process.exit())

async function main(name: string, options: Options): Promise<number> {
  if (options.seed !== undefined && options.transport !== 'sim') {
    return fail('--seed is of a simulated world: add --transport sim')
  }
  if (options.transport === 'sim') {
    if (options.acme !== undefined) {
      return fail('a simulated world has a CA of its own: leave out --acme')
    }
  }
  await prepareProcess(options.transport)
  const { caOptionsFromEnvironment } = await import('./engine/ca/index.ts')
  const { reportText } = await import('./engine/report.ts')
  const { runScenario } = await import('./engine/run.ts')
  const { scenarios } = await import('./index.ts')
  if (name === 'list') return list(scenarios, options)
  const scenario = scenarios.find((candidate) => candidate.name === name)
  if (scenario === undefined) {
    return fail(`there is no scenario "${name}"; npm run scenario -- list names them`)
  }
  if (options.clients !== undefined && scenario.clientsMin === 0) {
    return fail(`"${name}" has no clients: leave out --clients`)
  }
  if (options.clients !== undefined && options.clients < (scenario.clientsMin ?? 1)) {
    return fail(
      `"${name}" needs at least ${scenario.clientsMin ?? 1} clients, not ${options.clients}`,
    )
  }
  if (options.clients !== undefined && options.clients > (scenario.clientsMax ?? CLIENTS_MAX)) {
    return fail(
      `"${name}" takes at most ${scenario.clientsMax ?? CLIENTS_MAX} clients, not ${options.clients}`,
    )
  }
  const interruption = new AbortController()
  const interrupt = (): void => {
    // A second one does not wait for anything.
    if (interruption.signal.aborted) process.exit(EXIT.interrupted)
    interruption.abort(new Error('interrupted'))
  }
  process.on('SIGINT', interrupt)
  process.on('SIGTERM', interrupt)
  let live: LiveLines | undefined
  try {
    const report = await runScenario(scenario, {
      transport: options.transport,
      clients: options.clients,
      seed: options.seed,
      keep: options.keep === true,
      signal: interruption.signal,
      ca: {
        ...caOptionsFromEnvironment(process.env),
        ...(options.acme === undefined ? {} : { acmeUrl: options.acme }),
        ...(options.acmeCa === undefined ? {} : { acmeCertificateAuthority: options.acmeCa }),
        ...(options.acmeRoots === undefined ? {} : { acmeRootCertificates: options.acmeRoots }),
        ...(options.ca === undefined ? {} : { only: options.ca }),
        report: (line) =>
          live === undefined ? process.stderr.write(`${line}\n`) : live.note(line),
      },
      ...(process.stderr.isTTY && options.json !== true
        ? {
            watch: (trace, hosts) => {
              live = liveLines(process.stderr, trace, hosts)
            },
          }
        : {}),
    })
    live?.stop()
    process.stdout.write(
      `${options.json === true ? JSON.stringify(report, null, 2) : reportText(report)}\n`,
    )
    return report.holds ? EXIT.holds : EXIT.broken
  } catch (error) {
    live?.stop()
    if (interruption.signal.aborted) {
      process.stderr.write('scenario: interrupted\n')
      return EXIT.interrupted
    }
    if (error instanceof UnavailableError) throw error
    return fail(
      `"${name}" could not be set up: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}

function list(scenarios: readonly Scenario[], options: Options): number {
  const rows = scenarios.map(({ name, title, proves }) => ({ name, title, proves }))
  if (options.json === true) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`)
  else {
    const width = Math.max(...rows.map(({ name }) => name.length))
    for (const { name, title } of rows) process.stdout.write(`${name.padEnd(width)}  ${title}\n`)
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

function fail(message: string): number {
  process.stderr.write(`scenario: ${message}\n`)
  return EXIT.usage
}
