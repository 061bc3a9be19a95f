import type { Multiaddr } from '@multiformats/multiaddr'
import ipaddr from 'ipaddr.js'
import { isIPv4, isIPv6 } from 'node:net'

/** An IP address in its one canonical text form. */
export interface IpAddress {
  readonly family: 4 | 6
  /** Dotted decimal without leading zeros, or RFC 5952. */
  readonly address: string
}

/**
 * Reads an IP address strictly: no leading zeros, no zone id, no host name, no port (NT-PROOF-010, NT-ISSUE-016).
 * An IPv4-mapped IPv6 address is the IPv4 address in it (NT-PROOF-008). Anything else is `undefined`.
 */
export function parseAddress(text: string): IpAddress | undefined {
  // node:net is strict about octal octets, where ipaddr.js reads them in the way of inet_aton.
  if (isIPv4(text)) return { family: 4, address: text }
  if (!isIPv6(text) || text.includes('%')) return undefined
  const parsed = ipaddr.IPv6.parse(hexadecimal(text))
  if (parsed.isIPv4MappedAddress()) return { family: 4, address: parsed.toIPv4Address().toString() }
  return { family: 6, address: parsed.toRFC5952String() }
}

/**
 * Dotted decimal at the end as two groups. ipaddr.js takes `::1.2.3.4` for the mapped `::ffff:1.2.3.4`, and so would have
 * one address prove another.
 */
function hexadecimal(text: string): string {
  return text.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (...[, a, b, c, d]) => {
    const group = (high: unknown, low: unknown): string =>
      (Number(high) * 256 + Number(low)).toString(16)
    return `${group(a, b)}:${group(c, d)}`
  })
}

/**
 * The IP address at which a connection's peer was seen, or `undefined` when the multiaddr proves none: a relayed
 * connection's address is the relay's, and a memory or Unix address is no IP at all (NT-PROOF-007).
 */
export function observedAddress(remote: Multiaddr): IpAddress | undefined {
  const components = remote.getComponents()
  if (components.some((component) => component.name === 'p2p-circuit')) return undefined
  const [first, second] = components
  if (first?.value === undefined || (first.name !== 'ip4' && first.name !== 'ip6')) return undefined
  // An address without a transport above it is a claim, not a connection.
  if (second === undefined || (second.name !== 'tcp' && second.name !== 'udp')) return undefined
  return parseAddress(first.value)
}

/** Whether a node can have an address at all: not an unspecified, broadcast or multicast one. */
export function isNodeAddress(address: string): boolean {
  return !['unspecified', 'broadcast', 'multicast'].includes(ipaddr.process(address).range())
}

/** Whether an address can be reached over the public Internet: neither private, loopback, documentation, … */
export function isGlobalAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false
  const parsed = ipaddr.process(address)
  if (parsed.range() !== 'unicast') return false
  // Global unicast is 2000::/3 (RFC 4291 §2.4 as IANA assigns it); ipaddr.js calls unicast what is nothing else.
  return !(parsed instanceof ipaddr.IPv6) || (parsed.parts[0] ?? 0) >> 13 === 1
}

/**
 * What a limit for each address counts by: an IPv4 address, or the /64 of an IPv6 address, because whoever has one IPv6
 * address has at least a /64 of them.
 */
export function limitKeyOf(address: string): string {
  if (!address.includes(':')) return address
  const groups = ipaddr.IPv6.parse(address).parts.slice(0, 4)
  return `${groups.map((group) => group.toString(16)).join(':')}::/64`
}
