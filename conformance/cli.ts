#!/usr/bin/env node
import { Command, CommanderError, Option } from 'commander'
import type { ClientCommandWords } from './commands/client.ts'
import { collect, collectOneOf, examples, subcommand } from './commands/command-line.ts'
import type { CommandIo } from './commands/io.ts'
import type { ExplainWords } from './commands/explain.ts'
import type { ListWords } from './commands/list.ts'
import { openOutput } from './commands/output.ts'
import { prepareCommand } from './commands/prepare-command.ts'
import type { ReportWords } from './commands/report.ts'
import type { SendWords } from './commands/send.ts'
import type { RunCommandWords } from './commands/run.ts'
import type { RunWords } from './commands/run-options.ts'
import type { VectorsDumpWords } from './commands/vectors.ts'
import { KEY_TYPES } from './suite/case.ts'
import { SUITE_NAME, SUITE_VERSION } from './suite/agent.ts'
import { errorCode, readBytes } from './suite/files.ts'
import { ROLES, SELECTORS } from './suite/selectors.ts'
import { EXIT, exitCodeOfLoss, exitCodeOfStop, StoppedError } from './suite/verdicts.ts'

// The command line, and with its output the only part of the suite that knows of the process around it.

/** The user has to change something. */
const USAGE_ERRORS = ['UsageError', 'UnavailableError', 'CaUnavailableError']

const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const
const stopping = new AbortController()
for (const signal of SIGNALS) {
  process.on(signal, () => {
    const reason = new StoppedError(signal)
    // The second one is from somebody who does not want to wait.
    if (stopping.signal.aborted) endBy(signal, reason.exitCode)
    stopping.abort(reason)
  })
}
const output = openOutput()
// Who hangs up takes the terminal along.
process.stderr.on('error', () => {})

const io: CommandIo = {
  write: (text) => output.write(text),
  isOutput: (file) => output.is(file),
  read: async () => (await readBytes(process.stdin, 'standard input')).toString(),
  note: (text) => void process.stderr.write(text),
  terminal: process.stderr.isTTY ? process.stderr : undefined,
  environment: process.env,
  signal: stopping.signal,
}
const code = await main(process.argv)
const lastCode = codeOfOutput(await output.end(), code)
unlisten()
// libp2p keeps a stopped process alive for a second; standard output may still be on its way to a pipe.
process.exit(lastCode)

/** Dies of a signal, which a shell tells as its code. `process.exit` waits for reads of files, and they may not end. */
function endBy(signal: (typeof SIGNALS)[number], exitCode: number): void {
  unlisten()
  // What was started is ended then.
  process.emit('exit', exitCode)
  process.kill(process.pid, signal)
}

/** From then on signals do what they do by default. */
function unlisten(): void {
  for (const signal of SIGNALS) process.removeAllListeners(signal)
}

function codeOfOutput(failure: unknown, otherwise: number): number {
  if (failure === undefined) return otherwise
  const what = errorCode(failure)
  // A reader that has gone has seen what it wanted.
  if (what === 'EPIPE') return otherwise
  io.note(`standard output cannot be written (${what}): what it should hold is lost\n`)
  return exitCodeOfLoss(otherwise)
}

