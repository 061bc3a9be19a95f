import { multiaddr } from '@multiformats/multiaddr'
import { once } from 'node:events'
import { wire } from '../../impl/index.ts'
import { announcement, hostileAnnouncement } from './frames.ts'
import { pubsubDialler, sourceAddress } from './peers.ts'
import { windows, type Attack } from './subject.ts'

const PER_TURN = 8
/** A peer whose messages are refused is soon not listened to any more; another one goes on. */
const MESSAGES_PER_PEER = 2_500
const SUBSCRIPTION_TIMEOUT_MS = 10_000
const GROUP = 6

const INPUTS = { polite: announcement, hostile: hostileAnnouncement }

/** Publishes announcements, signed as they have to be, to whoever listens behind the DNS server. */
export async function attackAnnouncements(attack: Attack): Promise<void> {
  let peer: Awaited<ReturnType<typeof pubsubDialler>> | undefined
  let published = 0
  try {
    for (const { first, inputs } of windows(INPUTS, attack, PER_TURN)) {
      if (peer === undefined || published >= MESSAGES_PER_PEER) {
        await peer?.stop()
        peer = await subscriber(attack)
        published = 0
      }
      for (const [index, data] of inputs.entries()) {
        try {
          await peer.services.pubsub.publish(wire.DISCOVERY_TOPIC, data)
        } catch (error) {
          attack.failed(first + index, `cannot be published: ${String(error)}`)
        }
      }
      // The server has read them then: publishing waits for nobody, and would only fill queues.
      await peer.services.ping.ping(multiaddr(attack.places.dns))
      published += inputs.length
      attack.sent(inputs.length)
    }
  } finally {
    await peer?.stop()
  }
}

async function subscriber({ places, from }: Attack) {
  const peer = await pubsubDialler({ from: sourceAddress(GROUP, from) })
  const signal = AbortSignal.timeout(SUBSCRIPTION_TIMEOUT_MS)
  const { pubsub } = peer.services
  await peer.dial(multiaddr(places.dns), { signal })
  while (pubsub.getSubscribers(wire.DISCOVERY_TOPIC).length === 0) {
    await once(pubsub as unknown as EventTarget, 'subscription-change', { signal })
  }
  return peer
}
