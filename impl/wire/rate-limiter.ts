/** Keys that are remembered. Past that the oldest is forgotten, and so gets a full burst again. */
const KEYS_MAX = 10_000

/** So many requests at once, then one every `intervalMs`. */
export interface RateLimit {
  readonly burst: number
  readonly intervalMs: number
}

/**
 * A token bucket for each key: `burst` requests at once, then one every `intervalMs`. Holds its memory whatever
 * comes: a stranger can make as many keys as it likes.
 */
export class RateLimiter {
  readonly #burst: number
  readonly #intervalMs: number
  /** When the bucket of a key will be full again, in ms: all that a token bucket needs to remember. */
  readonly #fullAtMs = new Map<string, number>()

  constructor({ burst, intervalMs }: RateLimit) {
    if (!(burst >= 1) || !(intervalMs >= 0)) {
      throw new RangeError(
        `rate limit is burst ${burst}, interval ${intervalMs} ms; wanted a burst of at least 1 and an interval of at least 0 ms`,
      )
    }
    this.#burst = burst
    this.#intervalMs = intervalMs
  }

  /** Takes one token of the key's bucket at `now` (monotonic ms); false when there is none. */
  take(key: string, now: number): boolean {
    const fullAtMs = Math.max(this.#fullAtMs.get(key) ?? now, now) + this.#intervalMs
    if (fullAtMs - now > this.#burst * this.#intervalMs) return false
    // Delete and set moves the key to the end: the Map's order is then the order of last use.
    this.#fullAtMs.delete(key)
    this.#fullAtMs.set(key, fullAtMs)
    if (this.#fullAtMs.size > KEYS_MAX) {
      const oldest = this.#fullAtMs.keys().next()
      if (!oldest.done) this.#fullAtMs.delete(oldest.value)
    }
    return true
  }
}
