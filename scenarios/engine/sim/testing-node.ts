import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { gossipsub, type GossipSub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import type { Transport, Upgrader } from '@libp2p/interface'
import { memory } from '@libp2p/memory'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

interface NodeInit {
  readonly name: string
  readonly latencyMs: number
  readonly upgrader: (upgrader: Upgrader) => Upgrader
}

/** One libp2p node in memory, as little of it as a story of gossip needs. */
export async function startNode({ name, latencyMs, upgrader }: NodeInit) {
  const transport = memory({ latency: latencyMs })
  const node = await createLibp2p({
    addresses: { listen: [`/memory/${name}`] },
    transports: [
      (components) => {
        const made: Transport = transport(components)
        const dial = made.dial.bind(made)
        const createListener = made.createListener.bind(made)
        return Object.assign(made, {
          dial: (to: Multiaddr, options: Parameters<Transport['dial']>[1]) =>
            dial(to, { ...options, upgrader: upgrader(options.upgrader) }),
          createListener: (options: Parameters<Transport['createListener']>[0]) =>
            createListener({ ...options, upgrader: upgrader(options.upgrader) }),
        })
      },
    ],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    connectionManager: { inboundConnectionThreshold: 1_000, maxIncomingPendingConnections: 1_000 },
    services: { identify: identify(), pubsub: gossipsub({ allowPublishToZeroTopicPeers: true }) },
  })
  const pubsub: GossipSub = node.services.pubsub
  return {
    onMessage(topic: string, listener: (detail: Record<string, unknown>) => void): void {
      pubsub.addEventListener('message', ({ detail }) => {
        if (detail.topic !== topic || detail.type !== 'signed') return
        // Its number is of gossipsub's own counter, which outlives a world.
        listener({ from: detail.from.toString(), data: Buffer.from(detail.data).toString('hex') })
      })
      pubsub.subscribe(topic)
    },
    dial: async (other: string): Promise<void> =>
      void (await node.dial(multiaddr(`/memory/${other}`))),
    publish: async (topic: string, data: Uint8Array): Promise<void> =>
      void (await pubsub.publish(topic, data)),
    stop: async (): Promise<void> => node.stop(),
  }
}
