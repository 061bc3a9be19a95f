/** A deadline that can stand still. */
export class Deadline {
  readonly #controller = new AbortController()
  #remainingMs: number
  #startedMs = 0
  /** Keeps the process alive: it may be all that a case waits for. */
  #timer: NodeJS.Timeout | undefined
  #standing = 0

  constructor(milliseconds: number) {
    this.#remainingMs = milliseconds
    this.#start()
  }

  /** Aborts with a TimeoutError when the time is over. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Stands still until the work is done; several at once count once. */
  async without<T>(work: () => Promise<T>): Promise<T> {
    if (this.#standing++ === 0) this.#stop()
    try {
      return await work()
    } finally {
      if (--this.#standing === 0) this.#start()
    }
  }

  /** It never comes any more. */
  end(): void {
    this.#standing++
    this.#stop()
  }

  #start(): void {
    this.#startedMs = performance.now()
    this.#timer = setTimeout(() => {
      this.#controller.abort(new DOMException('the time of the check is over', 'TimeoutError'))
    }, this.#remainingMs)
  }

  #stop(): void {
    clearTimeout(this.#timer)
    this.#remainingMs = Math.max(0, this.#remainingMs - (performance.now() - this.#startedMs))
  }
}
