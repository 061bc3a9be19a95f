import { CHALLENGE_LIFETIME_MS } from '../wire/protocols.ts'

/** Bounds of a {@link ChallengeStore}. */
export interface ChallengeStoreInit {
  /** How long a value lives after it was last set, in ms. @default 120 s (NT-DNS01-008) */
  readonly lifetimeMs?: number | undefined
  /** @default 10,000 (NT-DNS01-011) */
  readonly namesMax?: number | undefined
  /** @default 16 (NT-DNS01-011) */
  readonly valuesPerNameMax?: number | undefined
}

/** One value at one name; names are complete, lower case, and without `_acme-challenge.`. */
export interface Challenge {
  readonly name: string
  readonly value: string
}

/** What became of a value: a store that is full says so, and changes nothing. */
export type SetVerdict = 'set' | 'renewed' | 'too many names' | 'too many values'

const NAMES_MAX_DEFAULT = 10_000
const VALUES_PER_NAME_MAX_DEFAULT = 16

interface Entry extends Challenge {
  expiresAt: number
}

/**
 * The challenge values that are live. Several values of a name stand side by side, since two orders for it may run at
 * once, and each expires on its own (NT-DNS01-007, NT-DNS01-008).
 *
 * `now` is any clock in ms that never goes back.
 */
export class ChallengeStore {
  readonly #lifetimeMs: number
  readonly #namesMax: number
  readonly #valuesPerNameMax: number
  /** In the order in which they expire: all live equally long, and a renewed one goes to the end. */
  readonly #entries = new Map<string, Entry>()
  readonly #values = new Map<string, Set<string>>()
  /** How many names with values are at a name or below it: such a name exists (RFC 8020, NT-DNS-029). */
  readonly #below = new Map<string, number>()

  constructor(init: ChallengeStoreInit = {}) {
    this.#lifetimeMs = init.lifetimeMs ?? CHALLENGE_LIFETIME_MS
    this.#namesMax = init.namesMax ?? NAMES_MAX_DEFAULT
    this.#valuesPerNameMax = init.valuesPerNameMax ?? VALUES_PER_NAME_MAX_DEFAULT
  }

  /** Sets a value; one that is there already lives on for a whole lifetime. */
  set({ name, value }: Challenge, now: number): SetVerdict {
    this.#expire(now)
    const key = entryKey({ name, value })
    const renewed = this.#entries.delete(key)
    if (!renewed) {
      const values = this.#values.get(name)
      if (values === undefined) {
        if (this.#values.size >= this.#namesMax) return 'too many names'
        this.#values.set(name, new Set([value]))
        this.#count(name, 1)
      } else {
        if (values.size >= this.#valuesPerNameMax) return 'too many values'
        values.add(value)
      }
    }
    this.#entries.set(key, { name, value, expiresAt: now + this.#lifetimeMs })
    return renewed ? 'renewed' : 'set'
  }

  /** Removes one value; tells whether it was there. */
  remove(challenge: Challenge, now: number): boolean {
    this.#expire(now)
    return this.#delete(challenge)
  }

  /** The values of a name, oldest first; `undefined` when it has none. */
  values(name: string, now: number): ReadonlySet<string> | undefined {
    this.#expire(now)
    return this.#values.get(name)
  }

  /** Whether values exist at `_acme-challenge.<name>` or anywhere below the name. */
  isAbove(name: string, now: number): boolean {
    this.#expire(now)
    return this.#below.has(name)
  }

  /** How many values are held. Those that have expired count until the next call that passes a time. */
  get size(): number {
    return this.#entries.size
  }

  #expire(now: number): void {
    if (this.#entries.size === 0) return
    for (const entry of this.#entries.values()) {
      if (entry.expiresAt > now) return
      this.#delete(entry)
    }
  }

  #delete({ name, value }: Challenge): boolean {
    if (!this.#entries.delete(entryKey({ name, value }))) return false
    const values = this.#values.get(name)
    values?.delete(value)
    if (values?.size === 0) {
      this.#values.delete(name)
      this.#count(name, -1)
    }
    return true
  }

  #count(name: string, change: 1 | -1): void {
    for (let rest = name; ;) {
      const count = (this.#below.get(rest) ?? 0) + change
      if (count === 0) this.#below.delete(rest)
      else this.#below.set(rest, count)
      const dot = rest.indexOf('.')
      if (dot === -1) return
      rest = rest.slice(dot + 1)
    }
  }
}

/** Neither names nor values contain a space. */
function entryKey({ name, value }: Challenge): string {
  return `${name} ${value}`
}
