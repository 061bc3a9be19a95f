/**
 * The longest single timer, in ms. Node fires timers past 2^31 - 1 ms at once, which is shorter than the lifetime of
 * a certificate; and timers do not notice when the clock is set, which one that is short does soon.
 */
const TIMER_MS_MAX = 60_000

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
    this.#timer = setTimeout(
      () => {
        if (remainingMs() > 0) return this.#wait(remainingMs)
        this.clear()
        this.#onTime()
      },
      Math.min(Math.max(0, remainingMs()), TIMER_MS_MAX),
    )
  }
}
