import type { Timer, VirtualClock } from './clock.ts'
import { native } from './native.ts'
import { simulation } from './simulation.ts'

/** Node's: what is longer fires after 1 ms, with a warning. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1

type Callback = (...parameters: unknown[]) => unknown

/** What `setTimeout` and `setInterval` return while a world is on: everything that Node's `Timeout` has. */
export class VirtualTimeout {
  readonly #afterMs: number
  readonly #repeats: boolean
  readonly #parameters: readonly unknown[]
  /** Undefined once it was cleared. */
  #callback: Callback | undefined
  #clock: VirtualClock
  #timer: Timer
  #id: number | undefined
  #refs = true

  constructor(
    callback: Callback,
    after: unknown,
    { parameters = [], repeats = false, clock }: TimeoutInit,
  ) {
    this.#afterMs = timeoutMs(after)
    this.#repeats = repeats
    this.#parameters = parameters
    this.#callback = callback
    this.#clock = clock
    this.#timer = clock.schedule(this.#afterMs, this.#fire)
  }

  hasRef(): boolean {
    return this.#refs
  }

  ref(): this {
    return this.#setRefs(true)
  }

  unref(): this {
    return this.#setRefs(false)
  }

  /** Starts it again from now, fired or not. */
  refresh(): this {
    if (this.#callback === undefined) return this
    const clock = simulation()?.clock
    if (clock === this.#clock) {
      clock.reschedule(this.#timer, this.#afterMs)
    } else if (clock !== undefined) {
      // A module that outlives worlds keeps one timer for all of them: it goes on in the one that is on.
      this.#clock = clock
      this.#timer = clock.schedule(this.#afterMs, this.#fire)
      clock.setCounts(this.#timer, this.#refs)
    }
    return this
  }

  close(): this {
    this.#callback = undefined
    this.#clock.cancel(this.#timer)
    if (this.#id !== undefined) simulation()?.timeouts.delete(this.#id)
    return this
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** A number that `clearTimeout` knows until the timer has fired. */
  [Symbol.toPrimitive](): number {
    const timeouts = simulation()?.timeouts
    this.#id ??= this.#clock.nextId()
    if (this.#clock.isPending(this.#timer)) timeouts?.set(this.#id, this)
    return this.#id
  }

  readonly #fire = (): void => {
    const callback = this.#callback
    if (callback === undefined) return
    if (!this.#repeats && this.#id !== undefined) simulation()?.timeouts.delete(this.#id)
    try {
      callback.apply(this, this.#parameters as unknown[])
    } finally {
      // As in Node, an interval goes on after an exception, and `refresh` within it counts from now all the same.
      if (this.#repeats && this.#callback !== undefined) {
        this.#clock.reschedule(this.#timer, this.#afterMs)
      }
    }
  }

  #setRefs(refs: boolean): this {
    this.#refs = refs
    this.#clock.setCounts(this.#timer, refs)
    return this
  }
}

interface TimeoutInit {
  readonly parameters?: readonly unknown[]
  readonly repeats?: boolean
  readonly clock: VirtualClock
}

/** What `setImmediate` returns while a world is on. */
export class VirtualImmediate {
  readonly #clock: VirtualClock
  readonly #timer: Timer
  #refs = true

  constructor(callback: Callback, parameters: readonly unknown[], clock: VirtualClock) {
    this.#clock = clock
    this.#timer = clock.schedule(0, () => {
      callback.apply(this, parameters as unknown[])
    })
  }

  hasRef(): boolean {
    return this.#refs
  }

  ref(): this {
    return this.#setRefs(true)
  }

  unref(): this {
    return this.#setRefs(false)
  }

  [Symbol.dispose](): void {
    this.#clock.cancel(this.#timer)
  }

  #setRefs(refs: boolean): this {
    this.#refs = refs
    this.#clock.setCounts(this.#timer, refs)
    return this
  }
}

export function setTimeout(callback: Callback, after?: unknown, ...parameters: unknown[]): unknown {
  const clock = simulation()?.clock
  // Node says what is wrong with a callback that is none.
  if (clock === undefined || typeof callback !== 'function') {
    return native.setTimeout(callback, after as number, ...parameters)
  }
  return new VirtualTimeout(callback, after, { parameters, clock })
}

export function setInterval(
  callback: Callback,
  after?: unknown,
  ...parameters: unknown[]
): unknown {
  const clock = simulation()?.clock
  if (clock === undefined || typeof callback !== 'function') {
    return native.setInterval(callback, after as number, ...parameters)
  }
  return new VirtualTimeout(callback, after, { parameters, clock, repeats: true })
}

export function setImmediate(callback: Callback, ...parameters: unknown[]): unknown {
  const clock = simulation()?.clock
  if (clock === undefined || typeof callback !== 'function') {
    return native.setImmediate(callback, ...parameters)
  }
  return new VirtualImmediate(callback, parameters, clock)
}

/** Takes what `setTimeout` or `setInterval` has returned, or its number. */
export function clearTimeout(timeout?: unknown): void {
  if (timeout instanceof VirtualTimeout) {
    timeout.close()
    return
  }
  const known =
    typeof timeout === 'number' || typeof timeout === 'string'
      ? simulation()?.timeouts.get(Number(timeout))
      : undefined
  if (known === undefined) native.clearTimeout(timeout as NodeJS.Timeout)
  else known.close()
}

export function clearImmediate(immediate?: unknown): void {
  if (immediate instanceof VirtualImmediate) immediate[Symbol.dispose]()
  else native.clearImmediate(immediate as NodeJS.Immediate)
}

/** Node's rules for a delay: whole milliseconds, at least 1, and 1 for all that it cannot count. */
function timeoutMs(after: unknown): number {
  const ms = after === undefined ? 1 : (after as number) * 1
  if (ms >= 1 && ms <= TIMEOUT_MS_MAX) return Math.trunc(ms)
  // Node warns of a delay that is too long, negative or no number, of the latter two once: it shall do so itself.
  if (ms !== 0) native.clearTimeout(native.setTimeout(() => {}, ms))
  return 1
}
