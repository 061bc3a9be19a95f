// The words of a failing check decide disputes: a server that is wrong in each way, and what is said of it.
import type { Stream } from '@libp2p/interface'
import { test, type Test } from 'tap'
import { createHttpsCertificate } from '../../scenarios/engine/ca/https-certificate.ts'
import { freePorts } from '../../scenarios/engine/ca/ports.ts'
import { openCaller } from '../players/caller.ts'
import { COMMAND } from '../suite/agent.ts'
import { CheckFailure, type CheckContext } from '../suite/case.ts'
import { NO_LIMITS, RateLimits } from '../suite/rate-limits.ts'
import { SharedThings } from '../suite/shared.ts'
import type { Target } from '../suite/target.ts'
import { frame, PROTOCOLS } from '../wire/index.ts'
import { send } from './by-hand.ts'
import { playCa, sendOrder } from './issue/order.ts'
import { uncertifiedAddress } from './issue/proofs.ts'
import {
  addressOf,
  answer,
  ask,
  errorOf,
  everything,
  loopbackAddress,
  newCaller,
  open,
} from './exchange.ts'

const PEER = '12D3KooWSEAvMtpEvWCS4QznrncL8coCmUCxkHduK6numCkS8US2'
const REQUEST = Uint8Array.of(0x10, 0x01)

/** A node that does this with every stream of the issue protocol. */
async function openServer(t: Test, serve: (stream: Stream) => void): Promise<CheckContext> {
  const server = await openCaller({ listen: ['/ip4/127.0.0.1/tcp/0'] })
  await server.node.handle(PROTOCOLS.issue, (stream) => {
    stream.addEventListener('message', () => serve(stream), { once: true })
  })
  t.teardown(() => server.close())
  const addresses = server.node.getMultiaddrs().map(String)
  const closers: (() => unknown)[] = []
  t.teardown(() => Promise.all(closers.map((close) => close())))
  return {
    target: {
      name: 't',
      zone: 'nt.example',
      capabilities: [],
      dns: [],
      proof: [],
      issue: { addresses },
    },
    signal: new AbortController().signal,
    wire: { record: () => undefined },
    random: Math.random,
    pace: () => Promise.resolve(),
    limits: NO_LIMITS,
    defer: (close) => void closers.push(close),
    shared: async (_key, make) => (await make({ record: () => undefined })).value,
  }
}

test('a server that does not answer has failed, and the report says what it did instead', async (t) => {
  const cases: readonly (readonly [string, (stream: Stream) => void, string])[] = [
    ['reset', (stream) => stream.abort(new Error('no')), 'a stream that was reset'],
    ['end', (stream) => void stream.close(), 'a stream that was closed without an answer'],
    [
      'half a frame',
      (stream) => {
        stream.send(Uint8Array.of(5, 8))
        void stream.close()
      },
      'a stream that was closed without an answer after the bytes 0508 of no whole frame',
    ],
    ['silence', () => undefined, 'silence for 300 ms'],
  ]
  for (const [name, serve, actual] of cases) {
    const context = await openServer(t, serve)
    const caller = await newCaller(context)
    const asked = ask(context, {
      caller,
      protocol: 'issue',
      request: REQUEST,
      what: 'a thing',
      // Only silence has to be waited for; everything else comes, however long a busy machine takes.
      waitMs: name === 'silence' ? 300 : 30_000,
    })
    await t.rejects(asked, { name: 'CheckFailure', expected: 'a thing', actual }, name)
  }
})

test('who is limited waits and asks again, and nothing is judged where that is no use', async (t) => {
  let refusals = 0
  let streams = 0
  const context = await openServer(t, (stream) => {
    streams += 1
    stream.send(frame(Uint8Array.of(8, refusals-- > 0 ? 1 : 2)))
    void stream.close()
  })
  const patient = { ...context, limits: new RateLimits({ firstMs: 5 }) }
  const caller = await newCaller(patient)
  const asked = async (): Promise<number> =>
    errorOf(await ask(patient, { caller, protocol: 'issue', request: REQUEST }))
  refusals = 3
  t.equal(await asked(), 2)
  t.equal(streams, 4, 'the same request is sent until it is let through')

  refusals = 2
  const stream = await open(patient, { caller, protocol: 'issue' })
  stream.send(frame(REQUEST))
  const { messages, end } = await everything(patient, stream)
  t.strictSame([messages.map(errorOf), end], [[2], 'closed'], 'raw bytes likewise')

  refusals = Infinity
  await t.rejects(asked(), { name: 'RateLimitedError', message: /E_RATE_LIMIT.*rateLimit/ })
  const before = streams
  await t.rejects(asked(), { name: 'RateLimitedError' })
  t.equal(streams, before + 1, 'who was waited for in vain is asked once')
  const error = errorOf(await ask(context, { caller, protocol: 'issue', request: REQUEST }))
  t.equal(error, 1, 'a check that looks at limits sees them')
})

