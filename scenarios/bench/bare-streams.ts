// What the streams of one issuance cost by themselves: unmodified libp2p nodes whose handlers decide nothing, sign
// nothing and store nothing. Whoever speaks the protocol over libp2p pays this, on top of what the CA costs.
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { Connection, Stream } from '@libp2p/interface'
import { createLibp2p, type Libp2p } from 'libp2p'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { memoryDriver } from '../engine/drivers/memory.ts'
import type { Publish } from './minimal-acme.ts'

/** Lengths of messages as they are on the wire, in bytes. */
const LENGTH = { info: 300, proof: 300, request: 900, response: 4_000, challenge: 150, ok: 4 }
const STREAMS_MAX = 1_024

export interface BareStreams extends AsyncDisposable {
  /** An info, two proofs and a request, in whose answering `order` runs: it publishes by a stream to a third node. */
  issuance(order: (publish: Publish) => Promise<unknown>): Promise<void>
}

/** @param answerWith puts a value where the CA finds it, without a stream */
export async function openBareStreams(
  answerWith: (name: string, value: string) => void,
): Promise<BareStreams> {
  const driver = memoryDriver()
  const open = async (name: string): Promise<Libp2p> =>
    createLibp2p({
      addresses: { listen: [...driver.place({ name, families: [4] }).listen] },
      transports: [driver.place({ name: `${name}-dials`, families: [4] }).transport as never],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionMonitor: { enabled: false },
    })
  const [client, issue, dns, proof1, proof2] = await Promise.all([
    open('client'),
    open('issue'),
    open('dns'),
    open('proof1'),
    open('proof2'),
  ])
  await handle(issue, '/info', (stream) => answer(stream, LENGTH.info))
  for (const node of [proof1, proof2]) {
    await handle(node, '/proof', (stream) => answer(stream, LENGTH.proof))
  }
  const orders: (() => Promise<unknown>)[] = []
  await handle(issue, '/issue', (stream) => {
    stream.addEventListener('message', () => {
      void orders
        .shift()?.()
        .then(() => {
          stream.send(new Uint8Array(LENGTH.response))
          return stream.close()
        })
    })
  })
  await handle(dns, '/dns-01', (stream) => {
    stream.addEventListener('message', ({ data }) => {
      stream.send(new Uint8Array((LENGTH.ok * data.byteLength) / LENGTH.challenge))
    })
  })
  const [toIssue, toDns, toProof1, toProof2] = await Promise.all([
    client.dial(issue.getMultiaddrs()),
    issue.dial(dns.getMultiaddrs()),
    client.dial(proof1.getMultiaddrs()),
    client.dial(proof2.getMultiaddrs()),
  ])
  const write = await writer(toDns)
  const visible = await visibleServer()
  return {
    async issuance(order) {
      await ask(toIssue, '/info', 1)
      await Promise.all([ask(toProof1, '/proof', 1), ask(toProof2, '/proof', 1)])
      orders.push(async () => {
        let published = 0
        await order(async (name, value) => {
          published += 1
          await write()
          answerWith(name, value)
          await visible.ask()
        })
        void Promise.all(Array.from({ length: published }, write))
      })
      await ask(toIssue, '/issue', LENGTH.request)
    },
    async [Symbol.asyncDispose]() {
      visible.close()
      for (const node of [client, issue, dns, proof1, proof2]) await node.stop()
      await driver.close()
    },
  }
}

async function handle(
  node: Libp2p,
  protocol: string,
  serve: (stream: Stream) => void,
): Promise<void> {
  await node.handle(protocol, serve, {
    maxInboundStreams: STREAMS_MAX,
    maxOutboundStreams: STREAMS_MAX,
  })
}

function answer(stream: Stream, length: number): void {
  stream.addEventListener('message', () => {
    stream.send(new Uint8Array(length))
    void stream.close()
  })
}

async function ask(connection: Connection, protocol: string, length: number): Promise<void> {
  const stream = await connection.newStream(protocol, { maxOutboundStreams: STREAMS_MAX })
  const answered = Promise.withResolvers<void>()
  stream.addEventListener('message', () => answered.resolve(), { once: true })
  stream.addEventListener('close', () => answered.reject(new Error('the stream has closed')))
  stream.send(new Uint8Array(length))
  await answered.promise
  await stream.close()
}

/** Sends challenges on one kept stream; each is done when its answer is there. */
async function writer(connection: Connection): Promise<() => Promise<void>> {
  const stream = await connection.newStream('/dns-01')
  const waiting: (() => void)[] = []
  stream.addEventListener('message', ({ data }) => {
    for (const done of waiting.splice(0, data.byteLength / LENGTH.ok)) done()
  })
  return async () => {
    const answered = Promise.withResolvers<void>()
    waiting.push(answered.resolve)
    stream.send(new Uint8Array(LENGTH.challenge))
    await answered.promise
  }
}

/** One packet to a socket and back, as who looks whether a challenge is visible has to. */
async function visibleServer(): Promise<{ ask(): Promise<void>; close(): void }> {
  const server = createSocket('udp4')
  server.bind(0, '127.0.0.1')
  await once(server, 'listening')
  server.on('message', (message, { port, address }) => server.send(message, port, address))
  return {
    async ask() {
      const socket = createSocket('udp4')
      const answered = once(socket, 'message')
      socket.send(new Uint8Array(LENGTH.challenge), server.address().port, '127.0.0.1')
      await answered
      socket.close()
    },
    close: () => server.close(),
  }
}
