/** How a probe is made. */
export interface ProbeInit {
  /** What is looked at, in the words of an operator: `store`, `dns servers`, `CA`. */
  readonly name: string
  /** Throws an error that says what is wrong. What does not listen to the signal is not waited for either. */
  readonly run: (signal: AbortSignal) => void | Promise<void>
  /** Longer is a failure, in ms. */
  readonly timeoutMs: number
  /** How long a result holds, in ms: however often somebody asks, it is looked no more often. */
  readonly holdsMs: number
}

/** A question to something that may be slow or absent: bounded in time, asked once for all who wait, and remembered. */
export class Probe {
  readonly name: string
  readonly holdsMs: number
  readonly #init: ProbeInit
  readonly #stopping = new AbortController()
  #last: { readonly problem: string | undefined; readonly at: number } | undefined
  #running: Promise<string | undefined> | undefined

  constructor(init: ProbeInit) {
    this.#init = init
    this.name = init.name
    this.holdsMs = init.holdsMs
  }

  /** What is wrong, or undefined when nothing is; never throws. */
  check(): Promise<string | undefined> {
    const last = this.#last
    if (last !== undefined && performance.now() - last.at < this.holdsMs) {
      return Promise.resolve(last.problem)
    }
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  /** Ends what is under way. */
  stop(): void {
    this.#stopping.abort(new Error('the server is stopping'))
  }

  async #run(): Promise<string | undefined> {
    const { run, timeoutMs } = this.#init
    const late = new AbortController()
    const timer = setTimeout(() => {
      late.abort(new Error(`no result within ${timeoutMs} ms`))
    }, timeoutMs)
    const signal = AbortSignal.any([late.signal, this.#stopping.signal])
    const aborted = Promise.withResolvers<never>()
    const abort = (): void => aborted.reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    let problem: string | undefined
    try {
      signal.throwIfAborted()
      await Promise.race([Promise.try(() => run(signal)), aborted.promise])
    } catch (error) {
      // Who listened to the signal may throw an error of its own for the same cause.
      const cause: unknown = signal.aborted ? signal.reason : error
      problem = cause instanceof Error ? cause.message : String(cause)
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
    }
    // From its end: what took long is not asked again at once.
    this.#last = { problem, at: performance.now() }
    return problem
  }
}
