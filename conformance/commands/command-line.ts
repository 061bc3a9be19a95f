// What the commands' own command lines are made of.
import { Command, InvalidArgumentError } from 'commander'
import { COMMAND } from '../suite/agent.ts'

export function subcommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .exitOverride()
    .showHelpAfterError('(add --help for what there is)')
}

export function examples(command: Command, lines: readonly string[]): Command {
  const text = lines.map((line) => `  ${COMMAND} ${line}`).join('\n')
  return command.addHelpText('after', `\nExamples:\n${text}`)
}

/** For an option that is given once for each of these words. */
export function collectOneOf<Word extends string>(words: readonly Word[]) {
  return (value: string, earlier: readonly Word[] = []): readonly Word[] => {
    const found = words.find((word) => word === value)
    if (found === undefined) throw new InvalidArgumentError(`Wanted one of ${words.join(', ')}.`)
    return [...earlier, found]
  }
}

export function collect(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value]
}
