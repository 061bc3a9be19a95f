import { ADDRESS_TYPE } from './protocols.ts'

/** An IP address: 4 or 16 bytes. IPv4-mapped addresses are 16 bytes here. */
export type AddressBytes = Uint8Array

/** Dotted decimal without leading zeros, or hexadecimal groups with at most one `::`; nothing else is read. */
export function addressBytes(text: string): AddressBytes | undefined {
  return text.includes(':') ? bytesOfIpv6(text) : bytesOfIpv4(text)
}

/** Dotted decimal, or RFC 5952 with mapped addresses in hexadecimal as well. */
export function addressText(bytes: AddressBytes): string {
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: 8 }, (_, index) => {
    const [high = 0, low = 0] = bytes.subarray(index * 2, index * 2 + 2)
    return high * 256 + low
  })
  const run = longestZeroRun(groups)
  const hex = groups.map((group) => group.toString(16))
  if (run.length < 2) return hex.join(':')
  return `${hex.slice(0, run.start).join(':')}::${hex.slice(run.start + run.length).join(':')}`
}

/** The IPv4 address in an IPv4-mapped one, any other as it is (NT-PROOF-008). */
export function unmapped(bytes: AddressBytes): AddressBytes {
  const mapped =
    bytes.length === 16 && bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 255
  return mapped && bytes[11] === 255 ? bytes.slice(12) : bytes
}

/** How a proof says an address: canonical text and type. */
export function proofAddress(text: string): { readonly type: number; readonly address: string } {
  const bytes = addressBytes(text)
  if (bytes === undefined) throw new RangeError(`"${text}" is not an IP address`)
  const plain = unmapped(bytes)
  return {
    type: plain.length === 4 ? ADDRESS_TYPE.IPv4 : ADDRESS_TYPE.IPv6,
    address: addressText(plain),
  }
}

function bytesOfIpv4(text: string): AddressBytes | undefined {
  const parts = text.split('.')
  const strict = parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) <= 255)
  return strict && parts.length === 4 ? Uint8Array.from(parts.map(Number)) : undefined
}

function bytesOfIpv6(text: string): AddressBytes | undefined {
  const halves = hexadecimal(text).split('::')
  if (halves.length > 2) return undefined
  const [head = [], tail] = halves.map((half) => (half === '' ? [] : half.split(':')))
  const written = [...head, ...(tail ?? [])]
  const valid = written.every((group) => /^[0-9a-f]{1,4}$/i.test(group))
  // `::` stands for at least one group.
  const complete = tail === undefined ? written.length === 8 : written.length < 8
  if (!valid || !complete) return undefined
  const zeros = Array.from({ length: 8 - written.length }, () => '0')
  const groups = [...head, ...zeros, ...(tail ?? [])].map((group) => Number.parseInt(group, 16))
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 255]))
}

/** Dotted decimal at the end of an IPv6 address is two groups of it. */
function hexadecimal(text: string): string {
  const colon = text.lastIndexOf(':') + 1
  const bytes = bytesOfIpv4(text.slice(colon))
  if (bytes === undefined) return text
  const [a = 0, b = 0, c = 0, d = 0] = bytes
  return `${text.slice(0, colon)}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
}

function longestZeroRun(groups: readonly number[]): {
  readonly start: number
  readonly length: number
} {
  let best = { start: 0, length: 0 }
  let start = 0
  groups.forEach((group, index) => {
    if (group !== 0) start = index + 1
    else if (index + 1 - start > best.length) best = { start, length: index + 1 - start }
  })
  return best
}
