import { noise } from '@chainsafe/libp2p-noise'
import type { GossipSub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import { wire } from '../../impl/index.ts'
import type { Place } from './drivers/driver.ts'
import type { Upkeep } from './scenario.ts'
import { gossip, logger, muxer } from './upkeep.ts'

/** An address that a peer announced over gossipsub. */
export interface Announcement {
  readonly host: string
  /** As it came, with the peer id. */
  readonly address: string
  readonly name: string
  readonly port: number
}

export interface ObserverInit {
  readonly place: Place
  /** Where announcements pass by: one of them that is up is enough. */
  readonly meetingPoints: readonly Multiaddr[]
  readonly hostOfPeer: (peerId: string) => string
  /** Called for each address when it is heard first. */
  readonly onHeard: (announcement: Announcement) => void
  readonly signal: AbortSignal
  readonly upkeep?: Upkeep | undefined
}

const RECONNECT_INTERVAL_MS = 500

/** Peers whose announcement is kept, and addresses heard. */
const HEARD_MAX = 10_000

/** A stranger to the zone: a plain libp2p node that listens to the discovery topic with its own eyes. */
export class Observer {
  readonly #node: Libp2p<{ pubsub: GossipSub }>
  /** What each host announced last: an address that it no longer names is not announced any more. */
  readonly #announced = new Map<string, readonly Announcement[]>()
  readonly #heard = new Set<string>()
  readonly #listeners = new Set<() => void>()
  #reconnecting: NodeJS.Timeout | undefined

  private constructor(
    node: Libp2p<{ pubsub: GossipSub }>,
    { hostOfPeer, onHeard }: Pick<ObserverInit, 'hostOfPeer' | 'onHeard'>,
  ) {
    this.#node = node
    node.services.pubsub.addEventListener('gossipsub:message', ({ detail: { msg } }) => {
      if (msg.type !== 'signed') return
      const host = hostOfPeer(msg.from.toString())
      const announcements = wire.Announce.decode(msg.data).addr.map((bytes) => {
        const address = multiaddr(bytes)
        const [dns, tcp] = address.getComponents()
        const name = dns?.value ?? ''
        return { host, address: address.toString(), name, port: Number(tcp?.value) }
      })
      if (this.#heard.size + announcements.length > HEARD_MAX) return
      this.#announced.set(host, announcements)
      for (const announcement of announcements) {
        if (this.#heard.has(announcement.address)) continue
        this.#heard.add(announcement.address)
        onHeard(announcement)
      }
      for (const listener of this.#listeners) listener()
    })
  }

  static async open(init: ObserverInit): Promise<Observer> {
    const node = await createLibp2p({
      logger,
      transports: [init.place.transport as never],
      connectionEncrypters: [noise()],
      streamMuxers: [muxer(init.upkeep)],
      connectionMonitor: { enabled: false },
      services: { identify: identify(), pubsub: gossip(init.upkeep) },
    })
    const observer = new Observer(node as never, init)
    node.services.pubsub.subscribe(wire.DISCOVERY_TOPIC)
    await Promise.any(
      init.meetingPoints.map((address) => node.dial(address, { signal: init.signal })),
    )
    observer.#reconnect(init)
    return observer
  }

  get announcements(): readonly Announcement[] {
    return [...this.#announced.values()].flat()
  }

  /** Forgets what a host has announced: from now on it has nothing to announce, and whatever it does is new. */
  forget(host: string): void {
    this.#announced.delete(host)
  }

  /** Resolves when all of the addresses have been announced. */
  async heard(addresses: readonly string[], signal: AbortSignal): Promise<void> {
    const complete = (): boolean => addresses.every((address) => this.#heard.has(address))
    if (complete()) return
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const listener = (): void => {
      if (complete()) resolve()
    }
    const abort = (): void => reject(signal.reason)
    this.#listeners.add(listener)
    signal.addEventListener('abort', abort, { once: true })
    try {
      await promise
    } finally {
      this.#listeners.delete(listener)
      signal.removeEventListener('abort', abort)
    }
  }

  /** Goes back to meeting points that were away: what passes by them passes by nowhere else. */
  #reconnect({ meetingPoints, signal, upkeep }: ObserverInit): void {
    this.#reconnecting = setInterval(() => {
      const connected = new Set(this.#node.getPeers().map((peer) => peer.toString()))
      for (const address of meetingPoints) {
        const id = address.getComponents().at(-1)?.value ?? ''
        // It may still be away: the next turn tries again.
        if (!connected.has(id)) this.#node.dial(address, { signal }).catch(() => {})
      }
    }, upkeep?.reconnectMs ?? RECONNECT_INTERVAL_MS)
  }

  async stop(): Promise<void> {
    clearInterval(this.#reconnecting)
    await this.#node.stop()
  }
}
