import type { TraceEntry } from '../../engine/trace.ts'
import type { World } from '../../engine/world.ts'
import type { Complaint } from '../eventually.ts'

/** What must always hold and can only be told by who has seen all that happened before: an invariant with a memory. */
export interface Watch {
  readonly name: string
  /** Begins with a new world; what it returns is called for every entry, from the first on. */
  readonly open: (world: World, facts: WatchFacts) => See
}

export type See = (entry: TraceEntry) => Promise<Complaint | undefined> | Complaint | undefined

/** What is known of a world that is not in its trace. */
export interface WatchFacts {
  /** Nothing is done to anybody. */
  readonly calm: boolean
}

/** What a host's clock says, in ms since 1970; the engine's where no host has one of its own. */
export function timeOfDay({ driver: { simulated } }: World, host: string): number {
  if (simulated === undefined) return Date.now()
  const { clock } = simulated
  return clock.epochMs + clock.nowMs + simulated.machine(host).clock.skewMs(clock.nowMs)
}

/** Which faults each host suffers now, and when the last one ended; of those of other hosts it knows nothing. */
export class Sufferings {
  readonly #active = new Map<string, Map<string, number>>()
  readonly #ended = new Map<string, number>()
  readonly #ever = new Set<string>()

  note({ atMs, host, event, detail }: TraceEntry): void {
    if (!event.startsWith('fault:')) return
    const kinds = this.#active.get(host) ?? new Map<string, number>()
    this.#active.set(host, kinds)
    const kind = event === 'fault:healed' ? String(detail['kind']) : event.slice('fault:'.length)
    const count = (kinds.get(kind) ?? 0) + (event === 'fault:healed' ? -1 : 1)
    if (count > 0) kinds.set(kind, count)
    else kinds.delete(kind)
    this.#ended.set(host, atMs)
    this.#ever.add(`${host} ${kind}`)
  }

  /** Whether it suffers nothing `but` what does not matter, and nothing has begun or ended for so long. */
  isWell(
    host: string,
    {
      atMs,
      forMs = 0,
      but,
    }: { readonly atMs: number; readonly forMs?: number; readonly but?: string },
  ): boolean {
    const suffers = [...(this.#active.get(host)?.keys() ?? [])].some((kind) => kind !== but)
    return !suffers && atMs - (this.#ended.get(host) ?? Number.NEGATIVE_INFINITY) >= forMs
  }

  /** Whether it has ever suffered from this. */
  has(host: string, kind: string): boolean {
    return this.#ever.has(`${host} ${kind}`)
  }
}
