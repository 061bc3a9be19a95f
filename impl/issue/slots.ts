/** Lets a fixed number run at once, and a fixed number wait for that, in the order of arrival. */
export class Slots {
  readonly #runningMax: number
  readonly #waitingMax: number
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor({
    runningMax,
    waitingMax,
  }: {
    readonly runningMax: number
    readonly waitingMax: number
  }) {
    this.#runningMax = runningMax
    this.#waitingMax = waitingMax
  }

  /** Whether {@link enter} would neither be let in nor wait. */
  get full(): boolean {
    return this.#running >= this.#runningMax && this.#waiting.length >= this.#waitingMax
  }

  /**
   * Waits for a slot; whoever gets one calls {@link leave}.
   * @throws the reason of the signal.
   */
  async enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#running < this.#runningMax) {
      this.#running += 1
      return
    }
    const turn = Promise.withResolvers<void>()
    const abort = (): void => {
      const index = this.#waiting.indexOf(turn.resolve)
      // Absent when the slot was handed over already: then the turn stands.
      if (index < 0) return
      this.#waiting.splice(index, 1)
      turn.reject(signal.reason)
    }
    signal.addEventListener('abort', abort, { once: true })
    this.#waiting.push(turn.resolve)
    try {
      await turn.promise
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  leave(): void {
    const next = this.#waiting.shift()
    // A slot that is handed over stays taken, so that nobody slips in between.
    if (next === undefined) this.#running -= 1
    else next()
  }
}
