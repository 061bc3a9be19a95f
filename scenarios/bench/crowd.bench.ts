// How many clients one simulated world has room for: each is a libp2p node that proves its address and has a
// certificate. For comparison, as many nodes and connections alone.
import '../engine/sim/register.ts'
import { report } from './figures.ts'

const CLIENTS = 1_000
const CPU_SECONDS_MAX = 60
/** A client is connected to each proof server and to the issue server. */
const CONNECTIONS_EACH = 4
/** So many are enough to tell what one costs. */
const BARE_NODES = 100
const RESIDENT_MEGABYTES_MAX = 1_000
const KIBIBYTES_PER_MEGABYTE = 1_000_000 / 1_024

const { bareWorld } = await import('./bare-world.ts')
const { crowd } = await import('./simulated-worlds.ts')
report({
  name: `${CLIENTS} clients obtain certificates in one world`,
  unit: 's of CPU',
  value: (await crowd(CLIENTS)) / 1_000,
  limit: CPU_SECONDS_MAX,
  atMost: 1,
})
report({
  name: `${CLIENTS} clients in one world, memory`,
  unit: 'MB',
  value: process.resourceUsage().maxRSS / KIBIBYTES_PER_MEGABYTE,
  limit: RESIDENT_MEGABYTES_MAX,
  atMost: 1,
})
const bareMs = bareWorld({ nodes: BARE_NODES, connections: BARE_NODES * CONNECTIONS_EACH }, 2)
report({
  name: `${CLIENTS} nodes with ${CONNECTIONS_EACH} connections each, bare libp2p and no more, reckoned from ${BARE_NODES}`,
  unit: 's of CPU',
  value: ((bareMs / BARE_NODES) * CLIENTS) / 1_000,
  limit: CPU_SECONDS_MAX,
})
process.exit()
