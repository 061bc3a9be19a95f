import { limitKeyOf } from '../wire/addresses.ts'

/** How many connections there may be. */
export interface ConnectionLimits {
  readonly total: number
  /** From one IPv4 address or one IPv6 /64. */
  readonly perAddress: number
}

/** Counts the connections of all sockets of one server: another address to listen on is no room for more. */
export class ConnectionSlots {
  readonly #limits: ConnectionLimits
  readonly #counts = new Map<string, number>()
  #total = 0

  constructor(limits: ConnectionLimits) {
    this.#limits = limits
  }

  /** Takes a place for a connection from an address, and returns how to give it back, once; `undefined` when there is none. */
  take(address: string): (() => void) | undefined {
    const source = limitKeyOf(address)
    const count = this.#counts.get(source) ?? 0
    if (this.#total >= this.#limits.total || count >= this.#limits.perAddress) return undefined
    this.#total += 1
    this.#counts.set(source, count + 1)
    return () => {
      this.#total -= 1
      const left = (this.#counts.get(source) ?? 1) - 1
      if (left === 0) this.#counts.delete(source)
      else this.#counts.set(source, left)
    }
  }
}
