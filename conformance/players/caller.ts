import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import type { Connection, PrivateKey } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p, type Libp2pOptions } from 'libp2p'
import { AGENT } from '../suite/agent.ts'
import type { KeyType } from '../suite/case.ts'
import { connectionError } from './connection-error.ts'

/** A peer of the suite's own that asks servers. */
export interface Caller {
  readonly node: Libp2p
  readonly key: PrivateKey
  /** Multihash of its peer id. */
  readonly id: Uint8Array
  readonly peerId: string
  /**
   * Connects to a multiaddr that ends in /p2p; connections are kept, unless a new one is asked for.
   * @throws {ConnectionError} where there is no connection
   */
  connect(address: string, init: ConnectInit): Promise<Connection>
  close(): Promise<void>
}

export interface ConnectInit {
  readonly signal: AbortSignal
  /** @default false */
  readonly anew?: boolean
}

export interface CallerInit {
  /** @default a new one of `keyType` */
  readonly key?: PrivateKey
  /** @default Ed25519 */
  readonly keyType?: KeyType
  /** Connections come from this address of ours. @default the system's choice */
  readonly sourceAddress?: string
  /** Multiaddrs that it claims to have: identify tells them to the server. */
  readonly announce?: readonly string[]
  readonly listen?: readonly string[]
  /** More libp2p services, such as pubsub. */
  readonly services?: NonNullable<Libp2pOptions['services']>
  /** @default libp2p's own, which takes five connections a second from an address */
  readonly connectionManager?: NonNullable<Libp2pOptions['connectionManager']>
}

const RSA_BITS = 2048

/** Starts a libp2p node that speaks what the servers speak: TCP and WebSockets, Noise, Yamux, identify. */
export async function openCaller(init: CallerInit = {}): Promise<Caller> {
  const key = init.key ?? (await makeKey(init.keyType ?? 'Ed25519'))
  const { sourceAddress, connectionManager } = init
  const node = await createLibp2p({
    privateKey: key,
    nodeInfo: { userAgent: AGENT },
    addresses: {
      listen: [...(init.listen ?? [])],
      ...(init.announce === undefined ? {} : { announce: [...init.announce] }),
    },
    transports: [
      tcp(sourceAddress === undefined ? {} : { dialOpts: dialFrom(sourceAddress) }),
      webSockets(),
    ],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    ...(connectionManager === undefined ? {} : { connectionManager }),
    services: { identify: identify(), ...init.services },
  })
  return {
    node,
    key,
    id: key.publicKey.toMultihash().bytes,
    peerId: node.peerId.toString(),
    async connect(address, { signal, anew = false }) {
      const dial = () => node.dial(multiaddr(address), { signal, force: anew })
      try {
        // A handshake has a few seconds on both sides, which is little on a busy machine.
        return await dial().catch(() => {
          signal.throwIfAborted()
          return dial()
        })
      } catch (error) {
        // Who ends it otherwise than by a time that is over knows why.
        if (signal.aborted && !isTimeout(signal.reason)) throw error
        throw connectionError(address, signal.aborted ? signal.reason : error)
      }
    },
    close: async () => {
      await node.stop()
    },
  }
}

function isTimeout(reason: unknown): boolean {
  return reason instanceof DOMException && reason.name === 'TimeoutError'
}

/** `net.connect` takes it, libp2p's types only do not name it. */
function dialFrom(localAddress: string): object {
  return { localAddress }
}

async function makeKey(type: KeyType): Promise<PrivateKey> {
  return type === 'RSA' ? generateKeyPair('RSA', RSA_BITS) : generateKeyPair(type)
}
