import { parseAddress } from '../wire/addresses.ts'

// Numbers and rdata of RFC 1035, 3596, 6891, 8482 and 8659: the bytes that our zone is made of.

export const HEADER_BYTES = 12
export const OPCODE_QUERY = 0

export const TYPE = {
  A: 1,
  NS: 2,
  SOA: 6,
  HINFO: 13,
  TXT: 16,
  AAAA: 28,
  OPT: 41,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
  CAA: 257,
} as const

export const CLASS = { IN: 1 } as const

export const RCODE = {
  NOERROR: 0,
  FORMERR: 1,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  /** Extended: the four low bits are in the header, the rest in OPT (RFC 6891 §6.1.3). */
  BADVERS: 16,
} as const

/** One record of a response, its names compressed against the question, which always lies in our zone. */
export interface ResourceRecord {
  /** Labels before the zone; `undefined` for the name that was asked, in the case that it was asked in. */
  readonly owner: Uint8Array | undefined
  readonly type: number
  readonly ttlSeconds: number
  readonly rdata: Rdata
}

/** The data of a record. */
export interface Rdata {
  readonly bytes: Uint8Array
  /** Where in `bytes` two bytes are left for a pointer to the zone's name in the question. */
  readonly zonePointers: readonly number[]
}

/** A domain name cut for compression: the labels before the zone, or all of them. */
export interface SplitName {
  readonly labels: Uint8Array
  readonly inZone: boolean
}

const NO_POINTERS: readonly number[] = []

/** Two bytes, most significant first. Beyond the end there are zeros. */
export function readUint16(bytes: Uint8Array, position: number): number {
  return ((bytes[position] ?? 0) << 8) | (bytes[position + 1] ?? 0)
}

export function writeUint16(bytes: Uint8Array, value: number, position: number): void {
  bytes[position] = value >>> 8
  bytes[position + 1] = value & 255
}

export function writeUint32(bytes: Uint8Array, value: number, position: number): void {
  writeUint16(bytes, value >>> 16, position)
  writeUint16(bytes, value & 0xffff, position + 2)
}

/** Rdata without names. */
export function rdata(bytes: Uint8Array): Rdata {
  return { bytes, zonePointers: NO_POINTERS }
}

/** An A record's four bytes, from canonical text. */
export function ip4Bytes(address: string): Uint8Array {
  const bytes = new Uint8Array(4)
  let index = 0
  for (let position = 0; position < address.length; position++) {
    const character = address.charCodeAt(position)
    if (character === 0x2e) index += 1
    else bytes[index] = (bytes[index] ?? 0) * 10 + character - 0x30
  }
  return bytes
}

/** An AAAA record's sixteen bytes, from any valid text. */
export function ip6Bytes(address: string): Uint8Array {
  const bytes = new Uint8Array(16)
  const [head = '', tail] = address.split('::')
  const before = groups(head)
  const after = tail === undefined ? [] : groups(tail)
  for (const [index, group] of before.entries()) writeUint16(bytes, group, index * 2)
  const start = 16 - after.length * 2
  for (const [index, group] of after.entries()) writeUint16(bytes, group, start + index * 2)
  return bytes
}

function groups(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => {
    // RFC 4291 §2.2: the last 32 bits may be written as an IPv4 address.
    if (!group.includes('.')) return [Number.parseInt(group, 16)]
    const bytes = ip4Bytes(group)
    return [readUint16(bytes, 0), readUint16(bytes, 2)]
  })
}

/** The record that an address gives: A or AAAA. */
export function addressRecord(
  address: string,
  init: { readonly owner: Uint8Array | undefined; readonly ttlSeconds: number },
): ResourceRecord {
  const parsed = parseAddress(address)
  if (parsed === undefined) throw new RangeError(`"${address}" is not an IP address`)
  return parsed.family === 4
    ? { ...init, type: TYPE.A, rdata: rdata(ip4Bytes(parsed.address)) }
    : { ...init, type: TYPE.AAAA, rdata: rdata(ip6Bytes(parsed.address)) }
}

/** One character-string of at most 255 bytes (RFC 1035 §3.3.14). */
export function textRdata(text: string): Rdata {
  const bytes = new Uint8Array(1 + text.length)
  bytes[0] = text.length
  for (let index = 0; index < text.length; index++) bytes[index + 1] = text.charCodeAt(index)
  return rdata(bytes)
}

/** What ANY gets, so that it is of no use for reflection (RFC 8482 §4.2). */
export function anyRecord(ttlSeconds: number): ResourceRecord {
  return { owner: undefined, type: TYPE.HINFO, ttlSeconds, rdata: ANY_RDATA }
}

const ANY_RDATA: Rdata = rdata(Uint8Array.from([7, ...Buffer.from('RFC8482'), 0]))

/** RFC 8659 §4.1. */
export function caaRdata(caa: {
  readonly tag: string
  readonly value: string
  readonly critical?: boolean
}): Rdata {
  const tag = Buffer.from(caa.tag, 'ascii')
  return rdata(
    Buffer.concat([
      Uint8Array.of(caa.critical === true ? 128 : 0, tag.length),
      tag,
      Buffer.from(caa.value, 'ascii'),
    ]),
  )
}

/** Rdata made of names, then other bytes: NS and SOA, which may be compressed (RFC 3597 §4). */
export function namesRdata(names: readonly SplitName[], rest: Uint8Array): Rdata {
  const parts: Uint8Array[] = []
  const zonePointers: number[] = []
  let length = 0
  for (const { labels, inZone } of names) {
    parts.push(labels, new Uint8Array(inZone ? 2 : 1))
    length += labels.length
    if (inZone) zonePointers.push(length)
    length += inZone ? 2 : 1
  }
  return { bytes: Buffer.concat([...parts, rest]), zonePointers }
}

/** Labels in wire form, without the root's zero at the end. */
export function labelBytes(labels: readonly string[]): Uint8Array {
  return Buffer.concat(
    labels.flatMap((label) => [Uint8Array.of(label.length), Buffer.from(label, 'latin1')]),
  )
}
