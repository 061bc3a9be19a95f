// Parts of libp2p that are busy although nothing happens, as busy as a world's plan and its reader want them.
import { yamux } from '@chainsafe/libp2p-yamux'
import { gossipsub, type GossipsubOpts } from '@libp2p/gossipsub'
import type { ComponentLogger, Logger } from '@libp2p/interface'
import { enabled, logger as log } from '@libp2p/logger'
import type { Upkeep } from './scenario.ts'

/** As many heartbeats as libp2p's own two minutes are. */
const SEEN_HEARTBEATS = 120

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
    // What is offered for some heartbeats must be known for longer, or it goes round for ever.
    seenTTL: heartbeatMs * SEEN_HEARTBEATS,
    scoreParams: { decayInterval: heartbeatMs },
  })
}

/**
 * libp2p's own for what `DEBUG` names. It makes dozens of loggers for each connection, which are a fifth of a crowd's
 * memory: all others are as small as they can be.
 */
export const logger: ComponentLogger = {
  forComponent: (name) =>
    [name, `${name}:error`, `${name}:trace`].some((each) => enabled(each))
      ? log(name)
      : silent(name),
}

function nothing(): void {}

function silent(name: string): Logger {
  const newScope = (scope: string): Logger => logger.forComponent(`${name}:${scope}`)
  return Object.assign(() => {}, { error: nothing, trace: nothing, enabled: false, newScope })
}
