/** What a command has of the process that runs it. */
export interface CommandIo {
  /** Standard output. */
  readonly out: (text: string) => void
  /** Standard error. */
  readonly error: (text: string) => void
  /** Standard error where it is a terminal: what is going on is painted there. */
  readonly terminal: NodeJS.WriteStream | undefined
  readonly environment: NodeJS.ProcessEnv
  /** Aborted when somebody wants it to end. */
  readonly signal: AbortSignal
  /** What the process shall end with; said early, it holds where a page then cannot be written. */
  readonly end: (code: number) => void
}
