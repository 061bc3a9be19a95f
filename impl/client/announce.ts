import type { Logger, PeerId, PeerInfo, TypedEventTarget } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { DISCOVERY_TOPIC, DISCOVERY_TOPIC_SPECIFICATION } from '../wire/protocols.ts'
import { Alarm } from './alarm.ts'
import { encodeAnnouncement, readAnnouncement, type PubsubMessage } from './announcement.ts'
import { KnownPeers } from './known-peers.ts'

/** Between two announcements, in ms (NT-DISC-005), and the share of it by which each is moved at random. */
export const ANNOUNCE_INTERVAL_MS_DEFAULT = 10_000
const ANNOUNCE_JITTER_SHARE = 0.2

/** After an announcement that had somebody to go to, but could not be sent to any of them yet, in ms. */
const RETRY_MS = 500

const TOPICS: readonly string[] = [DISCOVERY_TOPIC, DISCOVERY_TOPIC_SPECIFICATION]

/** What announcing needs of a pubsub service; gossipsub has it. */
export interface Pubsub extends TypedEventTarget<{
  message: CustomEvent<PubsubMessage & { readonly topic: string }>
  'subscription-change': CustomEvent<{
    readonly subscriptions: readonly { readonly topic: string; readonly subscribe: boolean }[]
  }>
}> {
  getTopics(): string[]
  subscribe(topic: string): void
  unsubscribe(topic: string): void
  publish(topic: string, data: Uint8Array): Promise<{ readonly recipients: readonly unknown[] }>
}

/** Options and callbacks of an {@link Announcer}. */
export interface AnnouncerInit {
  readonly self: PeerId
  readonly topic: string
  readonly intervalMs: number
  readonly allowPrivateAddresses: boolean
  /** The addresses to announce; none while there is no valid certificate (NT-DISC-006). */
  readonly addresses: () => readonly Multiaddr[]
  readonly onAnnounced: (announced: {
    readonly addresses: readonly string[]
    readonly recipients: number
  }) => void
  /** An announcement reached nobody: it will be repeated, and somebody may look for others meanwhile. */
  readonly onUnheard: () => void
  readonly onPeer: (peer: PeerInfo) => void
  readonly log: Logger
}

/** Announces this node on pubsub, and hears what others announce. */
export class Announcer {
  readonly #pubsub: Pubsub
  readonly #init: AnnouncerInit
  readonly #known = new KnownPeers()
  readonly #subscribed: string[] = []
  readonly #next = new Alarm(() => void this.#publish())
  #announcing = false
  #unheard = false

  constructor(pubsub: Pubsub, init: AnnouncerInit) {
    this.#pubsub = pubsub
    this.#init = init
  }

  /** Listens to both spellings of the topic (NT-DISC-002). Pubsub must have been started. */
  start(): void {
    this.#pubsub.addEventListener('message', this.#onMessage)
    this.#pubsub.addEventListener('subscription-change', this.#onSubscription)
    for (const topic of new Set([...TOPICS, this.#init.topic])) {
      // Whoever subscribed before us goes on to need it after us.
      if (this.#pubsub.getTopics().includes(topic)) continue
      this.#pubsub.subscribe(topic)
      this.#subscribed.push(topic)
    }
  }

  stop(): void {
    this.pause()
    this.#pubsub.removeEventListener('message', this.#onMessage)
    this.#pubsub.removeEventListener('subscription-change', this.#onSubscription)
    for (const topic of this.#subscribed.splice(0)) {
      try {
        this.#pubsub.unsubscribe(topic)
      } catch (error) {
        // Pubsub may have been stopped before us, and has then forgotten all topics.
        this.#init.log('could not unsubscribe from %s - %e', topic, error)
      }
    }
  }

  /** Announces at once, and from then on regularly. */
  announce(): void {
    this.#announcing = true
    this.#next.clear()
    void this.#publish()
  }

  /** Announces no more, but goes on listening. */
  pause(): void {
    this.#announcing = false
    this.#unheard = false
    this.#next.clear()
  }

  async #publish(): Promise<void> {
    const jitter = 1 + (Math.random() - 0.5) * ANNOUNCE_JITTER_SHARE
    let waitMs = this.#init.intervalMs * jitter
    const addresses = this.#init.addresses()
    this.#unheard = false
    if (addresses.length > 0) {
      try {
        const data = encodeAnnouncement(addresses)
        const { recipients } = await this.#pubsub.publish(this.#init.topic, data)
        // Gossipsub hears of a subscription before it has opened its own stream to the subscriber.
        if (recipients.length === 0) {
          waitMs = Math.min(waitMs, RETRY_MS)
          this.#init.onUnheard()
        } else {
          this.#init.onAnnounced({
            addresses: addresses.map(String),
            recipients: recipients.length,
          })
        }
      } catch (error) {
        // Gossipsub throws when nobody has subscribed yet, which is usual for a node that has just started.
        this.#unheard = true
        this.#init.log('announcement reached nobody - %e', error)
        this.#init.onUnheard()
      }
    }
    if (!this.#announcing) return
    this.#next.setIn(waitMs)
  }

  /** The first one to subscribe need not wait for the next turn. */
  readonly #onSubscription = (event: {
    readonly detail: {
      readonly subscriptions: readonly { readonly topic: string; readonly subscribe: boolean }[]
    }
  }): void => {
    const subscribed = event.detail.subscriptions.some(
      ({ topic, subscribe }) => subscribe && topic === this.#init.topic,
    )
    if (subscribed && this.#unheard && this.#announcing) this.announce()
  }

  readonly #onMessage = (event: {
    readonly detail: PubsubMessage & { readonly topic: string }
  }): void => {
    const { detail } = event
    if (!TOPICS.includes(detail.topic) && detail.topic !== this.#init.topic) return
    const peer = readAnnouncement(detail, this.#init)
    if (peer !== undefined && this.#known.isNews(peer, performance.now())) this.#init.onPeer(peer)
  }
}
