import type { PeerInfo } from '@libp2p/interface'

/** Peers that we remember; the one longest unheard goes first (NT-DISC-011). */
const PEERS_MAX = 1_024

/** libp2p's peer store forgets an address after an hour, so an unchanged announcement is news again before that. */
const REPEAT_MS = 600_000

/**
 * libp2p adds what we emit to what it knows of a peer. One that announces other addresses all the time could fill its
 * peer store: past this many different ones in an hour it is not listened to.
 */
const ADDRESSES_PER_WINDOW_MAX = 64
const WINDOW_MS = 3_600_000

interface KnownPeer {
  announcement: string
  emittedAt: number
  readonly windowStart: number
  readonly addresses: Set<string>
}

/** Tells announcements that say something new from those that repeat it. */
export class KnownPeers {
  readonly #peers = new Map<string, KnownPeer>()

  get size(): number {
    return this.#peers.size
  }

  /** Whether to pass an announcement on, and remembers that it was. `now` is in ms. */
  isNews({ id, multiaddrs }: PeerInfo, now: number): boolean {
    const peerId = id.toString()
    const addresses = multiaddrs.map(String).toSorted()
    const announcement = addresses.join(' ')
    const known = this.#current(peerId, now)
    // Last in the order of the map is the one heard last.
    this.#peers.delete(peerId)
    this.#peers.set(peerId, known)
    for (const oldest of this.#peers.keys()) {
      if (this.#peers.size <= PEERS_MAX) break
      this.#peers.delete(oldest)
    }
    if (known.announcement === announcement && now - known.emittedAt < REPEAT_MS) return false
    const all = new Set([...known.addresses, ...addresses])
    if (all.size > ADDRESSES_PER_WINDOW_MAX) return false
    for (const address of all) known.addresses.add(address)
    known.announcement = announcement
    known.emittedAt = now
    return true
  }

  #current(peerId: string, now: number): KnownPeer {
    const known = this.#peers.get(peerId)
    if (known !== undefined && now - known.windowStart < WINDOW_MS) return known
    return { announcement: '', emittedAt: 0, windowStart: now, addresses: new Set() }
  }
}
