import type { Libp2pEvents, Listener, TLSCertificate, TypedEventTarget } from '@libp2p/interface'
import type { TransportManager } from '@libp2p/interface-internal'
import type { Certificate } from './check.ts'
import { secureEndpoints, type Endpoint } from './addresses.ts'
import { SilentSockets } from './silent-sockets.ts'

/** What serving needs from the libp2p node. */
export interface SecureListenerComponents {
  readonly events: TypedEventTarget<Libp2pEvents>
  readonly transportManager: TransportManager
}

/**
 * Serves a certificate on the node's own WebSocket listeners (NT-CLIENT-010). A listener on `/ip4/…/tcp/<port>/ws`
 * that is given a certificate takes TLS on the same port, and tells the two apart by their first byte.
 */
export class SecureListeners {
  readonly #components: SecureListenerComponents
  readonly #onChange: () => void
  #certificate: Certificate | undefined
  readonly #silent = new SilentSockets()
  #provisioned = false
  #providing = false

  /** `onChange` is called when listeners start, stop or take a certificate: the addresses are then others. */
  constructor(components: SecureListenerComponents, onChange: () => void) {
    this.#components = components
    this.#onChange = onChange
  }

  start(): void {
    for (const listener of this.#components.transportManager.getListeners()) {
      this.#silent.watch(listener)
    }
    this.#components.events.addEventListener('transport:listening', this.#onListening)
    this.#components.events.addEventListener('transport:close', this.#onClose)
  }

  /** Stops serving. The listeners themselves belong to libp2p, which closes them. */
  stop(): void {
    this.#components.events.removeEventListener('transport:listening', this.#onListening)
    this.#components.events.removeEventListener('transport:close', this.#onClose)
    this.retire()
    // libp2p stops us a second time while its listeners close: that is when the last ones have come.
    this.#silent.cut()
  }

  /** Serves a certificate from now on. Connections that are open stay open (NT-CLIENT-012). */
  provide(certificate: Certificate): void {
    this.#certificate = certificate
    const detail = { key: certificate.key, cert: certificate.chain }
    // The first event is for listeners that speak no TLS yet and is skipped by the others, the second is for those
    // that do. A listener that hears both makes its TLS server twice from the same certificate, which is harmless.
    const again = this.#provisioned
    this.#provisioned = true
    // Listeners take the certificate one after the other: only when all have it are the addresses what they will be.
    this.#providing = true
    this.#components.events.safeDispatchEvent('certificate:provision', { detail })
    if (again) this.#components.events.safeDispatchEvent('certificate:renew', { detail })
    this.#providing = false
    this.#onChange()
  }

  /** Serves no certificate any more: a TLS handshake fails. There is no event for it, so an empty one replaces it. */
  retire(): void {
    if (this.#certificate === undefined) return
    this.#certificate = undefined
    this.#components.events.safeDispatchEvent('certificate:renew', {
      detail: {} as TLSCertificate,
    })
    this.#onChange()
  }

  /** Where TLS connections are taken, while there is a certificate. */
  endpoints(): Endpoint[] {
    return this.#certificate === undefined
      ? []
      : secureEndpoints(this.#components.transportManager.getAddrs())
  }

  readonly #onListening = (event: CustomEvent<Listener>): void => {
    this.#silent.watch(event.detail)
    const certificate = this.#certificate
    // A listener that starts later has missed the event. It dispatches `listening` again when it gets the
    // certificate, and then has secure addresses, so this ends.
    if (certificate !== undefined && secureEndpoints(event.detail.getAddrs()).length === 0) {
      this.#components.events.safeDispatchEvent('certificate:provision', {
        detail: { key: certificate.key, cert: certificate.chain },
      })
    }
    if (!this.#providing) this.#onChange()
  }

  readonly #onClose = (): void => {
    this.#onChange()
  }
}
