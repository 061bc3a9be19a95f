import { FLAG, TYPE } from './codes.ts'
import { readRdata } from './rdata.ts'

/** A response, read byte by byte. OPT is in `edns` and not among the additional records. */
export interface Message {
  readonly bytes: Uint8Array
  readonly id: number
  readonly opcode: number
  /** The sixteen bits after the id; see FLAG. */
  readonly flags: number
  readonly authoritative: boolean
  readonly truncated: boolean
  /** With the upper bits that OPT has. */
  readonly rcode: number
  readonly questions: readonly Question[]
  readonly answers: readonly ResourceRecord[]
  readonly authority: readonly ResourceRecord[]
  readonly additional: readonly ResourceRecord[]
  readonly edns: Edns | undefined
}

export interface Question {
  /** As text, in the case that it was sent in. */
  readonly name: string
  readonly type: number
  readonly class: number
  /** Name, type and class as they came. */
  readonly bytes: Uint8Array
}

export interface ResourceRecord {
  readonly name: string
  readonly type: number
  readonly class: number
  readonly ttl: number
  readonly data: Uint8Array
  /** As a zone file would have it; of types that we do not read, the form of RFC 3597. */
  readonly text: string
}

export interface Edns {
  readonly payloadBytesMax: number
  readonly version: number
  readonly flags: number
  readonly options: readonly number[]
  /** How many OPT records there are: more than one is wrong. */
  readonly count: number
  readonly ownerIsRoot: boolean
}

/** Names in a message have at most 127 labels; more is a loop of pointers. */
const LABELS_MAX = 127

/**
 * Reads a message.
 * @throws {SyntaxError} saying what is wrong with it, bytes after the last record included.
 */
export function readMessage(bytes: Uint8Array): Message {
  const reader = new Reader(bytes)
  const id = reader.uint16()
  const flags = reader.uint16()
  const [questionCount, answerCount, authorityCount, additionalCount] = [
    reader.uint16(),
    reader.uint16(),
    reader.uint16(),
    reader.uint16(),
  ]
  const questions = times(questionCount, () => readQuestion(reader))
  const answers = times(answerCount, () => readRecord(reader))
  const authority = times(authorityCount, () => readRecord(reader))
  const all = times(additionalCount, () => readRecord(reader))
  if (reader.position !== bytes.length) {
    throw new SyntaxError(`${bytes.length - reader.position} bytes stand after the last record`)
  }
  const opts = all.filter(({ type }) => type === TYPE.OPT)
  const edns = readEdns(opts)
  const extended = opts[0] === undefined ? 0 : (opts[0].ttl >>> 24) << 4
  return {
    bytes,
    id,
    opcode: (flags >> 11) & 15,
    flags,
    authoritative: (flags & FLAG.AA) !== 0,
    truncated: (flags & FLAG.TC) !== 0,
    rcode: extended | (flags & 15),
    questions,
    answers,
    authority,
    additional: all.filter(({ type }) => type !== TYPE.OPT),
    edns,
  }
}

/** Walks over a message. Everything that it reads is there, or it throws. */
export class Reader {
  readonly bytes: Uint8Array
  position: number

  constructor(bytes: Uint8Array, position = 0) {
    this.bytes = bytes
    this.position = position
  }

  uint8(): number {
    const byte = this.bytes[this.position]
    if (byte === undefined)
      throw new SyntaxError(`message ends at byte ${this.position}, too early`)
    this.position += 1
    return byte
  }

  uint16(): number {
    return this.uint8() * 0x100 + this.uint8()
  }

  uint32(): number {
    return this.uint16() * 0x10000 + this.uint16()
  }

  take(length: number): Uint8Array {
    const end = this.position + length
    if (end > this.bytes.length) {
      throw new SyntaxError(
        `${length} bytes are announced at byte ${this.position}, ${this.bytes.length - this.position} are there`,
      )
    }
    const taken = this.bytes.subarray(this.position, end)
    this.position = end
    return taken
  }

  /** A name, its pointers followed (RFC 1035 §4.1.4): labels with dots between, `.` for the root. */
  name(): string {
    const labels: string[] = []
    let at = this.position
    let end: number | undefined
    for (let steps = 0; steps <= 2 * LABELS_MAX; steps += 1) {
      const length = this.bytes[at]
      if (length === undefined) throw new SyntaxError(`name at byte ${this.position} is cut`)
      if (length === 0) {
        this.position = end ?? at + 1
        return labels.length === 0 ? '.' : labels.join('.')
      }
      if (length >= 0xc0) {
        end ??= at + 2
        const target = (length & 0x3f) * 0x100 + (this.bytes[at + 1] ?? 0)
        if (target >= at) throw new SyntaxError(`pointer at byte ${at} points forward to ${target}`)
        at = target
      } else if (length > 63) {
        throw new SyntaxError(`label at byte ${at} has the length byte ${length}`)
      } else {
        if (at + 1 + length > this.bytes.length) throw new SyntaxError(`label at byte ${at} is cut`)
        labels.push(labelText(this.bytes.subarray(at + 1, at + 1 + length)))
        at += 1 + length
      }
    }
    throw new SyntaxError(`name at byte ${this.position} has no end`)
  }
}

function readQuestion(reader: Reader): Question {
  const start = reader.position
  const name = reader.name()
  const [type, code] = [reader.uint16(), reader.uint16()]
  return { name, type, class: code, bytes: reader.bytes.slice(start, reader.position) }
}

function readRecord(reader: Reader): ResourceRecord {
  const name = reader.name()
  const [type, code, ttl] = [reader.uint16(), reader.uint16(), reader.uint32()]
  const length = reader.uint16()
  const start = reader.position
  const data = reader.take(length)
  const text = readRdata(type, new Reader(reader.bytes.subarray(0, start + length), start))
  return { name, type, class: code, ttl, data, text }
}

function readEdns(opts: readonly ResourceRecord[]): Edns | undefined {
  const [opt] = opts
  if (opt === undefined) return undefined
  const reader = new Reader(opt.data)
  const options: number[] = []
  while (reader.position < opt.data.length) {
    options.push(reader.uint16())
    reader.take(reader.uint16())
  }
  return {
    payloadBytesMax: opt.class,
    version: (opt.ttl >>> 16) & 255,
    flags: opt.ttl & 0xffff,
    options,
    count: opts.length,
    ownerIsRoot: opt.name === '.',
  }
}

/** As zone files write it: what is not printable, and dots within labels, escaped. */
function labelText(label: Uint8Array): string {
  return [...label]
    .map((byte) => {
      if (byte === 0x2e || byte === 0x5c) return `\\${String.fromCharCode(byte)}`
      if (byte > 0x20 && byte < 0x7f) return String.fromCharCode(byte)
      return `\\${String(byte).padStart(3, '0')}`
    })
    .join('')
}

function times<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make)
}
