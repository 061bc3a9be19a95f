import { limitKeyOf } from '../wire/addresses.ts'

/** How many connections there may be. */
export interface ConnectionLimits {
  readonly total: number
  /** From one IPv4 address or one IPv6 /64. */
  readonly perAddress: number
}

/** The place of one connection. */
export interface ConnectionSlot {
  /** The connection has asked something whole: it is of use. */
  used(): void
  /** Gives the place back; a second time does nothing. */
  release(): void
}

/**
 * Counts the connections of all sockets of one server: another address to listen on is no room for more.
 *
 * When there is no room, the connection that was of no use for longest makes way (RFC 7766 §6.2.3 allows for it): a
 * thousand of them that say nothing could otherwise shut everybody else out.
 */
export class ConnectionSlots {
  readonly #limits: ConnectionLimits
  readonly #counts = new Map<string, number>()
  /** How to end each connection, in the order in which they were last of use. */
  readonly #ends = new Map<ConnectionSlot, () => void>()

  constructor(limits: ConnectionLimits) {
    this.#limits = limits
  }

  /**
   * Takes a place for a connection from an address; `undefined` when the address has as many as it may. `end` is called
   * when the connection has to make way for another one.
   */
  take(address: string, end: () => void): ConnectionSlot | undefined {
    const source = limitKeyOf(address)
    const count = this.#counts.get(source) ?? 0
    if (count >= this.#limits.perAddress) return undefined
    const [longest] = this.#ends
    if (longest !== undefined && this.#ends.size >= this.#limits.total) {
      const [slot, endIt] = longest
      slot.release()
      endIt()
    }
    const slot: ConnectionSlot = {
      used: () => {
        // Deleting and setting moves it to the end.
        if (this.#ends.delete(slot)) this.#ends.set(slot, end)
      },
      release: () => {
        if (!this.#ends.delete(slot)) return
        const left = (this.#counts.get(source) ?? 1) - 1
        if (left === 0) this.#counts.delete(source)
        else this.#counts.set(source, left)
      },
    }
    this.#ends.set(slot, end)
    // Read again: what made way may have been of the same source.
    this.#counts.set(source, (this.#counts.get(source) ?? 0) + 1)
    return slot
  }
}
