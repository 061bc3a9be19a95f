import { setTimeout as delay } from 'node:timers/promises'
import type { Shared } from './case.ts'

/** What cases make together: a libp2p node, a played server. Each is made once and closed after the last case. */
export class SharedThings {
  readonly #made = new Map<string, Promise<Shared<unknown>>>()

  async get<T>(key: string, make: () => Promise<Shared<T>>): Promise<T> {
    let making = this.#made.get(key) as Promise<Shared<T>> | undefined
    if (making === undefined) {
      making = make()
      this.#made.set(key, making)
      // The next case may have more luck.
      making.catch(() => this.#made.delete(key))
    }
    return (await making).value
  }

  async close(): Promise<void> {
    const made = [...this.#made.values()]
    this.#made.clear()
    await closeAll(made.map((making) => async () => (await making).close()))
  }
}

/** Nothing that is closed needs longer; who hangs is left behind. */
const CLOSE_TIMEOUT_MS = 2_000

/** Calls all, the last one first, whatever they throw: a verdict stands, and what is not closed ends with the process. */
export async function closeAll(closers: readonly (() => unknown)[]): Promise<void> {
  for (const close of closers.toReversed()) {
    const closed = Promise.try(close).catch(() => {})
    await Promise.race([closed, delay(CLOSE_TIMEOUT_MS, undefined, { ref: false })])
  }
}
