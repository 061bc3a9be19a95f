import { native } from './native.ts'
import { simulation } from './simulation.ts'
import { VirtualImmediate, VirtualTimeout } from './timeouts.ts'

interface Options {
  readonly signal?: AbortSignal | undefined
  readonly ref?: boolean | undefined
}

/** `setTimeout` of `node:timers/promises`. */
export function setTimeout(delay?: unknown, value?: unknown, options?: unknown): Promise<unknown> {
  const clock = simulation()?.clock
  if (clock === undefined || !isDelay(delay) || !isWaitable(options)) {
    return native.promises.setTimeout(delay as number, value, options as Options)
  }
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  const timeout = new VirtualTimeout(resolve, delay, { parameters: [value], clock })
  if (options?.ref === false) timeout.unref()
  return untilAborted(promise, options?.signal, (error) => {
    timeout.close()
    reject(error)
  })
}

/** `setImmediate` of `node:timers/promises`. */
export function setImmediate(value?: unknown, options?: unknown): Promise<unknown> {
  const clock = simulation()?.clock
  if (clock === undefined || !isWaitable(options)) {
    return native.promises.setImmediate(value, options as Options)
  }
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  const immediate = new VirtualImmediate(resolve, [value], clock)
  if (options?.ref === false) immediate.unref()
  return untilAborted(promise, options?.signal, (error) => {
    immediate[Symbol.dispose]()
    reject(error)
  })
}

/** `setInterval` of `node:timers/promises`. */
export function setInterval(
  delay?: unknown,
  value?: unknown,
  options?: unknown,
): AsyncIterableIterator<unknown> {
  const clock = simulation()?.clock
  if (clock === undefined || !isDelay(delay) || !isWaitable(options)) {
    return native.promises.setInterval(delay as number, value, options as Options)
  }
  return ticks(delay, value, options ?? {})
}

/** `scheduler.wait` of `node:timers/promises`. */
export function wait(delay?: unknown, options?: unknown): Promise<unknown> {
  return setTimeout(delay, undefined, options)
}

/** `scheduler.yield` of `node:timers/promises`. */
export function yieldTurn(): Promise<unknown> {
  return setImmediate()
}

async function* ticks(
  delay: number | undefined,
  value: unknown,
  { signal, ref }: Options,
): AsyncGenerator<unknown> {
  // Node's interval begins when the first value is asked for, and counts those that nobody has asked for yet.
  const clock = simulation()?.clock
  if (clock === undefined) return
  let due = 0
  let wake = Promise.withResolvers<void>()
  const interval = new VirtualTimeout(
    () => {
      due += 1
      wake.resolve()
    },
    delay,
    { clock, repeats: true },
  )
  if (ref === false) interval.unref()
  const abort = (): void => {
    interval.close()
    wake.resolve()
  }
  signal?.addEventListener('abort', abort, { once: true })
  try {
    while (signal?.aborted !== true) {
      if (due === 0) {
        wake = Promise.withResolvers<void>()
        await wake.promise
      }
      for (; due > 0; due--) yield value
    }
    throw new AbortError(signal.reason)
  } finally {
    interval.close()
    signal?.removeEventListener('abort', abort)
  }
}

/** As Node's, which it keeps for itself. */
class AbortError extends Error {
  override readonly name = 'AbortError'
  readonly code = 'ABORT_ERR'

  constructor(cause: unknown) {
    super('The operation was aborted', { cause })
  }
}

function untilAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  abort: (error: AbortError) => void,
): Promise<T> {
  if (signal === undefined) return promise
  const listener = (): void => abort(new AbortError(signal.reason))
  signal.addEventListener('abort', listener, { once: true })
  return promise.finally(() => signal.removeEventListener('abort', listener))
}

const isDelay = (delay: unknown): delay is number | undefined =>
  delay === undefined || typeof delay === 'number'

/** Whether there is something to wait for: Node itself refuses options that are wrong, and a signal that is aborted. */
function isWaitable(options: unknown): options is Options | undefined {
  if (options === undefined) return true
  if (typeof options !== 'object' || options === null || Array.isArray(options)) return false
  const { signal, ref } = options as Options
  if (ref !== undefined && typeof ref !== 'boolean') return false
  if (signal === undefined) return true
  return signal instanceof AbortSignal && !signal.aborted
}
