import type { Listener } from '@libp2p/interface'
import { Server, type Socket } from 'node:net'

/** How long a connection may stay silent before its first byte, in ms. */
const FIRST_BYTE_TIMEOUT_MS = 10_000

/**
 * Cuts off connections that never send anything.
 *
 * The listener of @libp2p/websockets 10 waits for the first byte to tell TLS from plain WebSockets, without a limit,
 * and knows nothing of a connection until then: silent ones pile up, and one of them is enough that closing the
 * listener, and so stopping the node, never ends. We find its sockets ourselves, at the `net.Server` that it holds;
 * where a listener has none, there is nothing to do. This file can go when the listener limits the wait itself.
 */
export class SilentSockets {
  readonly #watched = new WeakSet<Server>()
  readonly #sockets = new Map<Socket, NodeJS.Timeout>()

  /** Watches a listener's connections from now on. */
  watch(listener: Listener): void {
    const { server } = listener as unknown as { readonly server?: unknown }
    if (!(server instanceof Server) || this.#watched.has(server)) return
    this.#watched.add(server)
    server.on('connection', this.#onConnection)
  }

  /** Cuts off all that are silent now. */
  cut(): void {
    for (const socket of this.#sockets.keys()) {
      if (socket.bytesRead === 0) socket.destroy()
    }
  }

  readonly #onConnection = (socket: Socket): void => {
    const timer = setTimeout(() => {
      this.#sockets.delete(socket)
      if (socket.bytesRead === 0) socket.destroy()
    }, FIRST_BYTE_TIMEOUT_MS)
    // It watches over others, and keeps no process alive.
    timer.unref()
    this.#sockets.set(socket, timer)
    socket.once('close', () => {
      clearTimeout(timer)
      this.#sockets.delete(socket)
    })
  }
}
