import basex from 'base-x'
import { isIPv4, isIPv6 } from 'node:net'
import ipaddr from 'ipaddr.js'
import { parseAddress, type IpAddress } from './addresses.ts'

/**
 * base36 as 2018 wrote it: letters before digits, each leading zero byte an `a`. Neither multibase `k` nor a big
 * integer gives the same text (NT-DNS-022, NT-DNS-023).
 */
const base36 = basex('abcdefghijklmnopqrstuvwxyz0123456789')

/** sha2-256 of a public key, and the public key itself (RSA keys are too long for it), as multihashes. */
const SHA256_PREFIX = [0x12, 0x20]
const SHA256_MULTIHASH_BYTES = 34
const IDENTITY_CODE = 0x00
const IDENTITY_DIGEST_BYTES_MAX = 42

/** RFC 1035 §2.3.4. */
export const LABEL_LENGTH_MAX = 63

/**
 * `ip4203-0-113-7` for 203.0.113.7, `ip62001-db8--1` for 2001:db8::1 (NT-DNS-010 … 013). A label must not end in a
 * hyphen, or no public CA certifies it: a zero is written after it, as in `ip62001-db8--0`.
 * @throws {RangeError} when the text is not an IP address.
 */
export function addressLabel(address: string): string {
  const parsed = parseAddress(address)
  if (parsed === undefined) throw new RangeError(`"${address}" is not an IP address`)
  if (parsed.family === 4) return `ip4${parsed.address.replaceAll('.', '-')}`
  const hyphened = parsed.address.replaceAll(':', '-')
  return `ip6${hyphened}${hyphened.endsWith('-') ? '0' : ''}`
}

/** The address name: {@link addressLabel} directly below the zone. */
export function addressName(address: string, zone: string): string {
  return `${addressLabel(address)}.${zone}`
}

/**
 * The address that a label stands for, or `undefined`. Reads more than {@link addressLabel} writes: upper case, a
 * hyphen at the end and zeros that could be left out (NT-DNS-014), but nothing that is not one address (NT-DNS-015).
 */
export function parseAddressLabel(label: string): IpAddress | undefined {
  const lower = label.toLowerCase()
  // A dot in a label would be taken for one of the separators that hyphens stand for.
  if (lower.includes('.')) return undefined
  if (lower.startsWith('ip4')) {
    const address = lower.slice(3).replaceAll('-', '.')
    return isIPv4(address) ? { family: 4, address } : undefined
  }
  if (!lower.startsWith('ip6') || !/^[0-9a-f-]+$/.test(lower.slice(3))) return undefined
  const address = lower.slice(3).replaceAll('-', ':')
  // A mapped address stays IPv6 here: the AAAA record of such a name holds what the name says.
  return isIPv6(address)
    ? { family: 6, address: ipaddr.IPv6.parse(address).toRFC5952String() }
    : undefined
}

/** `p` and the peer id's multihash in base36 (NT-DNS-020): 53, 59 or 61 characters for RSA, Ed25519, secp256k1. */
export function id0Label(id: Uint8Array): string {
  return `p${base36.encode(id)}`
}

/** The id0 name: {@link id0Label} directly below the zone. */
export function id0Name(id: Uint8Array, zone: string): string {
  return `${id0Label(id)}.${zone}`
}

/** The multihash in an id0 label of any case, or `undefined` when it holds none (NT-DNS-021 … 023). */
export function parseId0Label(label: string): Uint8Array | undefined {
  const lower = label.toLowerCase()
  if (!lower.startsWith('p') || lower.length > LABEL_LENGTH_MAX) return undefined
  const id = base36.decodeUnsafe(lower.slice(1))
  return id !== undefined && isPeerMultihash(id) ? id : undefined
}

/** Whether bytes can be a peer id: sha2-256 of 32 bytes, or a key of at most 42 bytes as it is. */
export function isPeerMultihash(id: Uint8Array): boolean {
  if (id[0] === IDENTITY_CODE) {
    const length = id[1] ?? 0
    return length > 0 && length <= IDENTITY_DIGEST_BYTES_MAX && id.length === length + 2
  }
  return (
    id.length === SHA256_MULTIHASH_BYTES && id[0] === SHA256_PREFIX[0] && id[1] === SHA256_PREFIX[1]
  )
}

/** A zone as the rest of the code wants it: lower case, no dot at its ends; undefined when it is no domain name. */
export function parseZone(text: string): string | undefined {
  const zone = text.toLowerCase().replace(/\.$/, '')
  const labels = zone.split('.')
  const valid = labels.every(
    (label) => label.length <= LABEL_LENGTH_MAX && /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(label),
  )
  // Room for `_acme-challenge.`, the longest label and its dot below the zone (RFC 1035 §2.3.4: 253 characters).
  return valid && zone.length <= 253 - 16 - LABEL_LENGTH_MAX - 1 ? zone : undefined
}
