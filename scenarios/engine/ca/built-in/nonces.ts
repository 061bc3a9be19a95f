// Anti-replay nonces (RFC 8555 section 6.5): each is good once.
import { BoundedMap } from './bounded-map.ts'
import { chance, randomId } from './random.ts'

/** A client may keep a pool of some dozens; whoever keeps more is told badNonce and goes on. */
const NONCES_MAX = 20_000

export class Nonces {
  readonly #good = new BoundedMap<true>(NONCES_MAX)
  readonly #refusedChance: number

  constructor(refusedChance: number) {
    this.#refusedChance = refusedChance
  }

  issue(): string {
    const nonce = randomId()
    this.#good.set(nonce, true)
    return nonce
  }

  /** Whether it was good and is let through; it is spent in any case. */
  spend(nonce: string): boolean {
    return this.#good.delete(nonce) && !chance(this.#refusedChance)
  }
}
