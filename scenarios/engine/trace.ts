import { AsyncResource } from 'node:async_hooks'

/** One thing that a host did, or that was done to it. */
export interface TraceEntry {
  /** Since the run began. */
  readonly atMs: number
  readonly host: string
  /** `role:what`, as the services name their events; the engine's own are `host:…`, `fault:…`, `ca:…`. */
  readonly event: string
  readonly detail: Readonly<Record<string, unknown>>
}

/** Entries kept: a run that says more has lost its way, and must not take the machine's memory. */
const ENTRIES_MAX = 100_000

/** Who did what when: what invariants judge and the report tells. */
export class Trace {
  readonly entries: TraceEntry[] = []
  readonly #begun = performance.now()
  readonly #listeners = new Set<(entry: TraceEntry) => void>()

  get elapsedMs(): number {
    return performance.now() - this.#begun
  }

  record(host: string, event: string, detail: Readonly<Record<string, unknown>> = {}): void {
    if (this.entries.length >= ENTRIES_MAX) return
    const entry = { atMs: this.elapsedMs, host, event, detail }
    this.entries.push(entry)
    for (const listener of this.#listeners) listener(entry)
  }

  /**
   * Calls `listener` on every entry from now on, in the async context of this call: who follows a host is not of that
   * host, and goes on when it dies. Returns the way to end that.
   */
  follow(listener: (entry: TraceEntry) => void): () => void {
    const bound = AsyncResource.bind(listener)
    this.#listeners.add(bound)
    return () => this.#listeners.delete(bound)
  }

  of(event: string): TraceEntry[] {
    return this.entries.filter((entry) => entry.event === event)
  }

  /** The first entry, past or to come, that `matches`. Rejects with the reason of `signal` when that aborts. */
  async waitFor(matches: (entry: TraceEntry) => boolean, signal: AbortSignal): Promise<TraceEntry> {
    const found = this.entries.find(matches)
    if (found !== undefined) return found
    const { promise, resolve, reject } = Promise.withResolvers<TraceEntry>()
    const abort = (): void => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    const unfollow = this.follow((entry) => {
      if (matches(entry)) resolve(entry)
    })
    try {
      signal.throwIfAborted()
      return await promise
    } finally {
      unfollow()
      signal.removeEventListener('abort', abort)
    }
  }
}
