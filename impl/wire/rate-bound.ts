const WINDOW_MS = 1_000

/** Runs at most so many calls a second, and tells the next one how many it left out. */
export class RateBound {
  readonly #perSecond: number
  #windowStart = Number.NEGATIVE_INFINITY
  #run = 0
  #suppressed = 0

  constructor({ perSecond }: { readonly perSecond: number }) {
    this.#perSecond = perSecond
  }

  /** Calls `action`, or does not. `now` is any clock in ms. */
  run(now: number, action: (suppressed: number) => void): void {
    if (now - this.#windowStart >= WINDOW_MS) {
      this.#windowStart = now
      this.#run = 0
    }
    if (this.#run >= this.#perSecond) {
      this.#suppressed += 1
      return
    }
    this.#run += 1
    const suppressed = this.#suppressed
    this.#suppressed = 0
    action(suppressed)
  }
}
