import type { Listener, MultiaddrConnection, Transport, Upgrader } from '@libp2p/interface'
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Socket as UdpSocket } from 'node:dgram'
import { subscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import type { Place, TransportComponents } from './driver.ts'

type MessageListener = (...message: unknown[]) => void

/** Whose work it is that opens a socket. */
const owner = new AsyncLocalStorage<HostNetwork>()

// Services open sockets of their own (DNS), of which no transport knows.
subscribe('udp.socket', (message) => {
  owner.getStore()?.opened((message as { socket: UdpSocket }).socket)
})
subscribe('net.server.socket', (message) => {
  owner.getStore()?.accepted((message as { socket: Socket }).socket)
})

/** One host's way to all others, which can be cut and mended while the host goes on. */
export class HostNetwork {
  readonly #udp = new Set<UdpSocket>()
  readonly #tcp = new Set<Socket>()
  /** Who listened on UDP before the cut. */
  readonly #deaf = new Map<UdpSocket, readonly MessageListener[]>()
  readonly #name: string
  /** How often it has been cut and not mended. */
  #cuts = 0
  /** Of connections that are being made: libp2p tells nobody of them. */
  #making = new AbortController()

  constructor(name: string) {
    this.#name = name
  }

  /** Does work whose sockets are this host's. */
  run<T>(work: () => T): T {
    return owner.run(this, work)
  }

  /** Breaks the connections to its sockets; from now on there are no new ones, and nothing comes by UDP. */
  cut(): void {
    this.#cuts += 1
    if (this.#cuts > 1) return
    this.breakOff(this.#cutOff())
    for (const socket of this.#tcp) socket.destroy()
    for (const socket of this.#udp) {
      this.#deaf.set(socket, socket.rawListeners('message') as MessageListener[])
      socket.removeAllListeners('message')
    }
  }

  /** Ends the making of connections; those that are made, libp2p knows. */
  breakOff(reason: Error): void {
    this.#making.abort(reason)
    this.#making = new AbortController()
  }

  /** Ends one cut; the network is whole when all have ended. */
  mend(): void {
    this.#cuts = Math.max(0, this.#cuts - 1)
    if (this.#cuts > 0) return
    for (const [socket, listeners] of this.#deaf) {
      for (const listener of listeners) socket.on('message', listener)
    }
    this.#deaf.clear()
  }

  /** The sockets that it has opened by itself. */
  get udpSockets(): readonly UdpSocket[] {
    return [...this.#udp]
  }

  opened(socket: UdpSocket): void {
    this.#udp.add(socket)
    socket.once('close', () => this.#udp.delete(socket))
  }

  accepted(socket: Socket): void {
    if (this.#cuts > 0) {
      socket.destroy()
      return
    }
    this.#tcp.add(socket)
    socket.once('close', () => this.#tcp.delete(socket))
  }

  /** A transport that neither dials nor is dialled while the network is cut. */
  transport(make: Place['transport']): Place['transport'] {
    return (components: TransportComponents): Transport => {
      const transport = make(components)
      const dial = transport.dial.bind(transport)
      const createListener = transport.createListener.bind(transport)
      return Object.assign(transport, {
        dial: async (...[to, options]: Parameters<Transport['dial']>) => {
          this.#throwIfCut()
          const making = this.#making.signal
          const signal =
            options.signal === undefined ? making : AbortSignal.any([making, options.signal])
          return dial(to, { ...options, signal })
        },
        createListener: (options: Parameters<Transport['createListener']>[0]): Listener =>
          createListener({ ...options, upgrader: this.#guarded(options.upgrader) }),
      })
    }
  }

  #throwIfCut(): void {
    if (this.#cuts > 0) throw this.#cutOff()
  }

  #cutOff(): Error {
    return new Error(`host "${this.#name}" is cut off from the network`)
  }

  #guarded(upgrader: Upgrader): Upgrader {
    const throwIfCut = (connection: MultiaddrConnection): void => {
      try {
        this.#throwIfCut()
      } catch (error) {
        connection.abort(error as Error)
        throw error
      }
    }
    const making = (): AbortController => this.#making
    return new Proxy(upgrader, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key)
        if (typeof value !== 'function') return value
        if (key !== 'upgradeInbound') return value.bind(target)
        return async (connection: MultiaddrConnection, options: unknown) => {
          throwIfCut(connection)
          const { signal } = making()
          const breakOff = (): void => connection.abort(signal.reason)
          signal.addEventListener('abort', breakOff, { once: true })
          try {
            await (value.call(target, connection, options) as Promise<void>)
          } finally {
            signal.removeEventListener('abort', breakOff)
          }
        }
      },
    })
  }
}
