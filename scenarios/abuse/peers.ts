import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { gossipsub, type GossipSub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import type { PrivateKey, ServiceMap } from '@libp2p/interface'
import { ping, type Ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { createLibp2p, type Libp2p } from 'libp2p'

/** A libp2p node that only dials, from an address of its own: each of 127.0.0.0/8 is this machine on Linux. */
export async function dialler(init: {
  readonly from?: string | undefined
  readonly privateKey?: PrivateKey
}): Promise<Libp2p<ServiceMap>> {
  return await createLibp2p<ServiceMap>(options(init))
}

/** The same with pubsub. */
export async function pubsubDialler(init: {
  readonly from?: string | undefined
}): Promise<Libp2p<ServiceMap & { readonly pubsub: GossipSub; readonly ping: Ping }>> {
  return await createLibp2p({
    ...options(init),
    services: { identify: identify(), pubsub: gossipsub(), ping: ping() },
  })
}

function options(init: { readonly from?: string | undefined; readonly privateKey?: PrivateKey }) {
  return {
    ...(init.privateKey === undefined ? {} : { privateKey: init.privateKey }),
    addresses: { listen: [] },
    transports: [
      tcp(init.from === undefined ? {} : { dialOpts: { localAddress: init.from } as never }),
    ],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    connectionManager: { maxConnections: 20_000 },
  }
}

/** An address of this machine that nobody else uses; elsewhere than on Linux there is only one. */
export function sourceAddress(group: number, index: number): string | undefined {
  if (process.platform !== 'linux') return undefined
  return `127.${group}.${(index >> 8) & 255}.${((index & 255) % 254) + 1}`
}
