import { setTimeout as delay } from 'node:timers/promises'

/** Turns for exchanges: the first at once, each next one `1 / perSecond` after the one before. */
export class Pace {
  readonly #intervalMs: number
  #nextMs = 0

  constructor({ perSecond }: { readonly perSecond: number }) {
    if (!(perSecond > 0)) throw new RangeError(`rate is ${perSecond}, wanted more than 0 a second`)
    this.#intervalMs = 1000 / perSecond
  }

  /** Resolves when the next turn has come; rejects with the signal's reason. */
  async turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const now = performance.now()
    const atMs = Math.max(now, this.#nextMs)
    this.#nextMs = atMs + this.#intervalMs
    if (atMs > now) {
      await delay(atMs - now, undefined, { signal }).catch(() => signal.throwIfAborted())
    }
  }
}
