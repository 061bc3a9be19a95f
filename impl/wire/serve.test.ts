// The bounds that every server has, on pairs of streams without a network between them.
import type { Connection, Stream } from '@libp2p/interface'
import { streamPair } from '@libp2p/utils'
import { once } from 'node:events'
import { test } from 'tap'
import { frameStream, type FrameStream } from './stream.ts'
import { streamServer, type StreamServer, type StreamService } from './serve.ts'
import { holdDeadlines } from './testing.ts'

const signal = (): AbortSignal => AbortSignal.timeout(30_000)
const REQUEST = Uint8Array.of(1, 2, 3)

/** Answers every request with itself. */
const echo: StreamService['serve'] = async (frames, _connection, requestSignal) => {
  for (;;) {
    const message = await frames.read(requestSignal())
    if (message === undefined) return
    await frames.write(message, requestSignal())
  }
}

interface Client {
  readonly stream: Stream
  readonly frames: FrameStream
  readonly closed: Promise<unknown>
}

async function open(server: StreamServer, peer: string): Promise<Client> {
  const [stream, served] = await streamPair()
  const closed = once(stream as unknown as EventTarget, 'close', { signal: signal() })
  const frames = frameStream(stream, { lengthMax: 1024 })
  void server.handler(served, { remotePeer: { toString: () => peer } } as unknown as Connection)
  return { stream, frames, closed }
}

async function ask({ frames }: Client): Promise<Uint8Array | undefined> {
  await frames.write(REQUEST, signal())
  return await frames.read(signal())
}

test('NT-WIRE-010 streams are counted for each peer, the excess is reset, and room comes back', async (t) => {
  const failures: (readonly [peer: string, reason: string])[] = []
  const server = streamServer({
    serve: echo,
    failed: ({ peer, reason }) => failures.push([peer, reason]),
    limits: { perPeer: 2 },
  })
  t.teardown(() => server.stop())
  const first = await open(server, 'a')
  const others = [await open(server, 'a'), await open(server, 'b')]
  const tooMany = await open(server, 'a')
  await tooMany.closed
  t.same(failures, [['a', 'peer has 2 streams open, at most 2 are served']])
  for (const client of [first, ...others]) t.same(await ask(client), REQUEST)

  await first.stream.close()
  await first.closed
  for (const client of others) await client.stream.close()
  await server.idle()
  t.same(await ask(await open(server, 'a')), REQUEST)
  t.equal(failures.length, 1)
})

test('NT-WIRE-010 of all streams the one that has waited for its peer longest makes way, and none that is worked for', async (t) => {
  const failures: (readonly [peer: string, reason: string])[] = []
  const begun = Promise.withResolvers<void>()
  const work = Promise.withResolvers<void>()
  const server = streamServer({
    serve: async (frames, connection, requestSignal) => {
      const message = await frames.read(requestSignal())
      if (connection.remotePeer.toString() === 'worked for') {
        begun.resolve()
        await work.promise
      }
      if (message !== undefined) await frames.write(message, requestSignal())
    },
    failed: ({ peer, reason }) => failures.push([peer, reason]),
    limits: { total: 2 },
  })
  t.teardown(() => server.stop())
  const workedFor = await open(server, 'worked for')
  const answer = ask(workedFor)
  await begun.promise
  const silent = await open(server, 'silent')
  const newcomer = await open(server, 'newcomer')
  await silent.closed
  t.equal(silent.stream.status, 'reset')
  const reason = '2 streams are open, at most 2 are served'
  t.same(failures, [['silent', reason]])
  t.same(await ask(newcomer), REQUEST)
  work.resolve()
  t.same(await answer, REQUEST)
})

test('NT-WIRE-010 when all streams are worked for, one more is reset', async (t) => {
  const failures: string[] = []
  const work = Promise.withResolvers<void>()
  const server = streamServer({
    serve: () => work.promise,
    failed: ({ peer, reason }) => failures.push(`${peer}: ${reason}`),
    limits: { total: 1 },
  })
  t.teardown(() => server.stop())
  const first = await open(server, 'a')
  const second = await open(server, 'b')
  await second.closed
  t.same(failures, ['b: 1 streams are open, at most 1 are served'])
  t.equal(first.stream.status, 'open')
  work.resolve()
})

test('NT-WIRE-009 a stream that its client leaves half open keeps its place until the deadline, and is then reset', async (t) => {
  const deadlines = holdDeadlines(t)
  const failures: string[] = []
  const server = streamServer({
    serve: async (frames, _connection, requestSignal) => {
      await frames.write(REQUEST, requestSignal())
    },
    failed: ({ reason }) => failures.push(reason),
    limits: { perPeer: 1 },
    requestTimeoutMs: deadlines.timeoutMs,
  })
  t.teardown(() => server.stop())
  const halfOpen = await open(server, 'a')
  t.same(await halfOpen.frames.read(signal()), REQUEST)
  t.equal(await halfOpen.frames.read(signal()), undefined, 'the server has ended its side')
  const second = await open(server, 'a')
  await second.closed
  t.match(failures, [/^peer has 1 streams open/])
  t.equal(halfOpen.stream.status, 'open')
  await deadlines.hurry(halfOpen.closed)
  t.equal(halfOpen.stream.status, 'reset')
  t.match(failures[1], /timeout/)
  await server.idle()
})

test('NT-WIRE-009 a stream that is kept after its answers ends in silence; one that never asks, or stops within a request, is reported', async (t) => {
  const deadlines = holdDeadlines(t)
  const failures = new Map<string, string>()
  const server = streamServer({
    serve: echo,
    failed: ({ peer, reason }) => failures.set(peer, reason),
    requestTimeoutMs: deadlines.timeoutMs,
  })
  t.teardown(() => server.stop())
  const clients = [
    await open(server, 'kept'),
    await open(server, 'silent'),
    await open(server, 'cut'),
  ] as const
  const [kept, , cut] = clients
  t.same(await ask(kept), REQUEST)
  t.same(await ask(kept), REQUEST)
  t.same(await ask(cut), REQUEST)
  // One more request and half of the next in one piece: when the answer is there, the half is too.
  cut.stream.send(Uint8Array.of(1, 7, 3, 0))
  t.same(await cut.frames.read(signal()), Uint8Array.of(7))
  await deadlines.hurry(Promise.all(clients.map(({ closed }) => closed)))
  for (const { stream } of clients) t.equal(stream.status, 'reset')
  await server.idle()
  t.same([...failures.keys()].toSorted(), ['cut', 'silent'])
  for (const reason of failures.values()) t.match(reason, /timeout/)
})
