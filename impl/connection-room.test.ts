// Real connections over loopback: who makes way for whom is decided by sockets and libp2p together.
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import type { Multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test, type Test } from 'tap'
import { connectionRoom } from './connection-room.ts'

const LISTEN = ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws']
const ROOM = { pending: 2, connections: 100, handshakeTimeoutMs: 5_000 }

async function node(t: Test, listen: readonly string[], room = ROOM) {
  const made = await createLibp2p({
    addresses: { listen: [...listen] },
    transports: [tcp(), webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { room: connectionRoom(room) },
  })
  t.teardown(() => made.stop())
  return made
}

async function silent(t: Test, address: Multiaddr | undefined): Promise<Socket> {
  const [host, port] = address?.getComponents() ?? []
  const socket = connect(Number(port?.value), host?.value)
  socket.on('error', () => {})
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

test('of connections that do not say who they are the oldest makes way, and whoever has said so stays', async (t) => {
  for (const listen of LISTEN) {
    const server = await node(t, [listen])
    const [address] = server.getMultiaddrs()
    if (address === undefined) throw new Error('the node does not listen')
    const known = await (await node(t, [])).dial(address)
    const first = await silent(t, address)
    const ended = once(first, 'close')
    const second = await silent(t, address)
    const third = await silent(t, address)
    await ended
    t.notOk(second.destroyed || third.destroyed, 'there is room for two')
    const newcomer = await (await node(t, [])).dial(address)
    t.equal(newcomer.status, 'open')
    t.equal(known.status, 'open')
    await Promise.all([known.close(), newcomer.close()])
  }
})

test('of connections on which nothing is going on the oldest makes way when there are many', async (t) => {
  const server = await node(t, LISTEN.slice(0, 1), { ...ROOM, connections: 3 })
  await server.handle('/busy', () => {})
  const [address] = server.getMultiaddrs()
  if (address === undefined) throw new Error('the node does not listen')
  const dial = async () => (await node(t, [])).dial(address)
  const busy = await dial()
  await busy.newStream('/busy')
  const idle = await dial()
  const ended = new Promise((resolve) => idle.addEventListener('close', resolve))
  const another = await dial()
  await ended
  t.strictSame([busy.status, another.status], ['open', 'open'])
})
