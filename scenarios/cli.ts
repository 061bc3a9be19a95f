import { CommanderError, InvalidArgumentError } from 'commander'
import type { CommandIo } from './commands/io.ts'
import { EXIT, fail, runCommand } from './commands/run.ts'
import { UnavailableError } from './engine/machine/machine.ts'
import { OutputError } from './engine/output-file.ts'
import { checkTemporaryFolder } from './engine/work-folder.ts'
import { addSwarmCommands, SWARM_COMMANDS } from './swarm/commands/index.ts'
import { EXIT as SWARM_EXIT } from './swarm/verdict.ts'

const interruption = new AbortController()
const interrupt = (): void => {
  // A second one does not wait for anything.
  if (interruption.signal.aborted) process.exit(EXIT.interrupted)
  interruption.abort(new Error('interrupted'))
}
process.on('SIGINT', interrupt)
process.on('SIGTERM', interrupt)

const io: CommandIo = {
  out: (text) => process.stdout.write(text),
  error: (text) => process.stderr.write(text),
  terminal: process.stderr.isTTY ? process.stderr : undefined,
  environment: process.env,
  signal: interruption.signal,
  end(code) {
    process.exitCode = code
  },
}

const program = runCommand(io)
  .enablePositionalOptions()
  .exitOverride()
  .showHelpAfterError('(--help tells more)')
  .hook('preAction', checkTemporaryFolder)
addSwarmCommands(program, io)
const hasClasses =
  SWARM_COMMANDS.includes(process.argv[2] ?? '') || process.argv.includes('--check-determinism')
const usage = hasClasses ? SWARM_EXIT.usage : EXIT.usage
try {
  await program.parseAsync()
} catch (error) {
  if (interruption.signal.aborted) {
    process.stderr.write('scenario: interrupted\n')
    process.exitCode = EXIT.interrupted
  } else if (error instanceof CommanderError) {
    // Commander has told of what it found itself, and not of what a command found.
    if (error instanceof InvalidArgumentError) process.stderr.write(`scenario: ${error.message}\n`)
    process.exitCode = error.exitCode === 0 ? 0 : usage
  } else if (error instanceof OutputError) {
    // What the run itself ended with says more.
    const code = fail(io, error.message, hasClasses ? SWARM_EXIT.engine : usage)
    process.exitCode = Number(process.exitCode ?? 0) === 0 ? code : process.exitCode
  } else if (error instanceof UnavailableError) process.exitCode = fail(io, error.message, usage)
  else if (hasClasses) {
    process.stderr.write(`scenario: ${error instanceof Error ? error.stack : String(error)}\n`)
    process.exitCode = SWARM_EXIT.engine
  } else throw error
}
// Whatever a library leaves open (libp2p keeps timers for a second) must not hold a finished run; a long report may still
// be on its way to a slow reader.
process.stdout.write('', () => process.exit())
