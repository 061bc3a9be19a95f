// `node:tls`: native TLS over a handle of ours, and certificates judged by a host's own clock.
import tls, { type SecureContext, type SecureContextOptions, type TLSSocket } from 'node:tls'
import { judgeChain } from './certificate-dates.ts'
import { isVirtual } from './hosts.ts'
import { prototypes, type NativeStream } from './internals.ts'
import { virtualized } from './net.ts'
import type { Patches } from './patches.ts'
import { setOwner, TcpHandle } from './tcp-handle.ts'

interface TlsHandle extends NativeStream {
  _parent: unknown
  _secureContext: SecureContext
  verifyError(): Error | null | undefined
  setSession(session: unknown): void
}

type VirtualSocket = TLSSocket & { readonly _tlsOptions: { readonly pipe?: unknown } }

export function patchTls(patches: Patches): void {
  const trusted = new WeakMap<SecureContext, SecureContextOptions['ca']>()

  patches.method(tls, 'createSecureContext', (original) => {
    return function createSecureContext(options?: SecureContextOptions) {
      const context = original.call(tls, options) as SecureContext
      trusted.set(context, options?.ca)
      return context
    }
  })

  patches.method(prototypes.tlsSocket, '_wrapHandle', (original) => {
    return function wrapHandle(
      this: VirtualSocket,
      wrap: unknown,
      given: unknown,
      ...rest: unknown[]
    ) {
      let handle = given
      // A socket that TLS itself connects, and its further attempts.
      if (isVirtual() && wrap === null && this._tlsOptions.pipe !== true) {
        handle = given === undefined || given === null ? new TcpHandle() : virtualized(given)
        if (handle instanceof TcpHandle) setOwner(handle, this)
      }
      const native = original.call(this, wrap, handle, ...rest) as TlsHandle
      if (handle instanceof TcpHandle) handle.serveTls(native)
      if (isVirtual()) judgeByVirtualTime(this, native)
      return native
    }
  })

  function judgeByVirtualTime(socket: TLSSocket, native: TlsHandle): void {
    const verifyError = native.verifyError.bind(native)
    native.verifyError = () =>
      judgeChain(verifyError() ?? undefined, {
        chain: socket.getPeerCertificate(true),
        trusted: trusted.get(native._secureContext),
      })
    // Who resumes a session depends on the garbage collector: libraries keep them by weak references.
    native.setSession = () => {}
  }
}
