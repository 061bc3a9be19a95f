import { setTimeout as delay } from 'node:timers/promises'
import type { Shared } from './case.ts'
import type { WireEntry, WireLog } from './wire-log.ts'

/** What cases make together: a libp2p node, a played server. Each is made once and closed after the last case. */
export class SharedThings {
  readonly #made = new Map<string, Made<unknown>>()

  /** @param wire of the case that asks. It gets what was recorded for this thing so far, and what comes. */
  async get<T>(
    key: string,
    make: (wire: WireLog) => Promise<Shared<T>>,
    wire?: WireLog,
  ): Promise<T> {
    let made = this.#made.get(key) as Made<T> | undefined
    if (made === undefined) {
      const log = new SharedWireLog()
      made = { log, making: make(log) }
      this.#made.set(key, made)
      // The next case may have more luck.
      made.making.catch(() => this.#made.delete(key))
    }
    if (wire !== undefined) made.log.attach(wire)
    return (await made.making).value
  }

  async close(): Promise<void> {
    const made = [...this.#made.values()]
    this.#made.clear()
    await closeAll(
      made.map(
        ({ making }) =>
          async () =>
            (await making).close(),
      ),
    )
  }
}

interface Made<T> {
  readonly making: Promise<Shared<T>>
  readonly log: SharedWireLog
}

/** Evidence of several cases at once. */
class SharedWireLog implements WireLog {
  readonly #entries: WireEntry[] = []
  readonly #logs = new Set<WireLog>()

  record(entry: WireEntry): void {
    this.#entries.push(entry)
    for (const log of this.#logs) log.record(entry)
  }

  /** A case may ask for one thing several times. */
  attach(log: WireLog): void {
    if (this.#logs.has(log)) return
    for (const entry of this.#entries) log.record(entry)
    this.#logs.add(log)
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
