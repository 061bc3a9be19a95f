import type { LogFormat, LogLevel } from '../log.ts'

/** What a command has of the process that it runs in; only cli.ts touches the process itself. */
export interface CommandIo {
  /** Writes to standard output: what was asked for, and nothing else. */
  readonly write: (text: string) => void
  /** Writes to standard error, for people. */
  readonly note: (text: string) => void
  /** Whether standard error is a terminal. */
  readonly terminal: boolean
  /** Aborts when the process is told to end. */
  readonly signal: AbortSignal
}

/** Options that every command with a log has. */
export interface LogOptions {
  readonly log?: LogFormat
  readonly logLevel?: LogLevel
}

/** What the user asked for cannot be: the text says why, and what can. */
export class UsageError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
  }
}

/** One JSON document, for machines. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`
}
