const PARTS_PER_MILLION = 1_000_000

/** Whole milliseconds ahead of the world (or behind, when negative), and how many more each million gives. */
interface ClockError {
  readonly offsetMs?: number
  readonly driftPpm?: number
}

/**
 * How wrong a host's time of day is: jumps as of an operator or of NTP, and drifts. Only `Date` shows it; timers and
 * `performance.now` are monotonic, and run as the world's time does.
 */
export class HostClock {
  /** They add up. */
  readonly #errors = new Set<Required<ClockError> & { readonly sinceMs: number }>()

  constructor(error: ClockError = {}) {
    this.disturb(error, 0)
  }

  skewMs(nowMs: number): number {
    let skewMs = 0
    for (const { offsetMs, driftPpm, sinceMs } of this.#errors) {
      skewMs += offsetMs + Math.trunc(((nowMs - sinceMs) * driftPpm) / PARTS_PER_MILLION)
    }
    return skewMs
  }

  /**
   * Sets the clock forward, or back when negative, and has it drift from now on; what it is off already, it stays off.
   *
   * @returns the way to set right what came of this, and nothing else
   */
  disturb({ offsetMs = 0, driftPpm = 0 }: ClockError, nowMs: number): () => void {
    const error = { offsetMs: wholeMs('offsetMs', offsetMs), driftPpm, sinceMs: nowMs }
    this.#errors.add(error)
    return () => void this.#errors.delete(error)
  }
}

function wholeMs(name: string, value: number): number {
  if (!Number.isSafeInteger(value)) {
    throw new RangeError(`${name} is "${value}", wanted whole milliseconds`)
  }
  return value
}
