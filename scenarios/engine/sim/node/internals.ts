// What of Node's inside the simulator stands on. Every name that another Node may lack is looked up here, at once, so
// that a Node that differs is told of by name and not by a strange failure later.
import dgram from 'node:dgram'
import dns from 'node:dns'
import net from 'node:net'
import tls from 'node:tls'

/** A request of a handle: Node sets `oncomplete`. */
export interface HandleRequest {
  oncomplete?: ((...results: unknown[]) => void) | undefined
  /** Of writes from Node 26 on: null where they were not over before Node could set that. */
  readonly writeStatus?: null
}

/** Node's stream of native code over JavaScript: TLS and the HTTP parser read from it as from a socket of libuv. */
export interface NativeStream {
  onread: (bytes?: ArrayBuffer) => void
  readBuffer(bytes: Uint8Array): void
  emitEOF(): void
  finishWrite(request: HandleRequest, status: number): void
  finishShutdown(request: HandleRequest, status: number): void
  getAsyncId(): number
}

/** A resolver's c-ares channel. */
export interface Channel {
  getServers(): [address: string, port: number][]
}

type Constructor<T> = new (...given: never[]) => T

/** The name of an errno as libuv's number, which is negative. */
export type UvCodes = Readonly<Record<`UV_${string}`, number>>

interface Bindings {
  readonly js_stream: { readonly JSStream: Constructor<NativeStream> }
  readonly stream_wrap: {
    readonly streamBaseState: Int32Array
    readonly kReadBytesOrError: number
    readonly kArrayBufferOffset: number
    readonly kBytesWritten: number
    readonly kLastWriteWasAsync: number
    /** From Node 26 on. */
    readonly kLastWriteErr?: number
  }
  readonly tcp_wrap: { readonly TCP: Constructor<{ close(): void }> }
  readonly uv: UvCodes
  readonly cares_wrap: {
    getaddrinfo: (request: HandleRequest, ...query: unknown[]) => number
    readonly ChannelWrap: { readonly prototype: Record<string, unknown> & Channel }
  }
}

function binding<Name extends keyof Bindings>(name: Name): Bindings[Name] {
  // Deprecated in documents only, and the one way to a native stream that JavaScript feeds.
  return (process as unknown as { binding(name: Name): Bindings[Name] }).binding(name)
}

export const { JSStream } = binding('js_stream')
export const { TCP } = binding('tcp_wrap')
export const uv = binding('uv')
export const cares = binding('cares_wrap')

const {
  kReadBytesOrError,
  kArrayBufferOffset,
  kBytesWritten,
  kLastWriteWasAsync,
  kLastWriteErr = kLastWriteWasAsync,
} = binding('stream_wrap')

/** Where handles and Node's sockets leave their numbers for one another. */
export const streamState = {
  values: binding('stream_wrap').streamBaseState,
  READ: kReadBytesOrError,
  OFFSET: kArrayBufferOffset,
  WRITTEN: kBytesWritten,
  IS_ASYNC: kLastWriteWasAsync,
  /** Where there is none, it is set by what follows. */
  LAST_ERROR: kLastWriteErr,
} as const

/** What Node keeps in places that have no name. */
export const symbols = findSymbols()

function findSymbols(): {
  readonly owner: symbol
  readonly timeout: symbol
  readonly reinitialize: symbol
  readonly udpState: symbol
  readonly initializeChannel: symbol
} {
  const handle = { getAsyncId: () => 0, readStart: () => 0 }
  const socket = new net.Socket({ handle } as never)
  const udp = dgram.createSocket('udp4')
  udp.close()
  return {
    owner: symbolOf(handle, 'owner_symbol'),
    timeout: symbolOf(socket, 'timeout'),
    reinitialize: symbolOf(net.Socket.prototype, 'kReinitializeHandle'),
    udpState: symbolOf(udp, 'state symbol'),
    initializeChannel: symbolOf(
      Object.getPrototypeOf(dns.Resolver.prototype) as object,
      'dns:resolver:initializeHandle',
    ),
  }
}

function symbolOf(holder: object, description: string): symbol {
  const found = Object.getOwnPropertySymbols(holder).find(
    (symbol) => symbol.description === description,
  )
  if (found === undefined) {
    throw new Error(`Node ${process.version} has no symbol "${description}", wanted Node 24`)
  }
  return found
}

/** Node's classes with what the simulator replaces of them. */
export const prototypes = {
  socket: net.Socket.prototype as unknown as Record<string | symbol, unknown>,
  server: net.Server.prototype as unknown as Record<string | symbol, unknown>,
  tlsSocket: tls.TLSSocket.prototype as unknown as Record<string | symbol, unknown>,
  udpSocket: dgram.Socket.prototype as unknown as Record<string | symbol, unknown>,
  channel: cares.ChannelWrap.prototype as Record<string | symbol, unknown>,
  resolver: Object.getPrototypeOf(dns.Resolver.prototype) as Record<string | symbol, unknown>,
}

export function uvCode(code: string): number {
  return uv[`UV_${code}`] ?? uv['UV_EIO'] ?? -1
}
