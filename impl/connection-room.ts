import type { Connection, Libp2pEvents, Startable, TypedEventTarget } from '@libp2p/interface'
import type { ConnectionManager, TransportManager } from '@libp2p/interface-internal'
import { Server, type Socket } from 'node:net'
import { parseAddress } from './wire/addresses.ts'

/** When those who are of no use make way. */
export interface ConnectionRoomInit {
  /** Connections that have not said who they are; fewer than libp2p's `maxIncomingPendingConnections`. */
  readonly pending: number
  /** Connections in all; fewer than libp2p's `maxConnections`. */
  readonly connections: number
  /** Whoever has not said in this time who it is was cut off by libp2p, in ms. */
  readonly handshakeTimeoutMs: number
}

/** What it takes from its libp2p node. */
export interface ConnectionRoomComponents {
  readonly transportManager: Pick<TransportManager, 'getListeners'>
  readonly connectionManager: Pick<ConnectionManager, 'getConnections'>
  readonly events: TypedEventTarget<Libp2pEvents>
}

/**
 * A service that keeps room for newcomers. libp2p refuses them at its limits, so that a few thousand connections that
 * say nothing would shut everybody else out. Below the limits the connection that has been silent for longest makes
 * way: of those that have not said who they are the oldest, of the others the oldest on which nothing is going on.
 */
export function connectionRoom(
  init: ConnectionRoomInit,
): (components: ConnectionRoomComponents) => ConnectionRoom {
  return (components) => new ConnectionRoom(components, init)
}

/** The service that {@link connectionRoom} makes. */
export class ConnectionRoom implements Startable {
  readonly #components: ConnectionRoomComponents
  readonly #init: ConnectionRoomInit
  /** Sockets that have not said who they are, oldest first, by the address of their peer. */
  readonly #pending = new Map<string, { readonly socket: Socket; readonly timer: NodeJS.Timeout }>()

  constructor(components: ConnectionRoomComponents, init: ConnectionRoomInit) {
    this.#components = components
    this.#init = init
  }

  start(): void {
    this.#components.events.addEventListener('connection:open', this.#onOpen)
  }

  afterStart(): void {
    for (const listener of this.#components.transportManager.getListeners()) {
      // No interface tells of sockets before libp2p knows their peers; both of its listeners hold such a server.
      const { server } = listener as unknown as { readonly server?: unknown }
      if (server instanceof Server) server.on('connection', this.#onSocket)
    }
  }

  stop(): void {
    this.#components.events.removeEventListener('connection:open', this.#onOpen)
    for (const key of this.#pending.keys()) this.#forget(key)
  }

  readonly #onSocket = (socket: Socket): void => {
    const key = endpointKey(socket.remoteAddress ?? '', socket.remotePort ?? 0)
    const [oldest] = this.#pending
    if (oldest !== undefined && this.#pending.size >= this.#init.pending) {
      this.#forget(oldest[0])
      oldest[1].socket.destroy()
    }
    const timer = setTimeout(() => this.#pending.delete(key), this.#init.handshakeTimeoutMs)
    // It watches over others, and keeps no process alive.
    timer.unref()
    this.#pending.set(key, { socket, timer })
    socket.once('close', () => {
      if (this.#pending.get(key)?.socket === socket) this.#forget(key)
    })
  }

  readonly #onOpen = ({ detail }: CustomEvent<Connection>): void => {
    const [address, port] = detail.remoteAddr.getComponents()
    this.#forget(endpointKey(address?.value ?? '', Number(port?.value)))
    const connections = this.#components.connectionManager.getConnections()
    if (connections.length < this.#init.connections) return
    const idle = connections
      .filter((connection) => connection !== detail && isIdle(connection))
      .toSorted((a, b) => a.timeline.open - b.timeline.open)
    idle[0]?.abort(new Error('there was no room for it any more'))
  }

  #forget(key: string): void {
    clearTimeout(this.#pending.get(key)?.timer)
    this.#pending.delete(key)
  }
}

function isIdle({ direction, streams }: Connection): boolean {
  return direction === 'inbound' && streams.length === 0
}

/** A socket on both families and a multiaddr may write the same address in two ways. */
function endpointKey(address: string, port: number): string {
  return `${parseAddress(address)?.address ?? address} ${port}`
}
