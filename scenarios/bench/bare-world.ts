// What the nodes and connections of a world cost by themselves: unmodified libp2p nodes in memory, in real time, that
// identify each other and say nothing more. No world of such nodes costs less, in whatever time it runs.
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import { createLibp2p, type Libp2p } from 'libp2p'
import { spawnSync } from 'node:child_process'
import { memoryDriver } from '../engine/drivers/memory.ts'

export interface BareWorld {
  readonly nodes: number
  readonly connections: number
}

/**
 * CPU time of the best of some rounds, in ms: in the first ones, a process compiles. Measured in a process of its own,
 * where time passes as usual.
 */
export function bareWorld(world: BareWorld, rounds: number): number {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [import.meta.filename, String(world.nodes), String(world.connections), String(rounds)],
    { encoding: 'utf8' },
  )
  if (!(Number(stdout) > 0)) throw new Error(`bare libp2p: ${stderr}`)
  return Number(stdout)
}

if (process.argv[1] === import.meta.filename) {
  const [nodes = 0, connections = 0, rounds = 0] = process.argv.slice(2).map(Number)
  const costs: number[] = []
  for (let round = 0; round < rounds; round++) {
    const begun = process.cpuUsage()
    await live({ nodes, connections })
    const { user, system } = process.cpuUsage(begun)
    costs.push((user + system) / 1_000)
  }
  process.stdout.write(`${Math.min(...costs)}\n`)
  process.exit()
}

/** Opens all nodes and connections, and waits until each node knows whom it is connected to. */
async function live({ nodes: count, connections }: BareWorld): Promise<void> {
  const driver = memoryDriver()
  const nodes: Libp2p[] = []
  for (let index = 0; index < count; index++) nodes.push(await open(driver, `node${index}`))
  let identified = 0
  const all = Promise.withResolvers<void>()
  for (const node of nodes) {
    node.addEventListener('peer:identify', () => {
      identified += 1
      if (identified === 2 * connections) all.resolve()
    })
  }
  for (let index = 0; index < connections; index++) {
    const dialler = nodes[index % count]
    const listener = nodes[(index + 1 + Math.floor(index / count)) % count]
    await dialler?.dial(listener?.getMultiaddrs() ?? [], { force: true })
  }
  if (connections > 0) await all.promise
  for (const node of nodes) await node.stop()
  await driver.close()
}

async function open(driver: ReturnType<typeof memoryDriver>, name: string): Promise<Libp2p> {
  const place = driver.place({ name, families: [4] })
  return createLibp2p({
    addresses: { listen: [...place.listen] },
    transports: [place.transport as never],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    services: { identify: identify() },
  })
}
