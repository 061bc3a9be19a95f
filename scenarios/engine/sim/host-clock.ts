const PARTS_PER_MILLION = 1_000_000

/**
 * How wrong a host's time of day is: a constant, a drift, and jumps as of an operator or of NTP. Only `Date` shows it;
 * timers and `performance.now` are monotonic, and run as the world's time does.
 */
export class HostClock {
  #offsetMs: number
  #driftPpm: number
  /** When the drift began: before it, the offset holds what earlier drifts came to. */
  #sinceMs = 0

  /** Whole milliseconds ahead of the world (or behind, when negative), and how many more each million gives. */
  constructor({
    offsetMs = 0,
    driftPpm = 0,
  }: { readonly offsetMs?: number; readonly driftPpm?: number } = {}) {
    this.#offsetMs = wholeMs('offsetMs', offsetMs)
    this.#driftPpm = driftPpm
  }

  skewMs(nowMs: number): number {
    return (
      this.#offsetMs + Math.trunc(((nowMs - this.#sinceMs) * this.#driftPpm) / PARTS_PER_MILLION)
    )
  }

  /** Sets the clock forward, or back when negative. */
  jump(byMs: number): void {
    this.#offsetMs += wholeMs('byMs', byMs)
  }

  /** Sets the clock right; it goes on drifting. */
  correct(nowMs: number): void {
    this.#offsetMs = 0
    this.#sinceMs = nowMs
  }

  /** Gives the clock another drift from now on. What it is off already, it stays off. */
  drift(driftPpm: number, nowMs: number): void {
    this.#offsetMs = this.skewMs(nowMs)
    this.#sinceMs = nowMs
    this.#driftPpm = driftPpm
  }
}

function wholeMs(name: string, value: number): number {
  if (!Number.isSafeInteger(value)) {
    throw new RangeError(`${name} is "${value}", wanted whole milliseconds`)
  }
  return value
}
