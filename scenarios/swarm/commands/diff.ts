import { Command } from 'commander'
import type { CommandIo } from '../../commands/io.ts'
import { describe, firstDifference } from '../determinism.ts'
import { EXIT } from '../verdict.ts'

/** `scenario diff TRACE TRACE`: where two traces part. */
export function diffCommand(io: CommandIo): Command {
  return new Command('diff')
    .description('Shows the first line in which two traces differ (replay --trace writes them).')
    .argument('<trace>', 'a file')
    .argument('<other>', 'a file')
    .action(async (one: string, other: string) => {
      const difference = await firstDifference(one, other).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error
        io.error(`scenario: there is no file "${error.path}"\n`)
        return 'missing' as const
      })
      if (difference === 'missing') return io.end(EXIT.usage)
      io.out(`${difference === undefined ? 'the traces are the same' : describe(difference)}\n`)
      io.end(difference === undefined ? EXIT.pass : EXIT['non-determinism'])
    })
}
