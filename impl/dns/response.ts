import type { RequestHead } from './query.ts'
import {
  CLASS,
  HEADER_BYTES,
  TYPE,
  writeUint16,
  writeUint32,
  type ResourceRecord,
} from './records.ts'

/** What a response says. */
export interface ResponseContent {
  /** May be an extended one when the request had EDNS. */
  readonly rcode: number
  readonly authoritative: boolean
  /** Where in the packet the name of the zone begins; any number when there are no records. */
  readonly zoneOffset: number
  readonly answers: readonly ResourceRecord[]
  readonly authority: readonly ResourceRecord[]
  /** Left out, all of it, where it does not fit. */
  readonly additional: readonly ResourceRecord[]
}

/** What a response without records says. */
export function emptyResponse(rcode: number, authoritative: boolean): ResponseContent {
  return {
    rcode,
    authoritative,
    zoneOffset: 0,
    answers: NONE,
    authority: NONE,
    additional: NONE,
  }
}

/**
 * Largest UDP payload that we send and say that we take: passes every usual path without fragments
 * (DNS flag day 2020).
 */
export const UDP_PAYLOAD_BYTES_MAX = 1232
/** Without EDNS, and the least that EDNS can ask for (RFC 1035 §4.2.1, RFC 6891 §6.2.3). */
export const UDP_PAYLOAD_BYTES_MIN = 512
/** TCP's length prefix has two bytes. */
export const TCP_MESSAGE_BYTES_MAX = 65_535

const NONE: readonly ResourceRecord[] = []
const OPT_BYTES = 11
const FLAG_RESPONSE = 0x80
const FLAG_AUTHORITATIVE = 0x04
const FLAG_TRUNCATED = 0x02
const FLAG_RECURSION_DESIRED = 0x01
const POINTER = 0xc000

/** How long a response may be. */
export function lengthLimit(head: RequestHead, transport: 'udp' | 'tcp'): number {
  if (transport === 'tcp') return TCP_MESSAGE_BYTES_MAX
  if (head.edns === undefined) return UDP_PAYLOAD_BYTES_MIN
  return Math.min(Math.max(head.edns.payloadBytesMax, UDP_PAYLOAD_BYTES_MIN), UDP_PAYLOAD_BYTES_MAX)
}

/**
 * Writes a response: the question byte for byte as it came (0x20), records with compressed names, OPT last.
 * What is longer than `lengthMax` is truncated to no records at all: part of a record set would be taken for all of it
 * (RFC 2181 §9).
 */
export function writeResponse(
  head: RequestHead,
  content: ResponseContent,
  lengthMax: number,
): Uint8Array {
  const fixed = head.questionEnd + (head.edns === undefined ? 0 : OPT_BYTES)
  const needed = fixed + size(content.answers) + size(content.authority)
  const truncated = needed > lengthMax
  const answers = truncated ? NONE : content.answers
  const authority = truncated ? NONE : content.authority
  const additionalSize = size(content.additional)
  const additional = needed + additionalSize > lengthMax ? NONE : content.additional

  const length = truncated ? fixed : needed + (additional === NONE ? 0 : additionalSize)
  const bytes = Buffer.allocUnsafe(length)
  writeHeader(bytes, head, content, truncated)
  writeUint16(bytes, answers.length, 6)
  writeUint16(bytes, authority.length, 8)
  writeUint16(bytes, additional.length + (head.edns === undefined ? 0 : 1), 10)
  for (let index = HEADER_BYTES; index < head.questionEnd; index++) {
    bytes[index] = head.packet[index] ?? 0
  }

  let position = head.questionEnd
  position = writeRecords(bytes, answers, content.zoneOffset, position)
  position = writeRecords(bytes, authority, content.zoneOffset, position)
  position = writeRecords(bytes, additional, content.zoneOffset, position)
  if (head.edns !== undefined) writeOpt(bytes, content.rcode, head.edns.dnssecOk, position)
  return bytes
}

function writeHeader(
  bytes: Uint8Array,
  head: RequestHead,
  content: ResponseContent,
  truncated: boolean,
): void {
  const { packet } = head
  bytes[0] = packet[0] ?? 0
  bytes[1] = packet[1] ?? 0
  bytes[2] =
    FLAG_RESPONSE |
    ((packet[2] ?? 0) & 0x78) |
    (content.authoritative ? FLAG_AUTHORITATIVE : 0) |
    (truncated ? FLAG_TRUNCATED : 0) |
    (head.recursionDesired ? FLAG_RECURSION_DESIRED : 0)
  // RA, AD and CD stay 0: there is no recursion and no validation here (RFC 4035 §3.1.6).
  bytes[3] = content.rcode & 15
  writeUint16(bytes, head.questionEnd > HEADER_BYTES ? 1 : 0, 4)
}

function size(records: readonly ResourceRecord[]): number {
  let sum = 0
  for (const record of records) {
    sum += (record.owner?.length ?? 0) + 12 + record.rdata.bytes.length
  }
  return sum
}

function writeRecords(
  bytes: Uint8Array,
  records: readonly ResourceRecord[],
  zoneOffset: number,
  start: number,
): number {
  let position = start
  for (const { owner, type, ttlSeconds, rdata } of records) {
    if (owner === undefined) {
      writeUint16(bytes, POINTER | HEADER_BYTES, position)
    } else {
      bytes.set(owner, position)
      position += owner.length
      writeUint16(bytes, POINTER | zoneOffset, position)
    }
    writeUint16(bytes, type, position + 2)
    writeUint16(bytes, CLASS.IN, position + 4)
    writeUint32(bytes, ttlSeconds, position + 6)
    writeUint16(bytes, rdata.bytes.length, position + 10)
    position += 12
    bytes.set(rdata.bytes, position)
    for (const pointer of rdata.zonePointers) {
      writeUint16(bytes, POINTER | zoneOffset, position + pointer)
    }
    position += rdata.bytes.length
  }
  return position
}

/** RFC 6891 §6.1.2; DO is copied (RFC 3225 §3), options are never echoed. */
function writeOpt(bytes: Uint8Array, rcode: number, dnssecOk: boolean, position: number): void {
  bytes[position] = 0
  writeUint16(bytes, TYPE.OPT, position + 1)
  writeUint16(bytes, UDP_PAYLOAD_BYTES_MAX, position + 3)
  bytes[position + 5] = rcode >>> 4
  bytes[position + 6] = 0
  writeUint16(bytes, dnssecOk ? 0x8000 : 0, position + 7)
  writeUint16(bytes, 0, position + 9)
}
