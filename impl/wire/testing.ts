// What the tests of every room are made of: deadlines that pass when a test says so.

/** As much of a test as holding deadlines needs. */
interface Test {
  teardown(handler: () => unknown): void
}

/** Deadlines in the hand of a test. */
export interface HeldDeadlines {
  /** Give this as the timeout of what is tested. */
  readonly timeoutMs: number
  /** Waits for something while the time of every deadline is over as soon as it begins. */
  hurry<T>(work: Promise<T>): Promise<T>
}

/** Nobody else waits for just so long. */
const HELD_TIMEOUT_MS = 12_345
const HURRY_INTERVAL_MS = 10

/**
 * Takes the place of AbortSignal.timeout for one length of time, until the end of the test. A short real timeout would
 * also end what has to succeed, whenever the machine is busy.
 */
export function holdDeadlines(t: Test): HeldDeadlines {
  const held = new Set<AbortController>()
  const timeout = AbortSignal.timeout.bind(AbortSignal)
  AbortSignal.timeout = (delayMs) => {
    if (delayMs !== HELD_TIMEOUT_MS) return timeout(delayMs)
    const deadline = new AbortController()
    held.add(deadline)
    return deadline.signal
  }
  t.teardown(() => {
    AbortSignal.timeout = timeout
  })
  const expire = (): void => {
    for (const deadline of held) {
      deadline.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'))
    }
    held.clear()
  }
  return {
    timeoutMs: HELD_TIMEOUT_MS,
    async hurry(work) {
      const timer = setInterval(expire, HURRY_INTERVAL_MS)
      try {
        return await work
      } finally {
        clearInterval(timer)
      }
    },
  }
}
