// A program: a client that hears what is announced in a zone. Its parent tells it which.
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { nodetrust } from '../../impl/index.ts'
import type { ServerPlaces } from './servers.ts'

process.on('message', (message) => {
  if (typeof message === 'object') void listen(message as ServerPlaces)
})
// The probe has let go of it; we live as long as our parent.
process.channel?.ref()
process.stdout.write('{}\n')

async function listen(places: ServerPlaces): Promise<void> {
  const node = await createLibp2p({
    addresses: { listen: [] },
    transports: [tcp(), webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: {
      identify: identify(),
      pubsub: gossipsub(),
      nodetrust: nodetrust({ issueServers: [multiaddr(places.issue)], autoStart: false }),
    },
  })
  await node.dial(multiaddr(places.dns))
}
