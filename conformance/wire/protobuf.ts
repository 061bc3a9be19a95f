// Protobuf's wire format by hand: what is wrong on purpose is written with the same words as what is right.

/** Bytes that are not what they should be. Its message is meant for a report. */
export class WireError extends Error {
  override readonly name = 'WireError'
}

/** A number is written as a varint, anything else with its length before it; a text is UTF-8. */
export type FieldValue = number | bigint | boolean | string | Uint8Array

/** A field as it stands in a message. */
export interface Field {
  readonly number: number
  /** 0 of a varint, 2 of bytes with their length; 1 and 5 of eight and four bytes, which no message here has. */
  readonly wireType: 0 | 1 | 2 | 5
  readonly value: bigint | Uint8Array
}

const VARINT = 0
const FIXED64 = 1
const LENGTH_DELIMITED = 2
const GROUP = 3
const GROUP_END = 4
const FIXED32 = 5
/** Of a 64 bit number. */
const VARINT_BYTES_MAX = 10
const GROUP_DEPTH_MAX = 16

/** A message of any fields, in the order given: `fields([1, 'pabc.x'], [2, 'v'])` is a DNS01Request. */
export function fields(...entries: readonly (readonly [number, FieldValue])[]): Uint8Array {
  const parts = entries.map(([number, value]) => {
    if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') {
      return join(varint(number * 8 + VARINT), varint(BigInt(value)))
    }
    const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value
    return join(varint(number * 8 + LENGTH_DELIMITED), varint(bytes.length), bytes)
  })
  return join(...parts)
}

/** LEB128 of an unsigned number, or of a negative one in 64 bits; with at least `bytesMin` bytes. */
export function varint(value: number | bigint, bytesMin = 1): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value))
  const bytes: number[] = []
  do {
    const last = rest < 128n && bytes.length + 1 >= bytesMin
    bytes.push(Number(rest & 127n) | (last ? 0 : 128))
    rest >>= 7n
    if (last) break
  } while (bytes.length < VARINT_BYTES_MAX)
  return Uint8Array.from(bytes)
}

/** Bytes in a row. */
export function join(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts))
}

/**
 * The fields of a message, those of unknown numbers and groups included (a group has no value that we would read, so
 * it is left out).
 * @throws {WireError} where the bytes are no message.
 */
export function readFields(message: Uint8Array): readonly Field[] {
  const reader = new Reader(message)
  const found: Field[] = []
  while (!reader.atEnd) {
    const field = reader.field(0)
    if (field !== undefined) found.push(field)
  }
  return found
}

/** The varints in a row: packed numbers. */
export function readVarints(bytes: Uint8Array): readonly bigint[] {
  const reader = new Reader(bytes)
  const found: bigint[] = []
  while (!reader.atEnd) found.push(reader.varint())
  return found
}

class Reader {
  readonly #bytes: Uint8Array
  #position = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get atEnd(): boolean {
    return this.#position === this.#bytes.length
  }

  field(depth: number): Field | undefined {
    const start = this.#position
    const key = this.varint()
    const number = Number(key >> 3n)
    if (number < 1 || number >= 2 ** 29) {
      throw new WireError(`field number ${number} at byte ${start}`)
    }
    switch (Number(key & 7n)) {
      case VARINT:
        return { number, wireType: VARINT, value: this.varint() }
      case FIXED64:
        return { number, wireType: FIXED64, value: this.#take(8) }
      case LENGTH_DELIMITED:
        return { number, wireType: LENGTH_DELIMITED, value: this.#take(Number(this.varint())) }
      case GROUP:
        if (depth === GROUP_DEPTH_MAX) throw new WireError(`groups within groups at byte ${start}`)
        this.#skipGroup(number, depth + 1)
        return undefined
      case FIXED32:
        return { number, wireType: FIXED32, value: this.#take(4) }
      default:
        throw new WireError(`wire type ${key & 7n} at byte ${start}`)
    }
  }

  varint(): bigint {
    const start = this.#position
    let value = 0n
    for (let index = 0; index < VARINT_BYTES_MAX; index++) {
      const [byte = 0] = this.#take(1)
      value |= BigInt(byte & 127) << BigInt(7 * index)
      if (byte < 128) return BigInt.asUintN(64, value)
    }
    throw new WireError(`varint of more than ${VARINT_BYTES_MAX} bytes at byte ${start}`)
  }

  #skipGroup(number: number, depth: number): void {
    for (;;) {
      const start = this.#position
      if (this.varint() === BigInt(number * 8 + GROUP_END)) return
      this.#position = start
      this.field(depth)
    }
  }

  #take(count: number): Uint8Array {
    const end = this.#position + count
    if (end > this.#bytes.length) {
      throw new WireError(
        `${count} bytes wanted at byte ${this.#position}, ${this.#bytes.length - this.#position} are there`,
      )
    }
    const taken = this.#bytes.slice(this.#position, end)
    this.#position = end
    return taken
  }
}
