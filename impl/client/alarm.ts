/**
 * The longest single timer, in ms. Node fires timers past 2^31 - 1 ms at once, which is shorter than the lifetime of
 * a certificate; and timers do not notice when the clock is set, which one that is short does soon.
 */
const TIMER_MS_MAX = 60_000

/** Calls back at a time of day, once. Setting it again replaces the time. */
export class Alarm {
  readonly #onTime: () => void
  #timer: NodeJS.Timeout | undefined
  #time: number | undefined

  constructor(onTime: () => void) {
    this.#onTime = onTime
  }

  /** The time that it is set to, in ms since 1970. */
  get time(): number | undefined {
    return this.#time
  }

  /** Calls back at `time` (ms since 1970), or at the next turn when that is past. */
  set(time: number): void {
    this.clear()
    this.#time = time
    this.#wait(time)
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#time = undefined
  }

  #wait(time: number): void {
    const remainingMs = Math.max(0, time - Date.now())
    this.#timer = setTimeout(
      () => {
        if (Date.now() < time) return this.#wait(time)
        this.clear()
        this.#onTime()
      },
      Math.min(remainingMs, TIMER_MS_MAX),
    )
  }
}
