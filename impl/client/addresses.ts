import type { PeerId } from '@libp2p/interface'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { WebSocketsSecure } from '@multiformats/multiaddr-matcher'
import { isGlobalAddress, parseAddress } from '../wire/addresses.ts'
import { parseAddressLabel } from '../wire/names.ts'

/** Where a listener of ours takes TLS connections. */
export interface Endpoint {
  readonly family: 4 | 6
  readonly address: string
  readonly port: number
}

/** What is known when we announce. */
export interface AnnouncedParts {
  /** The address names that the certificate is for. */
  readonly names: readonly string[]
  readonly endpoints: readonly Endpoint[]
  /** The port that the world reaches us at, where a router or proxy stands before us. */
  readonly announcePort?: number | undefined
  readonly peerId: PeerId
}

/**
 * The multiaddrs under which a browser reaches us: `/dns4/<ip4 name>/tcp/<port>/tls/ws/p2p/<id>`, and `/dns6/…` for
 * an `ip6` name (NT-CLIENT-011). 2018 wrote `/dnsaddr/…`, which means something else: a TXT lookup.
 */
export function announcedAddresses(parts: AnnouncedParts): Multiaddr[] {
  const { names, endpoints, announcePort, peerId } = parts
  return names.flatMap((name) => {
    const proven = parseAddressLabel(name.split('.')[0] ?? '')
    if (proven === undefined) return []
    const ports =
      endpoints.length > 0 && announcePort !== undefined
        ? [announcePort]
        : endpointPorts(endpoints, proven)
    return ports.map((port) =>
      multiaddr(`/dns${proven.family}/${name}/tcp/${port}/tls/ws/p2p/${peerId.toString()}`),
    )
  })
}

/**
 * The ports of those listeners that a connection to the proven address can end at. The address itself need not be
 * among ours: behind NAT it is the router's. So the best match counts: a listener on this very address, one that is
 * not on loopback only, one of this family. Without any of this family nobody would answer: then `announcePort` has to
 * say where a proxy does.
 */
function endpointPorts(
  endpoints: readonly Endpoint[],
  proven: { readonly family: 4 | 6; readonly address: string },
): number[] {
  const family = endpoints.filter((endpoint) => endpoint.family === proven.family)
  const candidates = [
    family.filter((endpoint) => endpoint.address === proven.address),
    family.filter((endpoint) => !isLoopback(endpoint.address)),
    family,
  ]
  const best = candidates.find((found) => found.length > 0) ?? []
  return [...new Set(best.map((endpoint) => endpoint.port))]
}

/** Those of a node's listen addresses that speak TLS and WebSockets. */
export function secureEndpoints(listenAddresses: readonly Multiaddr[]): Endpoint[] {
  return listenAddresses.flatMap((address) => {
    if (!WebSocketsSecure.exactMatch(address)) return []
    const [host, tcp] = address.getComponents()
    const ip = parseAddress(host?.value ?? '')
    const port = Number(tcp?.value)
    return ip === undefined || !(port > 0) ? [] : [{ ...ip, port }]
  })
}

/**
 * An address as today's libp2p dials it. 2018 wrote `/dnsaddr/<name>/tcp/<port>/wss` and meant a plain lookup of the
 * name (NT-CLIENT-011, NT-ISSUE-004); a true `/dnsaddr` has no port, and is left for libp2p to resolve.
 */
export function modernAddress(address: Multiaddr): Multiaddr {
  const [host, transport, ...rest] = address.getComponents()
  if (host?.name !== 'dnsaddr' || host.value === undefined || transport?.name !== 'tcp') {
    return address
  }
  const named = parseAddressLabel(host.value.split('.')[0] ?? '')
  const upper = rest.map(({ name, value }) => {
    if (name === 'wss') return '/tls/ws'
    return value === undefined ? `/${name}` : `/${name}/${value}`
  })
  return multiaddr(
    `/dns${named?.family ?? ''}/${host.value}/tcp/${transport.value ?? ''}${upper.join('')}`,
  )
}

/**
 * Whether an address can lead anywhere on the public Internet, as far as its text tells: an address name tells as
 * much as the address itself, any other name is given the benefit of the doubt.
 */
export function isPublicAddress(address: Multiaddr): boolean {
  const [host] = address.getComponents()
  if (host?.value === undefined) return false
  switch (host.name) {
    case 'ip4':
    case 'ip6':
      return isGlobalAddress(host.value)
    case 'dns':
    case 'dns4':
    case 'dns6':
    case 'dnsaddr': {
      const named = parseAddressLabel(host.value.split('.')[0] ?? '')
      return named === undefined ? host.value.includes('.') : isGlobalAddress(named.address)
    }
    default:
      return false
  }
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1'
}
