/**
 * The longest single timer, in ms: a minute near the time, ten minutes when it is more than a week away. Node fires
 * timers past 2^31 - 1 ms at once, which is shorter than the lifetime of a certificate; and timers do not notice when
 * the clock is set, or the machine sleeps.
 */
const NEAR_MS_MAX = 60_000
const FAR_MS_MAX = 600_000
/** Of what is left: whoever looks at the clock only then is late by no more. */
const LOOK_PART = 1 / 1_000

/** Calls back at a time of day or after a while, once. Setting it again replaces the time. */
export class Alarm {
  readonly #onTime: () => void
  #timer: NodeJS.Timeout | undefined
  #time: number | undefined

  constructor(onTime: () => void) {
    this.#onTime = onTime
  }

  /** When it calls back, in ms since 1970, as the clock is now. */
  get time(): number | undefined {
    return this.#time
  }

  /** Calls back at `time` (ms since 1970), or at the next turn when that is past. */
  set(time: number): void {
    this.clear()
    this.#time = time
    this.#wait(() => time - Date.now())
  }

  /** Calls back after so long, whatever the clock is set to meanwhile. */
  setIn(delayMs: number): void {
    this.clear()
    this.#time = Math.round(Date.now() + delayMs)
    const end = performance.now() + delayMs
    this.#wait(() => end - performance.now())
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#time = undefined
  }

  #wait(remainingMs: () => number): void {
    const leftMs = remainingMs()
    const longestMs = Math.min(Math.max(leftMs * LOOK_PART, NEAR_MS_MAX), FAR_MS_MAX)
    this.#timer = setTimeout(
      () => {
        if (remainingMs() > 0) return this.#wait(remainingMs)
        this.clear()
        this.#onTime()
      },
      Math.min(Math.max(0, leftMs), longestMs),
    )
  }
}
