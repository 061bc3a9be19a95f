// A library that keeps a timer for all its users, of which each has one here.
import { test } from 'tap'

await import('./register.ts')
const { Agent, request } = await import('undici')
const { runOn } = await import('./host-context.ts')
const { inWorld } = await import('./install.ts')
const { Network } = await import('./network/index.ts')
const { connectHost, installNetwork } = await import('./node/index.ts')
const { testHost } = await import('./testing.ts')

/** Nobody answers there. */
const NOBODY = 'http://203.0.113.9'
const CONNECT_MS = 2_000
/** undici's own timers are no more exact. */
const LATE_MS_MAX = 500

/** Hosts that give up connecting to nobody, and when. */
async function staged(
  tell: (stage: {
    readonly host: (index: number) => ReturnType<typeof testHost>
    readonly givesUp: (index: number) => Promise<number>
  }) => Promise<void>,
): Promise<void> {
  await inWorld(async ({ clock, random }) => {
    const uninstall = installNetwork()
    const network = new Network({ clock, random, link: { latencyMs: 10 } })
    const hosts = [1, 2].map((index) => {
      const host = testHost(`host${index}`)
      const machine = network.host({ name: host.name, addresses: [`203.0.113.${index}`] })
      connectHost(host, { machine, nameServers: [] })
      return host
    })
    const host = (index: number) => hosts[index] ?? testHost('nobody')
    const givesUp = async (index: number): Promise<number> => {
      const dispatcher = new Agent({ connect: { timeout: CONNECT_MS } })
      const begunMs = clock.nowMs
      const name = await runOn(host(index), () => request(NOBODY, { dispatcher })).then(
        () => 'an answer',
        (error: Error) => error.name,
      )
      if (name !== 'ConnectTimeoutError') throw new Error(`wanted no connection, got ${name}`)
      return clock.nowMs - begunMs
    }
    try {
      await tell({ host, givesUp })
    } finally {
      uninstall()
    }
  })
}

test('undici gives up connecting in time, whatever an earlier world or a host that was killed has left', async (t) => {
  const isInTime = (ms: number): boolean => ms >= CONNECT_MS && ms <= CONNECT_MS + LATE_MS_MAX
  await staged(async ({ givesUp }) => {
    t.ok(isInTime(await givesUp(0)), 'the first that waits')
    // The world ends while it connects.
    givesUp(0).catch(() => {})
  })
  await staged(async ({ host, givesUp }) => {
    t.ok(isInTime(await givesUp(0)), 'in the next world')
    givesUp(0).catch(() => {})
    host(0).alive = false
    t.ok(isInTime(await givesUp(1)), 'where another host was killed')
  })
})
