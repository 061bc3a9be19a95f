// Faults that meet at one host, and how they end; the host is one that does nothing by itself.
import { test } from 'tap'
import { Faults } from './faults.ts'
import { Trace } from './trace.ts'
import type { World } from './world.ts'

/** A world of one host, which stops only while it is awake. */
function sleepyWorld(): { readonly world: World; readonly trace: Trace; readonly done: string[] } {
  const awake = Promise.withResolvers<void>()
  const done: string[] = []
  const host = {
    multiaddrs: [],
    async stop() {
      await awake.promise
      done.push('stopped')
    },
    async start() {
      done.push('started')
    },
  }
  const sleep = () => {
    done.push('asleep')
    return () => awake.resolve()
  }
  const trace = new Trace()
  const driver = { simulated: { machine: () => ({ sleep }) } }
  return { world: { trace, driver, host: () => host } as unknown as World, trace, done }
}

test('a host that is to stop while it sleeps is woken when all is healed, stops, and is started again', async (t) => {
  const { world, trace, done } = sleepyWorld()
  await using faults = new Faults(world)
  await faults.add({ kind: 'sleep', host: 'a', at: 0 })
  await faults.add({ kind: 'refuse', host: 'a', at: { event: 'now' } })
  trace.record('a', 'now', {})
  await faults.healAll()
  t.same(done, ['asleep', 'stopped', 'started'])
  t.same(
    trace.of('fault:healed').map(({ detail }) => detail['kind']),
    ['sleep', 'refuse'],
  )
})

test('a world that ends while a host is to stop in its sleep wakes it, and waits for nothing else', async (t) => {
  for (const at of [0, { event: 'now' }] as const) {
    const { world, trace, done } = sleepyWorld()
    const faults = new Faults(world)
    await faults.add({ kind: 'sleep', host: 'a', at })
    await faults.add({ kind: 'refuse', host: 'a', at: { event: 'now' } })
    trace.record('a', 'now', {})
    await faults[Symbol.asyncDispose]()
    t.same(done, ['asleep', 'stopped'], 'it is left as it is')
  }
})

test('why a fault could not be carried out is told without the stacks that an error quotes', async (t) => {
  const { world, trace } = sleepyWorld()
  const problem = new Error(
    'no port was free: EADDRINUSE\n      at listen (net.ts:1:2)\n  one of two',
  )
  Object.assign(world, { host: () => ({ multiaddrs: [], stop: () => Promise.reject(problem) }) })
  await using faults = new Faults(world)
  await faults.add({ kind: 'refuse', host: 'a', at: { event: 'now' } })
  trace.record('a', 'now', {})
  await faults.healAll()
  const reason = 'Error: no port was free: EADDRINUSE\n  one of two'
  t.match(trace.of('fault:failed'), [{ detail: { reason } }])
  t.equal(faults.problem(), reason)
})
