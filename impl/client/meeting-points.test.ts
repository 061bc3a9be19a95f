// When a client without neighbours looks for its issue servers. The clock is the test's.
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { mock } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { test, type Test } from 'tap'
import type { Server } from './exchange.ts'
import { ISSUE_PROTOCOL } from '../wire/protocols.ts'
import { MeetingPoints } from './meeting-points.ts'
import { silentLogger } from './testing.ts'

const server = async (): Promise<Server> => ({
  id: peerIdFromPrivateKey(await generateKeyPair('Ed25519')),
  addresses: [],
})
const issueServers = [await server(), await server()]

function seeker(
  t: Test,
  connect: (server: Server, signal: AbortSignal) => Promise<unknown> = () =>
    Promise.reject(new Error('down')),
  connections: (server: Server) => readonly Connection[] = () => [],
) {
  let now = 1_000_000
  const clock = performance.now.bind(performance)
  performance.now = () => now
  const random = Math.random
  Math.random = () => 1
  mock.timers.enable({ apis: ['setTimeout'] })
  const dialled: Server[] = []
  const points = new MeetingPoints({
    issueServers,
    connect: (to, signal) => {
      dialled.push(to)
      return connect(to, signal)
    },
    connections,
    log: silentLogger,
  })
  t.teardown(async () => {
    await points.stop()
    mock.timers.reset()
    performance.now = clock
    Math.random = random
  })
  return {
    points,
    dialled,
    /** Somebody complains all the time that nobody hears us. */
    seekFor: async (ms: number) => {
      const end = now + ms
      for (; now < end; now += 500) {
        points.seek()
        await setImmediate()
      }
    },
  }
}

test('all issue servers are dialled at once, and again ever more seldom until somebody is found', async (t) => {
  const { points, dialled, seekFor } = seeker(t)
  await seekFor(500)
  t.same(dialled, issueServers)
  await seekFor(15_000)
  t.equal(dialled.length, 2 * 5, 'after 0, 1, 3, 7 and 15 s')
  dialled.length = 0
  await seekFor(3_600_000)
  const often = 3_600 / 300 + 5
  t.ok(dialled.length / 2 <= often && dialled.length / 2 >= 12, `${dialled.length / 2} in an hour`)

  points.found()
  dialled.length = 0
  await seekFor(2_000)
  t.equal(dialled.length, 2 * 2, 'lost again: at once, and after 1 s')
})

test('no second attempt is made while one is under way, and none lasts longer than 10 s', async (t) => {
  const signals: AbortSignal[] = []
  const { dialled, seekFor } = seeker(t, (_server, signal) => {
    signals.push(signal)
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error))
    })
  })
  await seekFor(60_000)
  t.equal(dialled.length, 2)
  mock.timers.tick(10_000)
  await setImmediate()
  t.match(signals[0]?.reason, { name: 'TimeoutError' })
  await seekFor(2_000)
  t.equal(dialled.length, 4)
})

test('a stop ends an attempt, and nothing is begun after it', async (t) => {
  const { points, dialled, seekFor } = seeker(
    t,
    (_server, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error))
      }),
  )
  await seekFor(500)
  await points.stop()
  t.equal(dialled.length, 2)
  await seekFor(600_000)
  t.equal(dialled.length, 2)
})

test('a connection over which nobody heard us for 10 s is given up for a new one, unless an answer is awaited on it', async (t) => {
  const open = new Set<Connection>()
  const closed: Connection[] = []
  const connection = (protocol: string): Connection => {
    const made = {
      streams: [{ protocol }],
      close: async () => {
        open.delete(made)
        closed.push(made)
      },
    } as unknown as Connection
    open.add(made)
    return made
  }
  const { points, seekFor } = seeker(
    t,
    async () => undefined,
    (of) => (of === issueServers[0] ? [...open] : []),
  )
  const first = connection('/meshsub/1.2.0')
  await seekFor(500)
  points.found()
  await seekFor(10_000)
  t.same(closed, [], 'pubsub may still meet on it')
  await seekFor(6_000)
  t.same(closed, [first])

  const asking = connection(ISSUE_PROTOCOL)
  await seekFor(60_000)
  t.same(closed, [first])
  asking.streams.length = 0
  const young = connection('/meshsub/1.2.0')
  await seekFor(32_000)
  t.same(closed, [first], 'one of them is young')
  t.ok(open.has(young))
})
