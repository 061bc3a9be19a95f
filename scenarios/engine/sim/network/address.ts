import ipaddr from 'ipaddr.js'

/** IP versions. */
export type IpFamily = 4 | 6

/** An address and a port. Made once for each socket: `key` is what tables are looked up by. */
export interface Endpoint {
  readonly address: string
  readonly port: number
  readonly key: string
}

const MAPPED = '::ffff:'

/** IPv6 as RFC 5952 writes it, and an IPv4 address that is mapped into IPv6 as the IPv4 address that it is. */
export function canonicalAddress(address: string): string {
  if (!address.includes(':')) return address
  if (address === '::' || address === '::1') return address
  return ipaddr.process(address).toString()
}

export function endpoint(address: string, port: number): Endpoint {
  return {
    address,
    port,
    key: address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`,
  }
}

export function familyOf(address: string): IpFamily {
  return address.includes(':') ? 6 : 4
}

export function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.')
}

export function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || address === '::'
}

/** How a socket that listens on `::` names an IPv4 peer. */
export function mappedAddress(address: string): string {
  return address.includes(':') ? address : `${MAPPED}${address}`
}

/** Whether an address is of a local network, which no router of the internet knows the way to. */
export function isPrivate(address: string): boolean {
  const range = ipaddr.parse(address).range()
  return (
    range === 'private' ||
    range === 'uniqueLocal' ||
    range === 'linkLocal' ||
    range === 'carrierGradeNat'
  )
}
