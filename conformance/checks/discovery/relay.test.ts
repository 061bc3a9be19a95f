import { gossipsub, type GossipSub } from '@libp2p/gossipsub'
import { test } from 'tap'
import { openCaller } from '../../players/caller.ts'
import { runAll, TARGET } from '../../suite/testing.ts'
import { TOPICS } from '../../wire/index.ts'
import { RELAY_CASES } from './relay.ts'

/** Each has two peers: more than gossipsub serves at one address in an hour. */
const RUNS = 7

test('run after run from one address, a relay passes announcements on to the suite', async (t) => {
  const server = await openCaller({
    listen: ['/ip4/127.0.0.1/tcp/0'],
    connectionManager: { inboundConnectionThreshold: Infinity },
    services: { pubsub: gossipsub() },
  })
  t.teardown(() => server.close())
  const pubsub = server.node.services['pubsub'] as unknown as GossipSub
  pubsub.subscribe(TOPICS.deployed)
  // By name: at an address of 127/8 each peer of the suite has one of its own.
  const addresses = server.node
    .getMultiaddrs()
    .map((address) => String(address).replace('/ip4/127.0.0.1/', '/dns4/localhost/'))
  const cases = RELAY_CASES.filter(({ id }) => id === 'NT-DISC-009/issue-deployed-topic')
  for (let run = 1; run <= RUNS; run++) {
    const [result] = await runAll(cases, { target: { ...TARGET, issue: { addresses } }, seed: run })
    t.equal(result?.verdict, 'pass', `run ${run}: ${result?.reason ?? result?.actual ?? ''}`)
  }
})
