// Servers of the tests: a DNS server that says whatever the test wants, on UDP and TCP of one port.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import type { Test } from 'tap'
import type { Upstream } from './resolver.ts'

/** Messages as TCP carries them: each behind its length (RFC 1035 §4.2.2). */
export function framed(...messages: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    messages.flatMap((message) => [
      Buffer.from([message.length >> 8, message.length & 0xff]),
      message,
    ]),
  )
}

/** Undefined: the server is silent. */
export type Answer = (asked: Uint8Array, transport: 'udp' | 'tcp') => Uint8Array | undefined

/** Opens a DNS server for the length of the test. */
export async function upstream(t: Test, answer: Answer): Promise<Upstream> {
  const tcp = createServer((socket) => {
    socket.on('error', () => {})
    t.teardown(() => socket.destroy())
    onMessages(socket, (asked) => {
      const said = answer(asked, 'tcp')
      if (said !== undefined) socket.write(framed(said))
    })
  }).listen(0, '127.0.0.1')
  await once(tcp, 'listening')
  const bound = tcp.address()
  if (bound === null || typeof bound === 'string') throw new Error('no port')
  const udp = createSocket('udp4', (asked, { port, address }) => {
    const said = answer(asked, 'udp')
    if (said !== undefined) udp.send(said, port, address)
  })
  udp.bind(bound.port, '127.0.0.1')
  await once(udp, 'listening')
  t.teardown(() => {
    tcp.close()
    udp.close()
  })
  return { address: '127.0.0.1', port: bound.port }
}

export function onMessages(socket: Socket, onMessage: (message: Buffer) => void): void {
  let pending = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk])
    while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
      const end = 2 + pending.readUInt16BE(0)
      onMessage(pending.subarray(2, end))
      pending = pending.subarray(end)
    }
  })
}
