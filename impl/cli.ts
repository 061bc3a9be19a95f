#!/usr/bin/env node
import { Argument, Command, CommanderError, Option } from 'commander'
import packageJson from '../package.json' with { type: 'json' }
import type { CertificateOptions } from './commands/certificate.ts'
import type { ConfigCheckOptions, ConfigInitOptions } from './commands/config.ts'
import type { CommandIo } from './commands/io.ts'
import type { ServeOptions, ServeRole } from './commands/serve.ts'
import type { StatusOptions } from './commands/status.ts'
import type { LogFormat, LogLevel } from './log.ts'

// The command line, and the only part of the shipped code that knows of the process around it.

// Each command is loaded when it is asked for: nobody waits for libp2p to read --help.

const ROLES: readonly ServeRole[] = ['proof', 'dns', 'issue', 'all']
const LOG_FORMATS: readonly LogFormat[] = ['text', 'json']
const LOG_LEVELS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error']

/** The first with node:sqlite as it is used here. */
const NODE_MAJOR_MIN = 24

/** The user has to change something: the command, the configuration, or what is in the way. */
const USAGE_ERRORS = ['UsageError', 'ConfigError', 'SetupError']
const EXIT = { ok: 0, failed: 1, usage: 2 } as const
/** What a shell reports of a process that a signal has ended. */
const SIGNAL_EXITS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

const stopping = new AbortController()
for (const [signal, exit] of Object.entries(SIGNAL_EXITS)) {
  process.on(signal, () => {
    // The second one is from somebody who does not want to wait.
    if (stopping.signal.aborted) process.exit(exit)
    stopping.abort(new Error(`stopped by ${signal}`))
  })
}
// A reader that has gone (`nodetrust … | head -1`) is no reason for a stack trace.
process.stdout.on('error', () => process.exit(EXIT.failed))

const io: CommandIo = {
  write: (text) => void process.stdout.write(text),
  note: (text) => void process.stderr.write(text),
  terminal: process.stderr.isTTY,
  signal: stopping.signal,
}
process.exitCode = await main(process.argv)
// libp2p keeps a stopped process alive for a second; standard output may still be on its way to a pipe.
process.stdout.write('', () => process.exit())

async function main(argv: readonly string[]): Promise<number> {
  const [major = ''] = process.versions.node.split('.')
  if (Number(major) < NODE_MAJOR_MIN) {
    io.note(`error: this is Node ${process.versions.node}, wanted ${NODE_MAJOR_MIN} or newer\n`)
    return EXIT.usage
  }
  try {
    await program().parseAsync([...argv])
    return EXIT.ok
  } catch (error) {
    // commander has printed its own errors, and what --help and --version asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
    io.note(`${describe(error)}\n`)
    return USAGE_ERRORS.includes((error as Error).name) ? EXIT.usage : EXIT.failed
  }
}

