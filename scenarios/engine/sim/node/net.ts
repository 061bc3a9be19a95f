// `node:net`: connections and servers of hosts, by a handle of ours in the place of libuv's.
import net from 'node:net'
import { isVirtual } from './hosts.ts'
import { prototypes, symbols, TCP } from './internals.ts'
import type { Patches } from './patches.ts'
import { TcpHandle } from './tcp-handle.ts'

type VirtualSocket = net.Socket & {
  _handle: unknown
  _onTimeout(): void
  _undestroy(): void
  timeout: number
} & Record<symbol, unknown>

type VirtualServer = net.Server & { _handle: unknown } & Record<symbol, unknown>

export function patchNet(patches: Patches): void {
  const { socket, server } = prototypes

  patches.method(socket, 'connect', (original) => {
    return function connect(this: VirtualSocket, ...given: unknown[]) {
      if (isVirtual() && !isPath(given) && (this._handle === null || this.destroyed)) {
        // Node makes a handle where there is none: there is one.
        if (this.destroyed) {
          this._undestroy()
          this._handle = null
        }
        ;(this[symbols.reinitialize] as (handle: TcpHandle) => void)(new TcpHandle())
      }
      return original.apply(this, given)
    }
  })

  // Node takes another handle for each further address that it tries.
  patches.method(socket, symbols.reinitialize, (original) => {
    return function reinitialize(this: VirtualSocket, handle: unknown) {
      return original.call(this, virtualized(handle))
    }
  })

  // Node's own goes by its timers within, of which virtual time knows nothing.
  patches.method(socket, 'setTimeout', (original) => {
    return function setSocketTimeout(
      this: VirtualSocket,
      timeoutMs: number,
      callback?: () => void,
    ) {
      if (!isVirtual() || this.destroyed) return original.call(this, timeoutMs, callback)
      stopTimer(this)
      // Checks its arguments, and sets the listener or takes it away.
      original.call(this, 0, timeoutMs === 0 ? callback : undefined)
      if (timeoutMs === 0) return this
      if (!(timeoutMs > 0)) return original.call(this, timeoutMs, callback)
      this.timeout = timeoutMs
      const timer = setTimeout(() => this._onTimeout(), timeoutMs)
      this[symbols.timeout] = timer.unref()
      if (callback !== undefined) this.once('timeout', callback)
      return this
    }
  })

  patches.method(socket, '_destroy', (original) => {
    return function destroy(this: VirtualSocket, ...given: unknown[]) {
      if (isVirtual()) stopTimer(this)
      return original.apply(this, given)
    }
  })

  patches.method(server, '_listen2', (original) => {
    return function listen(this: VirtualServer, ...given: unknown[]) {
      const [address, port, , , fd, flags] = given
      const isTcp = typeof fd !== 'number' && port !== -1
      if (isVirtual() && isTcp && this._handle === null) {
        const handle = new TcpHandle()
        handle.bind(typeof address === 'string' ? address : '', Number(port), Number(flags ?? 0))
        this._handle = handle
        stopRealInterval(this)
      }
      return original.apply(this, given)
    }
  })

  // `resetAndDestroy` wants to know a TCP handle when it sees one.
  patches.property(TCP, Symbol.hasInstance, (value: unknown) => {
    return (
      value instanceof TcpHandle ||
      Object.prototype.isPrototypeOf.call(TCP.prototype as object, value as object)
    )
  })

  // Happy eyeballs run by Node's timers within: with them, who wins would depend on the machine's speed.
  const chooses = net.getDefaultAutoSelectFamily()
  net.setDefaultAutoSelectFamily(false)
  patches.atEnd(() => net.setDefaultAutoSelectFamily(chooses))
}

/** Node's handle of a host's socket, as ours. */
export function virtualized(handle: unknown): unknown {
  if (!isVirtual() || handle instanceof TcpHandle || !(handle instanceof TCP)) return handle
  handle.close()
  return new TcpHandle()
}

function stopTimer(socket: VirtualSocket): void {
  const timer = socket[symbols.timeout] as NodeJS.Timeout | null
  if (timer === null) return
  clearTimeout(timer)
  socket[symbols.timeout] = null
}

/** An HTTP server looks for slow clients by real time. */
function stopRealInterval(server: VirtualServer): void {
  for (const symbol of Object.getOwnPropertySymbols(server)) {
    if (symbol.description !== 'http.server.connectionsCheckingInterval') continue
    clearInterval(server[symbol] as NodeJS.Timeout)
  }
}

/** Whether the arguments of `connect` name a Unix socket. */
function isPath(given: readonly unknown[]): boolean {
  const [first] = Array.isArray(given[0]) ? (given[0] as unknown[]) : given
  if (typeof first === 'object' && first !== null) {
    return (first as { readonly path?: unknown }).path != null
  }
  return typeof first === 'string' && !(Number(first) >= 0)
}
