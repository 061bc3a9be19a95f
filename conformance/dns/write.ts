import { CLASS, FLAG } from './codes.ts'

/** A query, from which every part can be wrong. Sent as it says: nothing is corrected. */
export interface QueryInit {
  /** Text, or the wire form when it has to be wrong. */
  readonly name: string | Uint8Array
  readonly type: number
  /** @default IN */
  readonly class?: number
  /** @default 0: whoever sends a query puts an id of its own in, see `withId` */
  readonly id?: number
  /** @default QUERY */
  readonly opcode?: number
  /** All other flags. @default none: a recursor that asks an authoritative server does not set RD */
  readonly flags?: number
  /** @default none */
  readonly edns?: EdnsInit
}

export interface EdnsInit {
  /** @default 1232 */
  readonly payloadBytesMax?: number
  /** @default 0 */
  readonly version?: number
  /** @default 0 */
  readonly flags?: number
  readonly options?: readonly EdnsOption[]
  /** Instead of options: data that need not be well formed. */
  readonly data?: Uint8Array
  /** Wire form. @default the root */
  readonly owner?: Uint8Array
}

export interface EdnsOption {
  readonly code: number
  readonly data: Uint8Array
}

/** Numbers of entries that the header claims (RFC 1035 §4.1.1). */
export interface Counts {
  readonly questions?: number
  readonly answers?: number
  readonly authority?: number
  readonly additional?: number
}

export const HEADER_BYTES = 12
const OPCODE_SHIFT = 11

/** One question, and OPT when asked for. */
export function writeQuery(init: QueryInit): Uint8Array {
  return joinBytes(
    writeHeader(init, { questions: 1, additional: init.edns === undefined ? 0 : 1 }),
    writeQuestion(init),
    init.edns === undefined ? new Uint8Array(0) : writeOpt(init.edns),
  )
}

/** The twelve bytes that every message begins with, whatever follows. */
export function writeHeader(
  { id = 0, opcode = 0, flags = 0 }: Pick<QueryInit, 'id' | 'opcode' | 'flags'>,
  counts: Counts,
): Uint8Array {
  return joinBytes(
    uint16(id),
    uint16((opcode << OPCODE_SHIFT) | flags),
    uint16(counts.questions ?? 0),
    uint16(counts.answers ?? 0),
    uint16(counts.authority ?? 0),
    uint16(counts.additional ?? 0),
  )
}

export function writeQuestion({
  name,
  type,
  class: code = CLASS.IN,
}: Pick<QueryInit, 'name' | 'type' | 'class'>): Uint8Array {
  return joinBytes(typeof name === 'string' ? writeName(name) : name, uint16(type), uint16(code))
}

/** OPT (RFC 6891 §6.1.2). */
export function writeOpt(init: EdnsInit): Uint8Array {
  const data =
    init.data ??
    joinBytes(
      ...(init.options ?? []).map((option) =>
        joinBytes(uint16(option.code), uint16(option.data.length), option.data),
      ),
    )
  return joinBytes(
    init.owner ?? Uint8Array.of(0),
    uint16(41),
    uint16(init.payloadBytesMax ?? 1232),
    // The extended rcode's byte is the response's; the version's is ours.
    Uint8Array.of(0, init.version ?? 0),
    uint16(init.flags ?? 0),
    uint16(data.length),
    data,
  )
}

/**
 * A name in wire form: labels between dots, `\.` and `\ddd` as in zone files, the root as an empty text. Too long labels
 * and names are written as they are, as far as a length fits its byte.
 */
export function writeName(text: string): Uint8Array {
  const labels = splitLabels(text)
  return joinBytes(...labels.map((label) => joinBytes(Uint8Array.of(label.length), label)), [0])
}

/** The same bytes in upper and lower case by turns, as resolvers do to make forgery harder (0x20). */
export function mixCase(text: string, random: () => number): string {
  return text.replaceAll(/[a-z]/gi, (letter) =>
    random() < 0.5 ? letter.toUpperCase() : letter.toLowerCase(),
  )
}

/** The packet with another id. */
export function withId(packet: Uint8Array, id: number): Uint8Array {
  if (packet.length < 2) return packet
  return joinBytes(uint16(id), packet.subarray(2))
}

/** With the length that TCP puts before each message (RFC 1035 §4.2.2). */
export function withLength(packet: Uint8Array): Uint8Array {
  return joinBytes(uint16(packet.length), packet)
}

/** A response is never answered: this flag makes one of a query. */
export function asResponse(packet: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(packet)
  bytes[2] = (bytes[2] ?? 0) | (FLAG.QR >> 8)
  return bytes
}

export function joinBytes(...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]))
}

export function uint16(value: number): Uint8Array {
  return Uint8Array.of((value >> 8) & 255, value & 255)
}

function splitLabels(text: string): Uint8Array[] {
  const labels: number[][] = [[]]
  for (const [token] of text.matchAll(/\\\d{3}|\\.|[^\\]/gs)) {
    if (token === '.') labels.push([])
    else if (token.length === 4) labels.at(-1)?.push(Number(token.slice(1)))
    else labels.at(-1)?.push(token.charCodeAt(token.length - 1))
  }
  // A dot at the end, as an empty text, is the root, which writeName adds.
  if (labels.at(-1)?.length === 0) labels.pop()
  return labels.map((label) => Uint8Array.from(label))
}