/** What a person can act on; the stack only of what must be a mistake of ours. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return `error: ${String(error)}`
  const ours = ['TypeError', 'ReferenceError', 'AssertionError'].includes(error.name)
  return `error: ${ours ? (error.stack ?? error.message) : error.message}`
}

function program(): Command {
  const nodetrust = new Command('nodetrust')
    .description('A certificate for every libp2p node: its servers, and a client')
    .version(packageJson.version)
    .exitOverride()
    .showHelpAfterError('(add --help for what there is)')
  nodetrust.addCommand(serveCommand())
  nodetrust.addCommand(certificateCommand())
  nodetrust.addCommand(configCommand())
  nodetrust.addCommand(statusCommand())
  return examples(nodetrust, [
    'nodetrust config init --zone nt.example.org   write a configuration and keys',
    'nodetrust config check                        look for mistakes in it',
    'nodetrust serve all                           run what it describes',
    'nodetrust status                              see how that goes',
  ])
}

function serveCommand(): Command {
  const command = subcommand(
    'serve',
    'Run servers until SIGTERM or Ctrl-C; a second one ends them at once',
  )
    .addArgument(new Argument('<role>', 'what to run').choices(ROLES))
    .addOption(configOption())
    .option('--json', 'print the addresses to standard output as JSON when started')
    .action(async (role: ServeRole, options: ServeOptions) => {
      const { serve } = await import('./commands/serve.ts')
      await serve(role, options, io)
    })
  return examples(withLog(command), [
    'nodetrust serve all --config /etc/nodetrust/nodetrust.yaml',
    'nodetrust serve dns --log json --log-level debug',
  ])
}

function statusCommand(): Command {
  const command = subcommand(
    'status',
    'Print certificates, unfinished orders, and whether DNS servers and CA answer; exit 1 when something needs you',
  )
    .addOption(configOption())
    .option('--url <url>', 'ask servers that run, at their http port, instead of reading --config')
    .option('--json', 'print it as JSON')
    .action(async (options: StatusOptions) => {
      const { status } = await import('./commands/status.ts')
      await status(options, io)
    })
  return examples(command, [
    'nodetrust status --config /etc/nodetrust/nodetrust.yaml',
    'nodetrust status --url http://127.0.0.1:9465 --json',
  ])
}

function certificateCommand(): Command {
  const command = subcommand('cert', 'Obtain a certificate once and write it as PEM files')
    .requiredOption(
      '--issue-server <multiaddr>',
      'where to ask, with /p2p/<peer id>; repeatable',
      collect,
    )
    .option(
      '--identity <file>',
      "the peer's key (default: identity.key in --out, made when missing)",
    )
    .option('--listen <multiaddr>', 'listen there meanwhile; repeatable', collect)
    .option('--out <folder>', 'where certificate.pem, chain.pem and key.pem go', '.')
    .option('--timeout <seconds>', 'give up after that long', '180')
    .option('--json', 'print what was obtained as JSON')
    .action(async (options: CertificateOptions) => {
      const { certificate } = await import('./commands/certificate.ts')
      await certificate(options, io)
    })
  return examples(withLog(command), [
    'nodetrust cert --issue-server /dns4/issue.example.org/tcp/4003/p2p/12D3KooW… --out tls',
  ])
}

function configCommand(): Command {
  const init = subcommand(
    'init',
    'Write a commented configuration and new keys, readable by you only',
  )
    .requiredOption('--zone <domain>', 'the domain that all names end in')
    .addOption(new Option('--role <role>', 'what it is for').choices(ROLES).default('all'))
    .option('--out <folder>', 'where the files go', '.')
    .option('--address <ip>', 'public address of this machine; repeatable', collect)
    .option('--agree-to-terms', "you agree to the CA's terms of service")
    .option('--force', 'replace files that are there; keys are lost by that')
    .option('--json', 'print the names of the files as JSON')
    .action(async (options: ConfigInitOptions) => {
      const { configInit } = await import('./commands/config.ts')
      await configInit(options, io)
    })
  const check = subcommand(
    'check',
    'Print what a configuration describes, or everything that is wrong with it',
  )
    .addOption(configOption())
    .option('--json', 'print it as JSON')
    .action(async (options: ConfigCheckOptions) => {
      const { configCheck } = await import('./commands/config.ts')
      await configCheck(options, io)
    })
  return subcommand('config', 'Write or check a configuration')
    .addCommand(
      examples(init, [
        'nodetrust config init --zone nt.example.org --agree-to-terms --out /etc/nodetrust',
        `nodetrust config init --zone nt.example.org --role ${ROLES[0]}`,
      ]),
    )
    .addCommand(examples(check, ['nodetrust config check --config /etc/nodetrust/nodetrust.yaml']))
}

function subcommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .exitOverride()
    .showHelpAfterError('(add --help for what there is)')
}

function withLog(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--log <format>',
        'how to log to standard error (default: text on a terminal, json elsewhere)',
      ).choices(LOG_FORMATS),
    )
    .addOption(new Option('--log-level <level>', 'the least that is logged').choices(LOG_LEVELS))
}

function configOption(): Option {
  return new Option('--config <file>', 'the configuration').default('nodetrust.yaml')
}

function examples(command: Command, lines: readonly string[]): Command {
  return command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`)
}

function collect(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value]
}
