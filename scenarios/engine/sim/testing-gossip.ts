import type { MultiaddrConnection, Upgrader } from '@libp2p/interface'
import { runOn } from './host-context.ts'
import type { TraceDigest } from './hashes.ts'
import { install, type Installed } from './install.ts'
import { isTakenOver } from './take-over.ts'
import { testHost } from './testing.ts'

/** What a world of gossiping nodes came to: all of it has to be equal where the seed is. */
export interface GossipResult extends TraceDigest {
  readonly draws: number
  readonly clockEvents: number
  readonly endedMs: number
}

interface GossipInit {
  readonly seed: string
  readonly nodes: number
  readonly messages: number
}

const TOPIC = 'news'
const DIALS_PER_NODE = 2
const LATENCY_MS = 20
/** As long as gossipsub takes for a mesh, and a message through it. */
const MESH_MS = 2_500
const MESSAGE_MS = 300

/**
 * Unmodified libp2p nodes (memory transport, noise, yamux, identify, gossipsub) that dial some others and spread
 * messages. Every delivery is an event of the trace, and all that a node sends, encrypted as it is, a packet.
 *
 * Runs in a fresh process that was started with register.ts: it loads libp2p itself.
 */
export async function gossipWorld({ seed, nodes, messages }: GossipInit): Promise<GossipResult> {
  if (!isTakenOver()) throw new Error('start the process with --import and the path of register.ts')
  const { startNode } = await import('./testing-node.ts')
  const world = install(seed)
  const { clock, random, hashes } = world
  await clock.drive(async () => {
    const started = []
    for (let index = 0; index < nodes; index++) {
      const host = testHost(`node-${index}`)
      const node = await runOn(host, () =>
        startNode({
          name: host.name,
          latencyMs: LATENCY_MS,
          upgrader: (upgrader) => watched(upgrader, host.name, world),
        }),
      )
      node.onMessage(TOPIC, (detail) => hashes.event(clock.nowMs, host.name, 'message', detail))
      started.push({ host, node })
    }
    for (const { host, node } of started) {
      for (let dial = 0; dial < DIALS_PER_NODE; dial++) {
        const other = random.pick(started)
        if (other.host !== host) await runOn(host, () => node.dial(other.host.name))
      }
    }
    await pause(MESH_MS)
    for (let message = 0; message < messages; message++) {
      const { host, node } = random.pick(started)
      await runOn(host, () => node.publish(TOPIC, crypto.getRandomValues(new Uint8Array(32))))
      await pause(MESSAGE_MS)
    }
    await Promise.all(started.map(({ host, node }) => runOn(host, () => node.stop())))
  })
  const result = {
    ...hashes.digest(),
    draws: random.totalDraws,
    clockEvents: clock.events,
    endedMs: clock.nowMs,
  }
  world.uninstall()
  return result
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))

/** An upgrader that tells the trace what goes over its connections. */
function watched(upgrader: Upgrader, host: string, { clock, hashes }: Installed): Upgrader {
  const watch = (connection: MultiaddrConnection): MultiaddrConnection => {
    const send = connection.send.bind(connection)
    connection.send = (data) => {
      const bytes = data.subarray()
      const to = connection.remoteAddr.toString()
      hashes.packet({ atMs: clock.nowMs, from: host, to, length: bytes.length }, bytes)
      return send(data)
    }
    return connection
  }
  return new Proxy(upgrader, {
    get(target, key) {
      const method: unknown = Reflect.get(target, key)
      if (typeof method !== 'function') return method
      return key === 'upgradeInbound' || key === 'upgradeOutbound'
        ? (connection: MultiaddrConnection, options: unknown) =>
            Reflect.apply(method, target, [watch(connection), options])
        : method.bind(target)
    },
  })
}
