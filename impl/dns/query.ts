import { HEADER_BYTES, OPCODE_QUERY, readUint16, TYPE } from './records.ts'

/** What a requestor says in its OPT record (RFC 6891). */
export interface Edns {
  readonly payloadBytesMax: number
  readonly dnssecOk: boolean
}

/** The part of a packet that any response to it repeats. */
export interface RequestHead {
  readonly packet: Uint8Array
  /** Where the question ends; {@link HEADER_BYTES} when it could not be read, and is therefore not repeated. */
  readonly questionEnd: number
  /** Whether the flag RD is copied (RFC 1035 §4.1.1). */
  readonly recursionDesired: boolean
  /** Present when the packet had an OPT record: then the response has one too (RFC 6891 §6.1.1). */
  readonly edns: Edns | undefined
}

/** A packet that asks one question. */
export interface Query extends RequestHead {
  readonly kind: 'query'
  readonly type: number
  readonly class: number
  /** Where the question's name ends, after its root byte. It begins at {@link HEADER_BYTES}. */
  readonly nameEnd: number
}

/** What a packet is: a question, one that gets an error without looking further, or nothing to answer. */
export type QueryVerdict =
  | Query
  | ({ readonly kind: 'formerr' | 'notimp' | 'badvers' } & RequestHead)
  | { readonly kind: 'ignore' }

const NAME_BYTES_MAX = 255
const LABEL_BYTES_MAX = 63
const OPTION_COOKIE = 10
const IGNORED: QueryVerdict = { kind: 'ignore' }

/**
 * Reads a packet that a stranger sent. Looks at every byte and judges as RFC 8906 wants: what is no query at all
 * is ignored, the rest gets a query or an error to answer with. Never throws.
 */
export function parseQuery(packet: Uint8Array): QueryVerdict {
  // Answering a response (QR=1) would let two servers answer each other for ever.
  if (packet.length < HEADER_BYTES || ((packet[2] ?? 0) & 0x80) !== 0) return IGNORED
  const flags = packet[2] ?? 0
  if (((flags >> 3) & 15) !== OPCODE_QUERY) {
    // RFC 8906 §3.1.4: other operations may have another form and other flags, so nothing else is repeated.
    return failure('notimp', packet, HEADER_BYTES, false)
  }
  const recursionDesired = (flags & 1) === 1
  // RFC 9619: a query has exactly one question. It never has answers.
  if (readUint16(packet, 4) !== 1 || readUint16(packet, 6) !== 0) {
    return failure('formerr', packet, HEADER_BYTES, recursionDesired)
  }
  const nameEnd = endOfQuestionName(packet)
  if (nameEnd === undefined || nameEnd + 4 > packet.length) {
    return failure('formerr', packet, HEADER_BYTES, recursionDesired)
  }
  const questionEnd = nameEnd + 4
  let edns: Edns | undefined
  const authorityCount = readUint16(packet, 8)
  const additionalCount = readUint16(packet, 10)
  if (authorityCount === 0 && additionalCount === 0) {
    if (questionEnd !== packet.length) {
      return failure('formerr', packet, questionEnd, recursionDesired)
    }
  } else {
    const rest = parseRecords(packet, questionEnd, authorityCount, additionalCount)
    if (rest.kind !== 'query') {
      return failure(rest.kind, packet, questionEnd, recursionDesired, rest.edns)
    }
    edns = rest.edns
  }
  return {
    kind: 'query',
    packet,
    questionEnd,
    recursionDesired,
    edns,
    type: readUint16(packet, nameEnd),
    class: readUint16(packet, nameEnd + 2),
    nameEnd,
  }
}

function failure(
  kind: 'formerr' | 'notimp' | 'badvers',
  packet: Uint8Array,
  questionEnd: number,
  recursionDesired: boolean,
  edns?: Edns,
): QueryVerdict {
  return { kind, packet, questionEnd, recursionDesired, edns }
}

/** The first name of a packet has nothing before it that a pointer could point to. */
function endOfQuestionName(packet: Uint8Array): number | undefined {
  let position = HEADER_BYTES
  for (;;) {
    const length = packet[position]
    if (length === undefined || length > LABEL_BYTES_MAX) return undefined
    position += 1 + length
    if (position - HEADER_BYTES > NAME_BYTES_MAX) return undefined
    if (length === 0) return position
  }
}

interface Records {
  readonly kind: 'query' | 'formerr' | 'badvers'
  readonly edns: Edns | undefined
}

/** Walks over the authority and additional records, of which only OPT means anything to us. */
function parseRecords(
  packet: Uint8Array,
  start: number,
  authorityCount: number,
  additionalCount: number,
): Records {
  let position = start
  let edns: Edns | undefined
  let kind: Records['kind'] = 'query'
  for (let index = 0; index < authorityCount + additionalCount; index++) {
    const nameEnd = endOfRecordName(packet, position)
    if (nameEnd === undefined || nameEnd + 10 > packet.length) return { kind: 'formerr', edns }
    const data = nameEnd + 10
    const dataEnd = data + readUint16(packet, nameEnd + 8)
    if (dataEnd > packet.length) return { kind: 'formerr', edns }
    if (index >= authorityCount && readUint16(packet, nameEnd) === TYPE.OPT) {
      // RFC 6891 §6.1.1: one OPT, owned by the root.
      if (edns !== undefined || nameEnd !== position + 1) return { kind: 'formerr', edns }
      edns = {
        payloadBytesMax: readUint16(packet, nameEnd + 2),
        dnssecOk: ((packet[nameEnd + 6] ?? 0) & 0x80) !== 0,
      }
      // The options of a version that we do not know may have another form.
      if (packet[nameEnd + 5] !== 0) kind = 'badvers'
      else if (!areOptionsWellFormed(packet, data, dataEnd)) return { kind: 'formerr', edns }
    }
    position = dataEnd
  }
  return position === packet.length ? { kind, edns } : { kind: 'formerr', edns }
}

/** Where an owner name ends. It may end in a pointer, which is not followed: nothing reads these names. */
function endOfRecordName(packet: Uint8Array, start: number): number | undefined {
  let position = start
  for (;;) {
    const length = packet[position]
    if (length === undefined || position - start >= NAME_BYTES_MAX) return undefined
    if (length === 0) return position + 1
    if (length >= 0xc0) return position + 2
    if (length > LABEL_BYTES_MAX) return undefined
    position += 1 + length
  }
}

/** Options are skipped whatever they say, but they have to fit, and a cookie has the length of one. */
function areOptionsWellFormed(packet: Uint8Array, start: number, end: number): boolean {
  let position = start
  while (position < end) {
    if (position + 4 > end) return false
    const length = readUint16(packet, position + 2)
    if (readUint16(packet, position) === OPTION_COOKIE) {
      // RFC 7873 §5.2.2: a client's half of 8 bytes, alone or with a server's half of 8 to 32.
      if (length !== 8 && (length < 16 || length > 40)) return false
    }
    position += 4 + length
  }
  return position === end
}