test('a protocol that is not served is a failure of the server, and a server that is not there is none', async (t) => {
  const context = await openServer(t, () => undefined)
  const caller = await newCaller(context)
  await t.rejects(open(context, { caller, protocol: 'info' }), {
    name: 'CheckFailure',
    expected: /the protocol \/p2p\/nodetrust\/issue\/info/,
  })
  const nobody = `/ip4/127.0.0.1/tcp/1/p2p/${PEER}`
  const dialled = open(context, { caller, protocol: 'issue', address: nobody })
  await t.rejects(dialled)
  await dialled.catch((error: unknown) => t.notOk(error instanceof CheckFailure))
})

test('answers and what follows them are told apart', async (t) => {
  const context = await openServer(t, (stream) => {
    stream.send(frame(Uint8Array.of(8, 2)))
    stream.send(frame(Uint8Array.of(8, 0)))
    void stream.close()
  })
  const caller = await newCaller(context)
  const stream = await open(context, { caller, protocol: 'issue' })
  stream.send(frame(REQUEST))
  t.equal(errorOf(await answer(context, stream, 'an answer')), 2)
  const { messages, end } = await everything(context, stream)
  t.strictSame([messages.map(errorOf), end], [[0], 'closed'])
  t.throws(() => errorOf(Uint8Array.of(0x10, 1)), {
    message: /the required field error/,
  })
})

test('addresses are chosen by IP version and transport; peers get addresses of their own on one machine only', async (t) => {
  const issue = [
    `/ip6/::1/tcp/1/p2p/${PEER}`,
    `/ip4/127.0.0.1/tcp/2/ws/p2p/${PEER}`,
    `/ip4/127.0.0.1/tcp/3/p2p/${PEER}`,
  ]
  const target: Target = {
    name: 't',
    zone: 'nt.example',
    capabilities: [],
    dns: [],
    proof: [],
    issue: { addresses: issue },
  }
  t.equal(addressOf(target, 'issue'), issue[2])
  t.equal(addressOf(target, 'issue', { family: 6 }), issue[0])
  t.equal(addressOf(target, 'issue', { transport: 'ws' }), issue[1])
  t.equal(addressOf(target, 'proof'), undefined)
  const random = (): number => 0.5
  if (process.platform === 'linux') {
    t.match(loopbackAddress({ target, random } as unknown as CheckContext), /^127(\.\d+){3}$/)
  }
  const far = { ...target, issue: { addresses: [`/ip4/192.0.2.1/tcp/1/p2p/${PEER}`] } }
  t.equal(loopbackAddress({ target: far, random } as unknown as CheckContext), undefined)
  t.equal(
    send(target, { protocol: 'issue', bytes: frame(REQUEST), shows: '02 08 02' }),
    `${COMMAND} send ${issue[2]} ${PROTOCOLS.issue} 021001\n# 02 08 02`,
  )
})

test('a proof of a private address is for the issue server only where the target says so', async (t) => {
  const proofOf = (address: string) => ({
    proof: { id: Uint8Array.of(0), timestamp: 0, addrs: [{ type: 1, address }] },
  })
  for (const address of ['127.0.0.1', '10.1.2.3', '::1', 'fd00::1', '100.64.0.1']) {
    t.match(uncertifiedAddress({ capabilities: [] }, proofOf(address)), {
      verdict: 'unsupported',
      reason: new RegExp(`${address}, .* the capability "private-addresses"$`),
    })
    const claimed = { capabilities: ['private-addresses'] } as const
    t.equal(uncertifiedAddress(claimed, proofOf(address)), undefined)
  }
  for (const address of ['8.8.8.8', '2001:4860::1', 'no address']) {
    t.equal(uncertifiedAddress({ capabilities: [] }, proofOf(address)), undefined, address)
  }
})

test('an order that fails while the CA behind the suite cannot be reached says nothing of the server', async (t) => {
  let code = 9
  const server = await openServer(t, (stream) => {
    stream.send(frame(Uint8Array.of(8, code)))
    void stream.close()
  })
  const [port, upstreamPort] = await freePorts()
  const listen = { address: '127.0.0.1', port }
  const upstream = { directoryUrl: `https://127.0.0.1:${upstreamPort}/dir` }
  const acme = { listen, ...(await createHttpsCertificate()), upstream }
  const notes: (string | undefined)[] = []
  const shared = new SharedThings()
  t.teardown(() => shared.close())
  const context: CheckContext = {
    ...server,
    target: { ...server.target, players: { acme } },
    wire: { record: ({ note, bytes }) => void (bytes.length === 0 && notes.push(note)) },
    shared: (key, make) => shared.get(key, make),
  }
  const caller = await newCaller(context)
  const ordered = () => sendOrder(context, caller, { proofs: [], supportedCryptos: [1] })

  t.equal((await ordered()).error, 9, 'it is not asked, so it cannot be why')
  const ca = await playCa(context)
  t.type(await ca?.lookForDirectory(), 'string')
  const fault = `the CA behind the suite cannot be reached: ${upstream.directoryUrl}`
  await t.rejects(ordered(), { name: 'Error', message: fault })
  t.match(notes.at(-1), fault)
  code = 0
  t.equal((await ordered()).error, 0, 'what the server has already is judged')
})
