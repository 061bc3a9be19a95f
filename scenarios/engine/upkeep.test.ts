import type { GossipsubOpts } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import type { Logger } from '@libp2p/interface'
import { disable, enable } from '@libp2p/logger'
import { createLibp2p } from 'libp2p'
import { test } from 'tap'
import { gossip, logger } from './upkeep.ts'

test('libp2p says what DEBUG names, by any of its parts, and nothing else', async (t) => {
  t.teardown(disable)
  const says = (log: Logger): boolean =>
    log.enabled || Object.values(log).some((part) => Reflect.get(Object(part), 'enabled') === true)
  for (const names of ['libp2p:tcp:*', 'libp2p:tcp', 'libp2p:tcp:error']) {
    enable(names)
    t.ok(says(logger.forComponent('libp2p:tcp')), names)
    disable()
  }
  for (const names of ['libp2p:tcp:connection', '*:yamux*']) {
    enable(names)
    const log = logger.forComponent('libp2p:tcp')
    t.notOk(says(log))
    t.ok([log.newScope('connection'), log.newScope('yamux')].some(says), names)
    disable()
  }
  enable('libp2p:dial')
  t.notOk(logger.forComponent('libp2p:tcp').enabled)
  t.notOk(logger.forComponent('libp2p:tcp').newScope('socket').enabled)
})

test('gossip that beats seldom knows a message for longer than it offers it, or each would go round for ever', async (t) => {
  for (const upkeep of [
    undefined,
    { heartbeatMs: 6 * 3_600_000, keepAlive: false, reconnectMs: 1 },
  ]) {
    const node = await createLibp2p({
      start: false,
      services: { identify: identify(), pubsub: gossip(upkeep) },
    })
    const { opts } = node.services.pubsub as unknown as { readonly opts: GossipsubOpts }
    const { seenTTL, heartbeatInterval, mcacheLength } = opts
    t.ok(seenTTL > mcacheLength * heartbeatInterval, `${seenTTL} ms`)
  }
})
