// Buckets that refill steadily, by the generic cell rate algorithm: one number for each key, the time at which its bucket
// is full again.
import { BoundedMap } from './bounded-map.ts'

export interface Limit {
  readonly count: number
  readonly periodMs: number
}

/** A limit that is left out does not bind. */
export interface LimitSettings {
  readonly accountsPerAddress?: Limit
  readonly ordersPerAccount?: Limit
  readonly certificatesPerDomain?: Limit
  readonly certificatesPerNameSet?: Limit
  readonly failuresPerName?: Limit
  /** Requests of one address to each endpoint, answered with 503 beyond that. */
  readonly requests?: Limit
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** Those of production, 2026-08. */
export const LETS_ENCRYPT_LIMITS: LimitSettings = {
  accountsPerAddress: { count: 10, periodMs: 3 * HOUR_MS },
  ordersPerAccount: { count: 300, periodMs: 3 * HOUR_MS },
  certificatesPerDomain: { count: 50, periodMs: 7 * DAY_MS },
  certificatesPerNameSet: { count: 5, periodMs: 7 * DAY_MS },
  failuresPerName: { count: 5, periodMs: HOUR_MS },
}

const KEYS_MAX = 100_000

export class LimitState {
  /** When the bucket of a key is full again. */
  readonly #fullAtMs = new BoundedMap<number>(KEYS_MAX)

  /** How long until one more is allowed; 0 for now. */
  waitMs(key: string, { count, periodMs }: Limit, now: number): number {
    const fullAtMs = Math.max(this.#fullAtMs.get(key) ?? now, now)
    return Math.max(0, fullAtMs + Math.ceil(periodMs / count) - now - periodMs)
  }

  spend(key: string, { count, periodMs }: Limit, now: number): void {
    const fullAtMs = Math.max(this.#fullAtMs.get(key) ?? now, now)
    this.#fullAtMs.set(key, fullAtMs + Math.ceil(periodMs / count))
  }
}
