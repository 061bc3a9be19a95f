import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { Connection } from '@libp2p/interface'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { openTunnel } from './tunnel.ts'
import { logger } from './upkeep.ts'
import type { World } from './world.ts'

/** Of libp2p's identify service, which every host has. */
const IDENTIFY_PROTOCOL = '/ipfs/id/1.0.0'
const ANSWER_TIMEOUT_MS = 10_000

/** A stranger who is connected to a client by secure WebSockets, as a browser is. */
export interface Visitor extends AsyncDisposable {
  /** Of the certificate that its connection was made with. */
  readonly serial: string
  /** What is wrong with its connection; undefined when it is open and the client answers on it. */
  problem(): Promise<string | undefined>
}

/** Connects to a client at the address that it announces. */
export async function visit(world: World, client: string): Promise<Visitor> {
  const announced = world.announcements.find(({ host }) => host === client)
  if (announced === undefined) throw new Error(`"${client}" announces no address`)
  const [address = ''] = await world.resolve(announced.name)
  const tunnel = await openTunnel({
    host: world.driver.socketAddress(address),
    port: announced.port,
    servername: announced.name,
    roots: await world.rootCertificates(),
  })
  const node = await createLibp2p({
    logger,
    transports: [webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
  })
  const release = async (): Promise<void> => {
    await node.stop()
    await tunnel[Symbol.asyncDispose]()
  }
  try {
    const { peerId } = world.host(client)
    const connection = await node.dial(
      multiaddr(`/ip4/${tunnel.address}/tcp/${tunnel.port}/ws/p2p/${peerId}`),
      { signal: world.signal },
    )
    return {
      serial: tunnel.serial() ?? '',
      problem: () => problemOf(connection, world.signal),
      [Symbol.asyncDispose]: release,
    }
  } catch (error) {
    await release()
    throw error
  }
}

async function problemOf(connection: Connection, signal: AbortSignal): Promise<string | undefined> {
  if (connection.status !== 'open') return `it is ${connection.status}`
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)])
  try {
    const stream = await connection.newStream(IDENTIFY_PROTOCOL, { signal: deadline })
    const end = (): void => stream.abort(deadline.reason)
    deadline.addEventListener('abort', end, { once: true })
    try {
      for await (const _chunk of stream) return undefined
      return 'the client says nothing on it'
    } finally {
      deadline.removeEventListener('abort', end)
      stream.abort(new Error('the answer has come'))
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
