import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { Connection, StreamHandler } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { test } from 'tap'
import { frame, openStream, rawStream } from './index.ts'

const PROTOCOL = '/test/1.0.0'
const signal = (): AbortSignal => AbortSignal.timeout(30_000)
const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'))

type Test = { teardown(handler: () => unknown): void }

/** A connection to a node that answers streams so. */
async function connect(t: Test, handler: StreamHandler): Promise<Connection> {
  const init = {
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
  }
  const server = await createLibp2p({ ...init, addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] } })
  const client = await createLibp2p(init)
  t.teardown(() => client.stop())
  t.teardown(() => server.stop())
  await server.handle(PROTOCOL, handler)
  return client.dial(server.getMultiaddrs())
}

test('frames, a clean end, a reset and silence are told apart', async (t) => {
  const connection = await connect(t, async (stream, incoming) => {
    const raw = rawStream(stream, incoming)
    const asked = await raw.next(signal())
    raw.send(frame(bytes('01')))
    const [how] = asked.message ?? []
    if (how === 0) raw.closeWrite()
    if (how === 1) raw.reset()
    if (how === 2) raw.send(bytes('05aa'))
    if (how === 3) {
      raw.send(bytes('05aa'))
      raw.closeWrite()
    }
    if (how === 4) incoming.abort(new Error('gone'))
  })
  const ask = async (how: string) => {
    const raw = await openStream(connection, PROTOCOL, { signal: signal() })
    t.ok(raw.send(frame(bytes(how))))
    t.same(await raw.next(signal()), { message: bytes('01') }, `the answer of ${how}`)
    return raw
  }
  t.match(await (await ask('00')).next(signal()), { message: undefined, end: 'closed' })
  t.match(await (await ask('01')).next(signal()), { message: undefined, end: 'reset' })
  const halfway = await ask('02')
  t.match(await halfway.next(AbortSignal.timeout(50)), { message: undefined, end: 'open' })
  t.same((await halfway.rest(AbortSignal.abort())).rest, bytes('05aa'))
  halfway.reset()
  t.strictSame(await (await ask('03')).rest(signal()), {
    messages: [],
    rest: bytes('05aa'),
    end: 'closed',
  })
  t.match(await (await ask('04')).next(signal()), { message: undefined, end: /lost|reset/ })
})

test('a server that answers and ends at once is read to its end, and every byte is kept as evidence', async (t) => {
  const connection = await connect(t, (stream) => {
    stream.send(frame(bytes('0800')))
    return stream.close()
  })
  const seen: string[] = []
  for (let round = 0; round < 20; round++) {
    const raw = await openStream(connection, PROTOCOL, {
      signal: signal(),
      tap: ({ direction, bytes: data, note = '' }) =>
        seen.push(`${direction} ${Buffer.from(data).toString('hex')}${note}`),
    })
    t.same(await raw.rest(signal()), {
      messages: [bytes('0800')],
      rest: bytes(''),
      end: 'closed',
    })
    t.equal(await raw.gone(AbortSignal.timeout(1)), 'open')
    raw.closeWrite()
    t.equal(await raw.gone(signal()), 'closed')
    t.notOk(raw.send(bytes('00')))
  }
  t.same(seen.slice(0, 4), ['received 020800', 'received closed', 'sent closed', 'sent 00'])
})

test('a reset is seen as that alone, where our half is open too', async (t) => {
  const connection = await connect(t, (stream) => {
    stream.addEventListener('message', () => stream.abort(new Error('no')), { once: true })
  })
  const seen: string[] = []
  const raw = await openStream(connection, PROTOCOL, {
    signal: signal(),
    tap: ({ direction, note = 'bytes' }) => seen.push(`${direction} ${note}`),
  })
  raw.send(bytes('00'))
  t.match(await raw.rest(signal()), { end: 'reset' })
  t.equal(await raw.gone(signal()), 'reset')
  t.same(seen, ['sent bytes', 'received reset'])
})
