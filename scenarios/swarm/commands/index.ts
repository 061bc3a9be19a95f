import type { Command } from 'commander'
import type { CommandIo } from '../../commands/io.ts'
import { diffCommand } from './diff.ts'
import { nightlyCommand } from './nightly.ts'
import { replayCommand } from './replay.ts'
import { shrinkCommand } from './shrink.ts'
import { swarmCommand } from './swarm.ts'
import { workerCommand } from './worker.ts'

/** Commands with exit codes by class. */
export const SWARM_COMMANDS: readonly string[] = [
  'swarm',
  'replay',
  'shrink',
  'diff',
  'nightly',
  'worker',
]

export function addSwarmCommands(program: Command, io: CommandIo): void {
  const makers = [
    swarmCommand,
    replayCommand,
    shrinkCommand,
    diffCommand,
    nightlyCommand,
    workerCommand,
  ]
  for (const make of makers) {
    const command = make(io).addHelpText('after', EXIT_CODES)
    program.addCommand(command.copyInheritedSettings(program))
  }
}

const EXIT_CODES = `
Exit code: 0 all pass, 1 an invariant is broken, 2 unknown (a seed was stopped for its time, or no worker ran one), 3
something that must come true does not, 4 a host or a process ends, 5 two runs of one seed differ, 64 usage (a queue that
cannot be reached, too), 70 the engine's own fault (a page that cannot be written, too, where all pass), 130 interrupted.`
