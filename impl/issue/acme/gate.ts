import { AcmeError, AcmeTimeoutError } from './problems.ts'

/** Far more than the issue server runs at once; what is beyond is refused, not stored. */
const WAITERS_MAX = 1024

/**
 * Lets one operation through at a time, in the order of arrival.
 *
 * Pebble stops for ever when an authorization is read while another newOrder searches the authorizations
 * (its two locks are taken in either order), so newOrder and the reads that follow it pass one by one.
 */
export class Gate {
  readonly #waitMsMax: number
  readonly #waiters: Waiter[] = []
  #busy = false

  /** @param options.waitMsMax how long a waiter has waited at least before the CA's silence ends it too */
  constructor({ waitMsMax }: { readonly waitMsMax: number }) {
    this.#waitMsMax = waitMsMax
  }

  async run<T>(operation: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#enter(signal)
    try {
      signal.throwIfAborted()
      return await operation()
    } catch (error) {
      if (error instanceof AcmeTimeoutError) this.#endOldWaiters(error)
      throw error
    } finally {
      this.#leave()
    }
  }

  async #enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (!this.#busy) {
      this.#busy = true
      return
    }
    if (this.#waiters.length >= WAITERS_MAX) {
      throw new AcmeError('retry', `more than ${WAITERS_MAX} orders wait for the ca`)
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const waiter: Waiter = { sinceMs: performance.now(), resolve, reject }
    const abort = (): void => {
      this.#remove(waiter)
      reject(signal.reason)
    }
    signal.addEventListener('abort', abort, { once: true })
    this.#waiters.push(waiter)
    try {
      await promise
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  #leave(): void {
    const next = this.#waiters.shift()
    if (next === undefined) this.#busy = false
    // The gate stays busy: it is handed over, so that nobody slips in between.
    else next.resolve()
  }

  /** Without this, n orders behind a CA that hangs would take n timeouts until the last one knows. */
  #endOldWaiters(cause: AcmeTimeoutError): void {
    const latestMs = performance.now() - this.#waitMsMax
    for (const waiter of this.#waiters.filter(({ sinceMs }) => sinceMs <= latestMs)) {
      this.#remove(waiter)
      waiter.reject(new AcmeTimeoutError('ca did not answer an order before this one', { cause }))
    }
  }

  #remove(waiter: Waiter): void {
    const index = this.#waiters.indexOf(waiter)
    if (index >= 0) this.#waiters.splice(index, 1)
  }
}

interface Waiter {
  /** In ms of performance.now(). */
  readonly sinceMs: number
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
}
