/** A host threw and nobody caught it: outside a simulation, its process would have ended. The cause is what it threw. */
export class HostFailure extends Error {
  override readonly name = 'HostFailure'
  /** Undefined when it was the engine's own code. */
  readonly host: string | undefined
  /** Virtual time. */
  readonly atMs: number

  constructor({
    host,
    atMs,
    cause,
  }: {
    readonly host: string | undefined
    readonly atMs: number
    readonly cause: unknown
  }) {
    const who = host === undefined ? 'the engine' : `host "${host}"`
    const what = cause instanceof Error ? cause.message : String(cause)
    super(`${who} failed at ${atMs} ms of virtual time: ${what}`, { cause })
    this.host = host
    this.atMs = atMs
  }
}
