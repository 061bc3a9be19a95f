import { AsyncLocalStorage } from 'node:async_hooks'
import type { HostNet } from './hosts.ts'
import { currentNet } from './hosts.ts'
import {
  JSStream,
  streamState,
  symbols,
  uvCode,
  type HandleRequest,
  type NativeStream,
} from './internals.ts'
import { mappedAddress } from '../network/address.ts'
import { NetworkError, type Endpoint, type TcpSink, type TcpSocket } from '../network/index.ts'

/** What Node asks an address of a handle with. */
export interface SocketName {
  address?: string
  port?: number
  family?: string
}

/** 0 or an errno. From Node 26 on, who writes hands over no request, and gets one when it has to wait. */
type WriteResult = number | HandleRequest

interface PendingWrite {
  readonly request: HandleRequest
  /** Native code wrote, and is told by the native way. */
  readonly native: boolean
}

const UV_TCP_IPV6ONLY = 1
const { values, READ, OFFSET, WRITTEN, IS_ASYNC, LAST_ERROR } = streamState

/**
 * In the place of libuv's TCP beneath `net.Socket` and `net.Server`, which do not know the difference. For native code
 * above it (TLS, the HTTP parser) it is a native stream; `net.Socket` itself is served without leaving JavaScript.
 */
export class TcpHandle extends JSStream {
  reading = false
  /** Set by Node's HTTP server when its parser reads the handle itself. */
  _consumed = false
  /** Set by `net.Server`. */
  onconnection: ((status: number, client?: TcpHandle) => void) | undefined
  /** The native TLS above it. */
  #tls: NativeStream | undefined
  #net: HostNet | undefined
  /** The context that Node's callbacks run in: that of who made the handle, as with libuv. */
  readonly #enter = AsyncLocalStorage.snapshot()
  #socket: TcpSocket | undefined
  #listener: { readonly local: Endpoint; close(): void } | undefined
  #bound: { readonly address: string; readonly port: number; readonly flags: number } | undefined
  #connecting: HandleRequest | undefined
  #writes: PendingWrite[] = []
  #isClosed = false
  #isMapped = false
  #bytesRead = 0

  constructor() {
    super()
    try {
      this.#net = currentNet()
    } catch {
      // Every call that needs the network says so.
    }
  }

