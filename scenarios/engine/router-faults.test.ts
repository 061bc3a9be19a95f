// Faults between a host and the internet, as a plan has them: what a stranger meets while they last, and after them.
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'tap'
import { prepareProcess } from './drivers/index.ts'
import { hosts, type Fault, type Scenario } from './scenario.ts'
import type { World } from './world.ts'

// A simulation wants to be there before libp2p is.
await prepareProcess('sim')
const { runScenario } = await import('./run.ts')
const { lookAt, seenAt, socketOf } = await import('./sockets.ts')

const FAULT_MS = 20_000
const SETTLE_MS = 1_000
const HEALED = 'fault:healed'

/** A world with one client that has its certificate; a stranger looks at it before, during and after a fault. */
function lookedAt(fault: Fault): Scenario {
  return {
    name: 'looked-at',
    title: 'a stranger looks at a client',
    proves: [],
    world: (client) => ({ hosts: hosts({ proof: 1, dns: 1, issue: 1, client }) }),
    async run(world, inject) {
      await world.obtainAll()
      await world.announced()
      const socket = socketOf(world, 'client1')
      await lookAt(world, 'client1', socket)
      // The invariants look at it too, when it is first heard.
      await sleep(SETTLE_MS)
      await inject(fault)
      await lookAt(world, 'client1', socket)
      await world.trace.waitFor(({ event }) => event === HEALED, world.signal)
      await lookAt(world, 'client1', socket)
    },
    expectations: [],
  }
}

async function seen(scenario: Scenario, transport: 'sim' | 'memory' = 'sim'): Promise<World> {
  let world: World | undefined
  const report = await runScenario(
    {
      ...scenario,
      expectations: [
        {
          name: 'seen',
          holds(of) {
            world = of
            return true
          },
        },
      ],
    },
    { transport, ca: { only: 'built-in' } },
  )
  const broken = report.verdicts.find(({ problem }) => problem !== undefined)
  if (broken !== undefined || world === undefined) throw new Error(broken?.problem)
  return world
}

const FAULTS: readonly (readonly [name: string, fault: Fault, problem: RegExp])[] = [
  [
    'a firewall that drops',
    { kind: 'firewall', policy: 'drop', host: 'client1', at: 0 },
    /no TLS handshake within/,
  ],
  [
    'a firewall that refuses',
    { kind: 'firewall', policy: 'refuse', host: 'client1', at: 0 },
    /ECONNREFUSED/,
  ],
  ['routers without a way', { kind: 'no-route', host: 'client1', at: 0 }, /EHOSTUNREACH/],
]
for (const [name, fault, problem] of FAULTS) {
  test(`${name}: a stranger is kept out for a while, and then all is as it was`, async (t) => {
    const world = await seen(lookedAt({ ...fault, forMs: FAULT_MS }))
    const [before, during, after] = seenAt(world, 'client1')
    t.equal(before?.problem, undefined)
    t.match(during?.problem, problem)
    t.equal(after?.problem, undefined)
    t.equal(after?.serial, before?.serial)
  })
}

test('connections that end in one direction are given up, and the client is heard over others', async (t) => {
  const fault: Fault = { kind: 'half-close', host: 'client1', at: 0 }
  const connections = (world: World): string[] =>
    world
      .host('client1')
      .node.getConnections()
      .map(({ id }) => id)
  let before: readonly string[] = []
  let after: readonly string[] = []
  const scenario: Scenario = {
    ...lookedAt(fault),
    async run(world, inject) {
      await world.obtainAll()
      await world.announced()
      before = connections(world)
      await inject(fault)
      await sleep(FAULT_MS)
      after = connections(world)
    },
  }
  const { trace } = await seen(scenario)
  t.ok(before.length > 0)
  t.ok(after.length > 0)
  t.notOk(after.some((id) => before.includes(id)))
  const [{ atMs } = { atMs: Infinity }] = trace.of('fault:half-close')
  const announced = trace.of('announced').filter((entry) => entry.atMs > atMs + SETTLE_MS)
  t.ok(announced.length > 5, `${announced.length} announcements`)
})

test('in memory there are no routers, and a story that wants one ends with that', async (t) => {
  const fault: Fault = { kind: 'rebind', address: 'kept', host: 'client1', at: 0 }
  await t.rejects(seen(lookedAt(fault), 'memory'), {
    message: /"rebind" is a fault of simulated worlds: it needs --transport sim/,
  })
})
