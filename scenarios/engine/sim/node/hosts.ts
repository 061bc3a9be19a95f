import { currentHost, type VirtualHost } from '../host-context.ts'
import { NetworkError, type NetworkHost } from '../network/index.ts'

/** What of a network a host's processes see. */
export interface HostNet {
  readonly machine: NetworkHost
  /** Where its resolver asks, as in resolv.conf. @default none: no name is known */
  readonly nameServers?: readonly { readonly address: string; readonly port: number }[]
}

const nets = new WeakMap<VirtualHost, HostNet>()

/** Puts a host on a network. Its sockets are virtual from now on. */
export function connectHost(host: VirtualHost, hostNet: HostNet): void {
  nets.set(host, hostNet)
}

/** Whether the running code's sockets are virtual: so it is on every host, and nowhere else. */
export function isVirtual(): boolean {
  return currentHost() !== undefined
}

/**
 * The network of the host whose code runs.
 *
 * @throws {NetworkError} ENETDOWN on a host without one, and on one that has died: what its code still does in our
 * process must reach nobody
 */
export function currentNet(): HostNet {
  const host = currentHost()
  const hostNet = host === undefined ? undefined : nets.get(host)
  if (host?.alive !== true || hostNet === undefined) throw new NetworkError('ENETDOWN')
  return hostNet
}