  /** Native TLS reads and writes from now on, and speaks with random numbers of its own. */
  serveTls(native: NativeStream): void {
    this.#tls = native
    if (this.#socket !== undefined) this.#socket.opaque = true
  }

  get fd(): number {
    return -1
  }

  get bytesRead(): number {
    return this.#bytesRead
  }

  get bytesWritten(): number {
    return this.#socket?.bytesSent ?? 0
  }

  get writeQueueSize(): number {
    return this.#socket?.unsentLength ?? 0
  }

  bind(address: string, port: number, flags = 0): number {
    this.#bound = { address, port, flags }
    return 0
  }

  bind6(address: string, port: number, flags = 0): number {
    return this.bind(address, port, flags)
  }

  listen(backlog: number): number {
    const { address, port, flags } = this.#bound ?? { address: '', port: 0, flags: 0 }
    return this.#attempt((machine) => {
      const listen = (at: string): void => {
        this.#listener = machine.listen({
          address: at,
          port,
          backlog,
          dualStack: (flags & UV_TCP_IPV6ONLY) === 0,
          accept: (socket) => this.#enter(() => this.#accept(socket)),
        })
      }
      if (address !== '') return listen(address)
      // Node listens on all addresses of both families where there is IPv6.
      listen(machine.addresses.some((own) => own.includes(':')) ? '::' : '0.0.0.0')
    })
  }

  connect(request: HandleRequest, address: string, port: number): number {
    return this.#attempt((machine) => {
      const bound = this.#bound
      const from = bound === undefined ? undefined : { address: bound.address, port: bound.port }
      this.#connecting = request
      this.#socket = machine.connect({ to: { address, port }, from, sink: this.#sink() })
      this.#socket.opaque = this.#tls !== undefined
    })
  }

  connect6(request: HandleRequest, address: string, port: number): number {
    return this.connect(request, address, port)
  }

  getsockname(out: SocketName): number {
    const local = this.#socket?.local ?? this.#listener?.local ?? this.#bound
    return this.#name(local, out)
  }

  getpeername(out: SocketName): number {
    return this.#name(this.#socket?.remote, out)
  }

  readStart(): number {
    this.#socket?.startReading()
    return 0
  }

  readStop(): number {
    this.#socket?.stopReading()
    return 0
  }

  writeBuffer(request: HandleRequest | null, bytes: Uint8Array): WriteResult {
    return this.#write(request, Uint8Array.from(bytes))
  }

  writev(
    request: HandleRequest | null,
    chunks: readonly unknown[],
    allBuffers: boolean,
  ): WriteResult {
    const buffers: Uint8Array[] = []
    if (allBuffers) buffers.push(...(chunks as Uint8Array[]))
    else {
      for (let index = 0; index < chunks.length; index += 2) {
        const [chunk, encoding] = [chunks[index], chunks[index + 1]]
        const isText = typeof chunk === 'string'
        buffers.push(
          isText ? Buffer.from(chunk, encoding as BufferEncoding) : (chunk as Uint8Array),
        )
      }
    }
    return this.#write(request, Buffer.concat(buffers))
  }

  writeUtf8String(request: HandleRequest | null, text: string): WriteResult {
    return this.#write(request, Buffer.from(text, 'utf8'))
  }

  writeAsciiString(request: HandleRequest | null, text: string): WriteResult {
    return this.#write(request, Buffer.from(text, 'ascii'))
  }

  writeLatin1String(request: HandleRequest | null, text: string): WriteResult {
    return this.#write(request, Buffer.from(text, 'latin1'))
  }

  writeUcs2String(request: HandleRequest | null, text: string): WriteResult {
    return this.#write(request, Buffer.from(text, 'utf16le'))
  }

  shutdown(request: HandleRequest): number {
    this.#socket?.shutdown()
    process.nextTick(() => request.oncomplete?.(0))
    return 0
  }

  close(done?: () => void): void {
    this.#end((socket) => socket.close(), done)
  }

  reset(done?: () => void): number {
    this.#end((socket) => socket.reset(), done)
    return 0
  }

  // Of native code above.

  isClosing(): boolean {
    return this.#isClosed
  }

  onreadstart(): number {
    return this.readStart()
  }

  onreadstop(): number {
    return this.readStop()
  }

  onwrite(request: HandleRequest, buffers: readonly Uint8Array[]): number {
    const socket = this.#socket
    const error = socket?.writeError ?? (this.#isClosed ? 'ECANCELED' : undefined)
    const write: PendingWrite = { request, native: true }
    if (socket === undefined || error !== undefined) {
      process.nextTick(() => this.#finish(write, uvCode(error ?? 'ENOTCONN')))
    } else if (socket.write(Buffer.concat(buffers))) {
      process.nextTick(() => this.#finish(write, 0))
    } else this.#writes.push(write)
    return 0
  }

  onshutdown(request: HandleRequest): number {
    this.#socket?.shutdown()
    process.nextTick(() => this.finishShutdown(request, 0))
    return 0
  }

  // What a virtual socket has no use for.

  open(): number {
    return uvCode('EINVAL')
  }

  ref(): void {}

  unref(): void {}

  hasRef(): boolean {
    return true
  }

  setNoDelay(): number {
    return 0
  }

  setKeepAlive(): number {
    return 0
  }

  setTypeOfService(): number {
    return 0
  }

  setSimultaneousAccepts(): number {
    return 0
  }

  setBlocking(): number {
    return 0
  }

  #accept(socket: TcpSocket): void {
    const client = new TcpHandle()
    client.#socket = socket
    client.#isMapped = this.#listener?.local.address === '::'
    socket.sink = client.#sink()
    this.onconnection?.(0, client)
  }

  #sink(): TcpSink {
    return {
      connected: () => this.#enter(() => this.#connected(0)),
      failed: (code) => this.#enter(() => this.#failed(uvCode(code))),
      data: (bytes) => this.#enter(() => this.#data(bytes)),
      ended: () => this.#enter(() => this.#ended()),
      drained: () => this.#enter(() => this.#finishAll(0)),
    }
  }

  #connected(status: number): void {
    const request = this.#connecting
    this.#connecting = undefined
    request?.oncomplete?.(status, this, request, true, true)
  }

  #failed(status: number): void {
    if (this.#connecting !== undefined) return this.#connected(status)
    this.#finishAll(status)
    if (this.#isClosed) return
    values[READ] = status
    // Native streams that JavaScript feeds know no errors: who is above them is told directly.
    ;(this.#tls ?? this).onread()
  }

  #data(bytes: Uint8Array): void {
    this.#bytesRead += bytes.length
    if (this.#tls !== undefined || this._consumed) return this.readBuffer(bytes)
    values[READ] = bytes.length
    values[OFFSET] = bytes.byteOffset
    this.onread(bytes.buffer as ArrayBuffer)
  }

  #ended(): void {
    if (this.#tls !== undefined || this._consumed) return this.emitEOF()
    values[READ] = uvCode('EOF')
    this.onread()
  }

  /** The bytes are ours. */
  #write(given: HandleRequest | null, bytes: Uint8Array): WriteResult {
    const socket = this.#socket
    values[WRITTEN] = bytes.length
    values[LAST_ERROR] = 0
    values[IS_ASYNC] = 0
    if (socket === undefined) return uvCode('EBADF')
    if (socket.writeError !== undefined) return uvCode(socket.writeError)
    if (socket.write(bytes)) return 0
    values[IS_ASYNC] = 1
    const request = given ?? { writeStatus: null }
    this.#writes.push({ request, native: false })
    return given === null ? request : 0
  }

  #finishAll(status: number): void {
    const writes = this.#writes
    this.#writes = []
    for (const write of writes) this.#finish(write, status)
  }

  #finish({ request, native }: PendingWrite, status: number): void {
    if (native) this.finishWrite(request, status)
    else request.oncomplete?.(status)
  }

  #end(how: (socket: TcpSocket) => void, done: (() => void) | undefined): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#listener?.close()
    if (this.#socket !== undefined) how(this.#socket)
    // As libuv: later, so that who closes has said why before anybody hears that it is closed.
    setImmediate(() => {
      this.#finishAll(uvCode('ECANCELED'))
      done?.()
    })
  }

  #attempt(work: (machine: HostNet['machine']) => void): number {
    try {
      if (this.#net === undefined) throw new NetworkError('ENETDOWN')
      work(this.#net.machine)
      return 0
    } catch (error) {
      if (error instanceof NetworkError) return uvCode(error.code)
      throw error
    }
  }

  #name(
    end: { readonly address: string; readonly port: number } | undefined,
    out: SocketName,
  ): number {
    if (end === undefined) return uvCode('ENOTCONN')
    out.address = this.#isMapped ? mappedAddress(end.address) : end.address
    out.port = end.port
    out.family = out.address.includes(':') ? 'IPv6' : 'IPv4'
    return 0
  }
}

/** Whose a handle is: a `net.Socket` or `net.Server`. */
export function setOwner(handle: TcpHandle, owner: object): void {
  Object.assign(handle, { [symbols.owner]: owner })
}
