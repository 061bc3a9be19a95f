// What a world of a swarm costs: 1 issue server, 3 proof servers, 2 DNS servers, 5 clients, and faults. For comparison,
// its nodes and connections alone.
import '../engine/sim/register.ts'
import { report } from './figures.ts'

const ROUNDS = 8
const CPU_MS_MAX = 150
/** Two servers are restarted; the observer that listens to announcements is a node, too. */
const WORLD = { nodes: 14, connections: 38 }

const row = { unit: 'ms of CPU', limit: CPU_MS_MAX }
const { bareWorld } = await import('./bare-world.ts')
const { smallWorld } = await import('./simulated-worlds.ts')
report({
  ...row,
  name: 'a small world with faults, 170 virtual seconds',
  value: await smallWorld(ROUNDS),
  atMost: 1,
})
report({
  ...row,
  name: `its ${WORLD.nodes} nodes and ${WORLD.connections} connections, bare libp2p and no more`,
  value: bareWorld(WORLD, ROUNDS),
})
process.exit()
