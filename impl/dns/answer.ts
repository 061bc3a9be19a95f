import { CHALLENGE_LABEL } from '../wire/protocols.ts'
import type { ChallengeStore } from './challenges.ts'
import { parseQuery, type Query, type QueryVerdict } from './query.ts'
import {
  anyRecord,
  CLASS,
  HEADER_BYTES,
  RCODE,
  textRdata,
  TYPE,
  type ResourceRecord,
} from './records.ts'
import { emptyResponse, lengthLimit, writeResponse, type ResponseContent } from './response.ts'
import { EMPTY_NODE, type Node } from './nodes.ts'
import type { Zone } from './zone.ts'

/** What an answer depends on. */
export interface AnswerContext {
  readonly zone: Zone
  readonly challenges: ChallengeStore
  /** The clock of the challenges, in ms. */
  readonly now: number
  readonly transport: 'udp' | 'tcp'
}

const REFUSED = emptyResponse(RCODE.REFUSED, false)
const FORMERR = emptyResponse(RCODE.FORMERR, false)
const NOTIMP = emptyResponse(RCODE.NOTIMP, false)
const BADVERS = emptyResponse(RCODE.BADVERS, false)
const NONE: readonly ResourceRecord[] = []

/**
 * The response to one packet, without the length that TCP puts before it, or `undefined` where silence is the
 * answer. Never throws, whatever the packet.
 */
export function answer(packet: Uint8Array, context: AnswerContext): Uint8Array | undefined {
  const verdict = parseQuery(packet)
  if (verdict.kind === 'ignore') return undefined
  return writeResponse(verdict, decide(verdict, context), lengthLimit(verdict, context.transport))
}

function decide(
  verdict: Exclude<QueryVerdict, { kind: 'ignore' }>,
  context: AnswerContext,
): ResponseContent {
  switch (verdict.kind) {
    case 'query':
      return respond(verdict, context)
    case 'formerr':
      return FORMERR
    case 'notimp':
      return NOTIMP
    case 'badvers':
      return BADVERS
  }
}

function respond(query: Query, context: AnswerContext): ResponseContent {
  const { zone } = context
  const zoneOffset = findZone(query, zone)
  const served = query.class === CLASS.IN && query.type !== TYPE.AXFR && query.type !== TYPE.IXFR
  if (zoneOffset === undefined || !served) return REFUSED

  const node = findNode(labelsBefore(zoneOffset, query.packet), context)
  const answers = node === undefined ? NONE : select(node, query.type, zone)
  const found = answers.length > 0
  return {
    rcode: node === undefined ? RCODE.NXDOMAIN : RCODE.NOERROR,
    authoritative: true,
    zoneOffset,
    answers,
    // Without the SOA a resolver cannot cache the answer, and some take it for a broken one (RFC 2308 §3).
    authority: found ? NONE : [zone.negativeSoa],
    additional: found && query.type === TYPE.NS ? (node?.glue ?? NONE) : NONE,
  }
}

function select(node: Node, type: number, zone: Zone): readonly ResourceRecord[] {
  const first = node.records[0]
  if (first === undefined) return NONE
  if (type === TYPE.ANY) return [anyRecord(Math.min(first.ttlSeconds, zone.anyTtlSeconds))]
  if (node.records.length === 1) return first.type === type ? node.records : NONE
  return node.records.filter((record) => record.type === type)
}

/** Where the zone's name begins in the question, or `undefined` when the question lies outside of it. */
function findZone({ packet, nameEnd }: Query, zone: Zone): number | undefined {
  const offset = nameEnd - zone.bytes.length
  let position = HEADER_BYTES
  while (position < offset) position += 1 + (packet[position] ?? 0)
  // Otherwise it ends in the same bytes, but in the middle of a label.
  if (position !== offset) return undefined
  for (let index = 0; index < zone.bytes.length; index++) {
    if (lowerCase(packet[offset + index] ?? 0) !== zone.bytes[index]) return undefined
  }
  return offset
}

/** ASCII letters only (RFC 4343 §3). Length bytes are at most 63, before all letters. */
function lowerCase(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte
}

/** The labels before the zone in lower case; `undefined` where one has a byte that no name here has. */
function labelsBefore(zoneOffset: number, packet: Uint8Array): readonly string[] | undefined {
  const labels: string[] = []
  for (let position = HEADER_BYTES; position < zoneOffset;) {
    const length = packet[position] ?? 0
    let label = ''
    for (let index = 1; index <= length; index++) {
      const byte = lowerCase(packet[position + index] ?? 0)
      // A dot inside of a label, above all, must never meet code that takes it for a separator.
      if (!isNameByte(byte)) return undefined
      label += String.fromCharCode(byte)
    }
    labels.push(label)
    position += 1 + length
  }
  return labels
}

/** Lower-case letters, digits, hyphen, underscore. */
function isNameByte(byte: number): boolean {
  return (
    (byte >= 0x61 && byte <= 0x7a) ||
    (byte >= 0x30 && byte <= 0x39) ||
    byte === 0x2d ||
    byte === 0x5f
  )
}

function findNode(labels: readonly string[] | undefined, context: AnswerContext): Node | undefined {
  if (labels === undefined) return undefined
  if (labels[0] === CHALLENGE_LABEL) return findChallenges(labels.slice(1), context)
  return context.zone.find(labels) ?? findAboveChallenges(labels, context)
}

/** `_acme-challenge.<name>`: its values, or nothing yet where one may be set at any moment (NT-DNS-026). */
function findChallenges(labels: readonly string[], context: AnswerContext): Node | undefined {
  const { challenges, now, zone } = context
  const values = challenges.values([...labels, zone.name].join('.'), now)
  if (values !== undefined) {
    const ttlSeconds = zone.challengeTtlSeconds
    const records = Array.from(values, (value) => ({
      owner: undefined,
      type: TYPE.TXT,
      ttlSeconds,
      rdata: textRdata(value),
    }))
    return { records, glue: NONE }
  }
  const exists = zone.find(labels) ?? findAboveChallenges(labels, context)
  return exists === undefined ? undefined : EMPTY_NODE
}

/** A name exists while something below it does (RFC 8020, NT-DNS-029). */
function findAboveChallenges(
  labels: readonly string[],
  { challenges, now, zone }: AnswerContext,
): Node | undefined {
  return challenges.isAbove([...labels, zone.name].join('.'), now) ? EMPTY_NODE : undefined
}
