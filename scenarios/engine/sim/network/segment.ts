import type { NetworkHost } from './host.ts'
import type { Nat } from './nat.ts'

/** A network in which every address is reached directly: the internet, or what is behind a NAT. */
export class Segment {
  /** The way to all that is not in it; the internet has none. */
  gateway: Nat | undefined
  readonly #owners = new Map<string, NetworkHost | Nat>()

  ownerOf(address: string): NetworkHost | Nat | undefined {
    return this.#owners.get(address)
  }

  add(address: string, owner: NetworkHost | Nat): void {
    const other = this.#owners.get(address)
    if (other !== undefined && other !== owner) {
      throw new Error(`address "${address}" of "${owner.name}" is that of "${other.name}" already`)
    }
    this.#owners.set(address, owner)
  }

  remove(address: string): void {
    this.#owners.delete(address)
  }
}
