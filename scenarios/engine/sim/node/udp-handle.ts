import { AsyncLocalStorage } from 'node:async_hooks'
import { canonicalAddress, isWildcard, mappedAddress } from '../network/address.ts'
import { endpoint, NetworkError, type Endpoint, type UdpSocket } from '../network/index.ts'
import { currentNet, type HostNet } from './hosts.ts'
import { uvCode } from './internals.ts'
import type { SocketName } from './tcp-handle.ts'

type OnMessage = (
  length: number,
  handle: UdpHandle,
  bytes?: Buffer,
  from?: { readonly address: string; readonly family: string; readonly port: number },
) => void

const UV_UDP_IPV6ONLY = 1
/** What Linux gives a socket at first (net.core.rmem_default). */
const BUFFER_LENGTH = 212_992

/** In the place of libuv's UDP beneath `dgram.Socket`. */
export class UdpHandle {
  onmessage: OnMessage | undefined
  onerror: ((code: number) => void) | undefined
  /** Node's own, which it gives each handle. */
  lookup: unknown
  readonly #net: HostNet
  readonly #isV6: boolean
  readonly #enter = AsyncLocalStorage.snapshot()
  readonly #lengths = { receive: BUFFER_LENGTH, send: BUFFER_LENGTH }
  #socket: UdpSocket | undefined
  #isReceiving = false
  #refs = true

  constructor(type: 'udp4' | 'udp6') {
    this.#net = currentNet()
    this.#isV6 = type === 'udp6'
  }

  bind(address: string, port: number, flags = 0): number {
    return this.#attempt(() => {
      this.#socket = this.#net.machine.bindUdp({
        address,
        port,
        dualStack: this.#isV6 && (flags & UV_UDP_IPV6ONLY) === 0,
        sink: {
          message: (bytes, from) => this.#enter(() => this.#message(bytes, from)),
          failed: (code) => this.#enter(() => this.onmessage?.(uvCode(code), this)),
        },
      })
    })
  }

  connect(address: string, port: number): number {
    this.#socket?.connect(this.#endpoint(address, port))
    return 0
  }

  disconnect(): number {
    this.#socket?.connect(undefined)
    return 0
  }

  /** What Node counts on: one more than the length of what was sent at once. */
  send(_request: unknown, list: readonly Uint8Array[], count: number, ...to: unknown[]): number {
    const [port, address] = to
    const socket = this.#socket
    if (socket === undefined) return uvCode('EBADF')
    const bytes = Buffer.concat(list.slice(0, count))
    const target = typeof address === 'string' ? this.#endpoint(address, Number(port)) : socket.peer
    if (target === undefined) return uvCode('EDESTADDRREQ')
    const status = this.#attempt(() => socket.send(bytes, target))
    return status === 0 ? bytes.length + 1 : status
  }

  recvStart(): number {
    this.#isReceiving = true
    return 0
  }

  recvStop(): number {
    this.#isReceiving = false
    return 0
  }

  close(done?: () => void): void {
    this.#socket?.close()
    if (done !== undefined) setImmediate(done)
  }

  getsockname(out: SocketName): number {
    return this.#name(this.#socket?.local, out)
  }

  getpeername(out: SocketName): number {
    return this.#name(this.#socket?.peer, out)
  }

  /** Sizes are remembered and bound nothing: what a host does not read at once in virtual time, it is not slow at. */
  bufferSize(length: number, isReceive: boolean): number {
    const which = isReceive ? 'receive' : 'send'
    if (length > 0) this.#lengths[which] = length
    return this.#lengths[which]
  }

  getSendQueueSize(): number {
    return 0
  }

  getSendQueueCount(): number {
    return 0
  }

  getAsyncId(): number {
    return 0
  }

  ref(): void {
    this.#refs = true
  }

  unref(): void {
    this.#refs = false
  }

  hasRef(): boolean {
    return this.#refs
  }

  setTTL(): number {
    return 0
  }

  setBroadcast(): number {
    return 0
  }

  setMulticastTTL(): number {
    return 0
  }

  setMulticastLoopback(): number {
    return 0
  }

  setMulticastInterface(): number {
    return 0
  }

  /** There is no multicast: nobody else is a member. */
  addMembership(): number {
    return 0
  }

  dropMembership(): number {
    return 0
  }

  #message(bytes: Uint8Array, from: Endpoint): void {
    if (!this.#isReceiving) return
    const address = this.#isV6 ? mappedAddress(from.address) : from.address
    const { buffer, byteOffset, length } = bytes
    this.onmessage?.(length, this, Buffer.from(buffer, byteOffset, length), {
      address,
      family: this.#isV6 ? 'IPv6' : 'IPv4',
      port: from.port,
    })
  }

  #endpoint(address: string, port: number): Endpoint {
    const canonical = canonicalAddress(address)
    const loopback = this.#isV6 ? '::1' : '127.0.0.1'
    return endpoint(isWildcard(canonical) ? loopback : canonical, port)
  }

  #attempt(work: () => void): number {
    try {
      work()
      return 0
    } catch (error) {
      if (error instanceof NetworkError) return uvCode(error.code)
      throw error
    }
  }

  #name(end: Endpoint | undefined, out: SocketName): number {
    if (end === undefined) return uvCode('EBADF')
    out.address = this.#isV6 ? mappedAddress(end.address) : end.address
    out.port = end.port
    out.family = this.#isV6 ? 'IPv6' : 'IPv4'
    return 0
  }
}
