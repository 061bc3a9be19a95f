// Parts of libp2p that are busy although nothing happens, as busy as a world's plan wants them.
import { yamux } from '@chainsafe/libp2p-yamux'
import { gossipsub, type GossipsubOpts } from '@libp2p/gossipsub'
import type { Upkeep } from './scenario.ts'

/** @param upkeep libp2p's own where there is none */
export function muxer(upkeep: Upkeep | undefined): ReturnType<typeof yamux> {
  return yamux(upkeep === undefined ? {} : { enableKeepAlive: upkeep.keepAlive })
}

/** @param upkeep libp2p's own where there is none */
export function gossip(
  upkeep: Upkeep | undefined,
  options: Partial<GossipsubOpts> = {},
): ReturnType<typeof gossipsub> {
  if (upkeep === undefined) return gossipsub(options)
  const { heartbeatMs } = upkeep
  return gossipsub({
    ...options,
    heartbeatInterval: heartbeatMs,
    scoreParams: { decayInterval: heartbeatMs },
  })
}
