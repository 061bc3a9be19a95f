import { orAbort } from '../abort.ts'

/**
 * One operation that many wait for, and its result once it is there. A caller's signal ends that caller's wait
 * only; a failure is given to all who wait, and the next caller begins anew.
 */
export class Shared<T> {
  readonly #make: () => Promise<T>
  #promise: Promise<T> | undefined

  constructor(make: () => Promise<T>) {
    this.#make = make
  }

  async get(signal: AbortSignal): Promise<T> {
    signal.throwIfAborted()
    const promise = (this.#promise ??= this.#start())
    return orAbort(promise, signal)
  }

  forget(): void {
    this.#promise = undefined
  }

  #start(): Promise<T> {
    const promise = this.#make()
    // Also the handler for a failure that comes when all who waited have gone.
    promise.catch(() => {
      if (this.#promise === promise) this.#promise = undefined
    })
    return promise
  }
}
