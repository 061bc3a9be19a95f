import { withoutC1 } from '../suite/readable.ts'

/** What a command has of the process that it runs in; only cli.ts and output.ts touch the process itself. */
export interface CommandIo {
  /** Writes to standard output: what was asked for, and nothing else. */
  readonly write: (text: string) => void
  /** Whether a file is standard output, under whatever name: what goes there is written by `write`. */
  readonly isOutput: (file: string) => boolean
  /** All of standard input. */
  readonly read: () => Promise<string>
  /** Writes to standard error, for people. */
  readonly note: (text: string) => void
  /** Standard error, where it is a terminal. */
  readonly terminal: NodeJS.WriteStream | undefined
  readonly environment: Record<string, string | undefined>
  /** Aborts when the process is told to end. */
  readonly signal: AbortSignal
}

/** One JSON document, for machines. */
export function jsonText(value: unknown): string {
  return `${withoutC1(JSON.stringify(value, undefined, 2))}\n`
}
