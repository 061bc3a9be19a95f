/** The longest that anybody waits for a look at the clock, in ms. */
export const LOOK_MS_MAX = 600_000

/** One timer for all that look at the clock now and then: a node that sleeps most of the time wakes up once for them. */
export class Looks {
  readonly #waiting = new Set<() => void>()
  #timer: NodeJS.Timeout | undefined

  /** Calls back at the next look, once. */
  next(look: () => void): void {
    this.#waiting.add(look)
    this.#timer ??= setTimeout(() => this.#look(), LOOK_MS_MAX)
  }

  cancel(look: () => void): void {
    if (!this.#waiting.delete(look) || this.#waiting.size > 0) return
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #look(): void {
    this.#timer = undefined
    for (const look of new Set(this.#waiting)) {
      // Who is called can cancel another one's look, or wait for the next.
      if (!this.#waiting.delete(look)) continue
      try {
        look()
      } catch (error) {
        // As of a timer of its own: it is nobody else's.
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }
}
