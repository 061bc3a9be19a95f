// What the proxy in front of the CA does to requests, as data, and which request it does it to.

/** What a request is about: ACME's own words, told apart by Pebble's paths. */
export type CaResource =
  | 'directory'
  | 'nonce'
  | 'account'
  | 'newOrder'
  | 'order'
  | 'authorization'
  | 'challenge'
  | 'finalize'
  | 'certificate'
  | 'renewalInfo'
  | 'other'

/**
 * - `status`: the CA never hears of the request; the answer is an ACME problem with this status
 * - `delay`: the request reaches the CA so much later
 * - `reset`: the connection breaks, before the CA has heard of the request or after it has acted on it
 * - `duplicate`: the CA gets the request twice; the answer is the one to the first
 */
export type CaEffect =
  | {
      readonly kind: 'status'
      readonly status: 429 | 503
      /** Seconds from now; `as` is the form of the header, RFC 9110 section 10.2.3. */
      readonly retryAfter?: { readonly seconds: number; readonly as: 'seconds' | 'date' }
    }
  | { readonly kind: 'delay'; readonly delayMs: number }
  | { readonly kind: 'reset'; readonly when: 'before' | 'after' }
  | { readonly kind: 'duplicate' }

/** One rule: an effect, and the requests that meet it. */
export interface CaRule {
  readonly effect: CaEffect
  /** @default every resource */
  readonly resources?: readonly CaResource[]
  /** Spares so many matching requests first. @default 0 */
  readonly after?: number
  /** Is over after so many effects. @default never */
  readonly count?: number
  /** Chance of the effect for each request that matches, from 0 to 1. @default 1 */
  readonly probability?: number
  /** Of the chance: the same seed decides alike for the same requests in the same order. @default 1 */
  readonly seed?: number
}

/** Decides for each request what becomes of it; the first rule that takes it wins. */
export class CaRules {
  readonly #rules: readonly ActiveRule[]

  constructor(rules: readonly CaRule[]) {
    this.#rules = rules.map((rule) => ({
      rule,
      seen: 0,
      done: 0,
      random: seeded(rule.seed ?? 1),
    }))
  }

  effectOn(resource: CaResource): CaEffect | undefined {
    for (const active of this.#rules) {
      const { resources, after = 0, count = Infinity, probability = 1, effect } = active.rule
      if (resources !== undefined && !resources.includes(resource)) continue
      active.seen += 1
      if (active.seen <= after || active.done >= count) continue
      if (active.random() >= probability) continue
      active.done += 1
      return effect
    }
    return undefined
  }
}

interface ActiveRule {
  readonly rule: CaRule
  seen: number
  done: number
  readonly random: () => number
}

const PATHS: readonly (readonly [RegExp, CaResource])[] = [
  [/^\/dir$/, 'directory'],
  [/^\/nonce-plz/, 'nonce'],
  [/^\/(sign-me-up|my-account\/)/, 'account'],
  [/^\/order-plz/, 'newOrder'],
  [/^\/my-order\//, 'order'],
  [/^\/authZ\//, 'authorization'],
  [/^\/chalZ\//, 'challenge'],
  [/^\/finalize-order\//, 'finalize'],
  [/^\/certZ\//, 'certificate'],
  [/\/renewal-?info\//i, 'renewalInfo'],
]

/** What a request to Pebble is about. Its paths have been these since version 2.0. */
export function resourceOf(path: string): CaResource {
  return PATHS.find(([pattern]) => pattern.test(path))?.[1] ?? 'other'
}

/** Numbers from 0 to below 1 that depend on the seed alone (a Weyl sequence through MurmurHash3's finalizer). */
function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x9e3779b9) >>> 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32
  }
}
