import { disable, enable } from '@libp2p/logger'
import { test } from 'tap'
import { logger } from './upkeep.ts'

test('libp2p says what DEBUG names, by any of its parts, and nothing else', async (t) => {
  t.teardown(disable)
  for (const names of ['libp2p:*', 'libp2p:tcp', 'libp2p:tcp:error', 'libp2p:tcp:*']) {
    enable(names)
    const log = logger.forComponent('libp2p:tcp')
    t.ok(log.enabled || log.error !== logger.forComponent('libp2p:dial').error, names)
    disable()
  }
  enable('libp2p:dial')
  t.notOk(logger.forComponent('libp2p:tcp').enabled)
  t.notOk(logger.forComponent('libp2p:tcp').newScope('socket').enabled)
})
