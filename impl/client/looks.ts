/** One timer for all that look at the clock now and then: a node that sleeps most of the time wakes up once for them. */
export class Looks {
  readonly #everyMs: number
  readonly #waiting = new Set<() => void>()
  #timer: NodeJS.Timeout | undefined

  /** @param everyMs the longest that anybody waits for a look */
  constructor(everyMs: number) {
    this.#everyMs = everyMs
  }

  /** Calls back at the next look, once. */
  next(look: () => void): void {
    this.#waiting.add(look)
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      const looking = [...this.#waiting]
      // Who is called can cancel another one's look, or wait for the next.
      for (const one of looking) if (this.#waiting.delete(one)) one()
    }, this.#everyMs)
  }

  cancel(look: () => void): void {
    if (!this.#waiting.delete(look) || this.#waiting.size > 0) return
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