async function main(argv: readonly string[]): Promise<number> {
  let code: number = EXIT.pass
  try {
    await program((ended) => {
      code = ended
    }).parseAsync([...argv])
    return code
  } catch (error) {
    // commander has printed its own errors, and what --help and --version asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.pass : EXIT.usage
    if (stopping.signal.aborted) return exitCodeOfStop(stopping.signal)
    if (error instanceof Error && error.name === 'ConnectionError') {
      io.note(`${error.message}\n`)
      return EXIT.unreachable
    }
    const usage = error instanceof Error && USAGE_ERRORS.includes(error.name)
    io.note(usage ? `${error.message}\n` : `the suite itself failed: ${stackOf(error)}\n`)
    return usage ? EXIT.usage : EXIT.suiteFault
  }
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

function program(end: (code: number) => void): Command {
  const suite = new Command(SUITE_NAME)
    .description('Checks nodetrust servers and clients, whoever wrote them')
    .version(SUITE_VERSION)
    .exitOverride()
    .showHelpAfterError('(add --help for what there is)')
  suite.addCommand(runCommand(end))
  suite.addCommand(clientCommand(end))
  suite.addCommand(selfCommand(end))
  suite.addCommand(prepareCommand(io))
  suite.addCommand(listCommand())
  suite.addCommand(explainCommand())
  suite.addCommand(vectorsCommand(end))
  suite.addCommand(reportCommand())
  suite.addCommand(sendCommand())
  return suite.addHelpText(
    'after',
    `
Exit code: 0 every MUST holds, 1 a MUST failed (with --strict a SHOULD too), 2 usage, 3 nothing was run,
4 the target cannot be reached, 5 the suite itself failed or could not write what it found,
129, 130 and 143 after SIGHUP, Ctrl-C and SIGTERM, with reports of what was found until then.`,
  )
}

function runCommand(end: (code: number) => void): Command {
  const command = subcommand(
    'run',
    'Check servers that run somewhere, as a target file describes them',
  )
    .argument('[selectors...]', `${SELECTORS}; all by default`)
    .requiredOption('--target <file>', 'the target: JSON, as `prepare` writes it')
    .option('--intrusive', 'also what could disturb a public server: floods, slow requests')
    .option('--acme-production <host>', 'a production CA that may be asked for certificates')
    .action(async (selectors: string[], words: RunCommandWords) => {
      const { run } = await import('./commands/run.ts')
      end(await run(selectors, words, io))
    })
  return examples(withRunOptions(command), [
    'run --target target.json',
    'run --target target.json NT-DNS NT-ISSUE-013 --report html=report.html',
    'run --target target.json dns/* --level must,should --strict',
  ])
}

function clientCommand(end: (code: number) => void): Command {
  const command = subcommand('client', 'Play the servers for a client, which is run for each check')
    .argument('[selectors...]', `${SELECTORS}; all by default`)
    .requiredOption(
      '--exec <line>',
      'how a shell runs the client: see conformance/client/README.md',
    )
    .option('--name <name>', 'how reports call the client', 'client')
    .action(async (selectors: string[], words: ClientCommandWords) => {
      const { client } = await import('./commands/client.ts')
      end(await client(selectors, words, io))
    })
  return examples(withRunOptions(command), [
    'client --exec ./my-client',
    'client --exec "node my-client.js" NT-CLIENT-008 --concurrency 4 --report html=report.html',
  ])
}

function selfCommand(end: (code: number) => void): Command {
  const command = subcommand(
    'self',
    'Start the servers of this project and check them, with Pebble as the CA',
  )
    .argument('[selectors...]', `${SELECTORS}; all by default`)
    .action(async (selectors: string[], words: RunWords) => {
      const { self } = await import('./commands/self.ts')
      end(await self(selectors, words, io))
    })
  return examples(withRunOptions(command), ['self', 'self NT-DNS --report tap=results.tap'])
}

function listCommand(): Command {
  const command = subcommand('list', 'Print requirements with their checks')
    .argument('[selectors...]', `${SELECTORS}; all by default`)
    .option('--json', 'print them as JSON')
    .action(async (selectors: string[], words: ListWords) => {
      const { list } = await import('./commands/list.ts')
      list(selectors, words, io)
    })
  return examples(command, ['list', 'list dns01/* NT-ISSUE-013'])
}

function explainCommand(): Command {
  const command = subcommand(
    'explain',
    'Print requirements, their sources, what was decided, and their checks done by hand',
  )
    .argument('<selectors...>', SELECTORS)
    .option('--target <file>', 'put in the addresses of this target')
    .option('--json', 'print it as JSON')
    .action(async (selectors: string[], words: ExplainWords) => {
      const { explain } = await import('./commands/explain.ts')
      await explain(selectors, words, io)
    })
  return examples(command, ['explain NT-DNS-017', 'explain NT-ISSUE-013 --target target.json'])
}

function vectorsCommand(end: (code: number) => void): Command {
  const check = subcommand('check', 'Check the form of vector files, or of those of the suite')
    .argument('[files...]')
    .action(async (files: string[]) => {
      const { vectorsCheck } = await import('./commands/vectors.ts')
      end(await vectorsCheck(files, io))
    })
  const dump = subcommand('dump', 'Print vectors as one JSON list')
    .argument('[kinds...]', 'such as frames or csr (default: all)')
    .option('--flag <flag>', 'only those with this flag')
    .option('--requirement <id>', 'only those of this requirement')
    .action(async (kinds: string[], words: VectorsDumpWords) => {
      const { vectorsDump } = await import('./commands/vectors.ts')
      vectorsDump(kinds, words, io)
    })
  return subcommand('vectors', 'Check or print the test vectors')
    .addCommand(check)
    .addCommand(examples(dump, ['vectors dump proof_verify --flag Forged']))
}

function reportCommand(): Command {
  const command = subcommand('report', 'Compare targets: several JSON reports as one HTML page')
    .argument('<files...>', 'reports that `run --report json=FILE` wrote')
    .requiredOption('--html <file>', 'the page; - for standard output')
    .action(async (files: string[], words: ReportWords) => {
      const { report } = await import('./commands/report.ts')
      await report(files, words, io)
    })
  return examples(command, ['report --html compared.html ours.json theirs.json'])
}

function sendCommand(): Command {
  const command = subcommand('send', 'Send bytes on one libp2p stream, and print what comes back')
    .argument('<multiaddr>', 'the server, with /p2p/<peer id>')
    .argument('<protocol>', 'such as /p2p/nodetrust/issue/1.0.0')
    .argument('[hex]', 'bytes as they are, lengths and all; - for standard input', '')
    .option('--request-of <check>', 'the request of this check, made for the peer that sends it')
    .option('--target <file>', 'whose keys sign the proofs in it')
    .option('--writer-of <file>', 'as the peer of this target that may set challenges')
    .addOption(
      new Option('--key-type <type>', 'of the peer that sends (default: Ed25519)').choices(
        KEY_TYPES,
      ),
    )
    .option('--slowly <ms>', 'a byte every so many milliseconds')
    .option('--keep-open', 'do not close the own side after the bytes')
    .action(async (address: string, protocol: string, hex: string, words: SendWords) => {
      const { send } = await import('./commands/send.ts')
      await send({ address, protocol, hex }, words, io)
    })
  return examples(command, [
    'send /ip4/192.0.2.3/tcp/4003/p2p/12D3KooW… /p2p/nodetrust/issue/1.0.0 021001',
    'send /ip4/192.0.2.3/tcp/4003/p2p/12D3KooW… /p2p/nodetrust/issue/1.0.0 --request-of NT-ISSUE-011/too-old --target target.json',
  ])
}

function withRunOptions(command: Command): Command {
  return command
    .option('--role <role>', `only this one: ${ROLES.join(', ')}; repeatable`, collectOneOf(ROLES))
    .option('--level <levels>', 'only these: must, should, may; several with commas')
    .option('--exclude <selector>', 'none of these; repeatable', collect)
    .option('--strict', 'a SHOULD that is missed fails')
    .option('--expect <file>', 'known failures: {"NT-DNS-030": "fail"}')
    .option('--report <format=file>', 'tap, junit, json or html; repeatable', collect)
    .option(
      '--out <folder>',
      'where evidence goes: what was sent and received',
      'conformance-results',
    )
    .option('--seed <number>', 'repeats what a run chose at random')
    .option('--rate <number>', 'exchanges a second, or none for no bound')
    .option('--concurrency <number>', 'checks at once')
    .option('--timeout <seconds>', 'for each check, instead of its own')
    .option('--dry-run', 'show what would run')
    .option('--json', 'print the report as JSON')
}
