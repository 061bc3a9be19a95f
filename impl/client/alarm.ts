import { LOOK_MS_MAX, type Looks } from './looks.ts'

/** Past 2^31 - 1 ms, which is shorter than the lifetime of a certificate, Node fires a timer at once. */
const TIMER_MS_MAX = 2 ** 31 - 1
/**
 * Timers do not notice when the clock is set, or the machine sleeps: one who waits for a time of day looks at the clock
 * when a tenth of what is left is over, at least every ten minutes, and not more often than every minute.
 */
const LOOK_PART = 1 / 10
const LOOK_MS_MIN = 60_000

/** Calls back at a time of day or after a while, once. Setting it again replaces the time. */
export class Alarm {
  readonly #onTime: () => void
  readonly #looks: Looks | undefined
  #timer: NodeJS.Timeout | undefined
  #look: (() => void) | undefined
  #time: number | undefined

  /** @param looks of others, with whom it looks at the clock while its time is far away */
  constructor(onTime: () => void, looks?: Looks) {
    this.#onTime = onTime
    this.#looks = looks
  }

  /** When it calls back, in ms since 1970, as the clock is now. */
  get time(): number | undefined {
    return this.#time
  }

  /** Calls back at `time` (ms since 1970), or at the next turn when that is past. */
  set(time: number): void {
    this.clear()
    this.#time = time
    this.#wait(() => time - Date.now(), { looking: true })
  }

  /** Calls back after so long, whatever the clock is set to meanwhile. */
  setIn(delayMs: number): void {
    this.clear()
    this.#time = Math.round(Date.now() + delayMs)
    const end = performance.now() + delayMs
    this.#wait(() => end - performance.now(), { looking: false })
  }

  clear(): void {
    clearTimeout(this.#timer)
    if (this.#look !== undefined) this.#looks?.cancel(this.#look)
    this.#timer = undefined
    this.#look = undefined
    this.#time = undefined
  }

  #wait(remainingMs: () => number, options: { readonly looking: boolean }): void {
    const leftMs = Math.max(0, remainingMs())
    const again = (): void => {
      this.#look = undefined
      if (remainingMs() > 0) return this.#wait(remainingMs, options)
      this.clear()
      this.#onTime()
    }
    const lookMs = Math.min(Math.max(leftMs * LOOK_PART, LOOK_MS_MIN), LOOK_MS_MAX)
    if (options.looking && lookMs === LOOK_MS_MAX && this.#looks !== undefined) {
      this.#look = again
      this.#looks.next(again)
    } else {
      this.#timer = setTimeout(again, Math.min(leftMs, options.looking ? lookMs : TIMER_MS_MAX))
    }
  }
}
