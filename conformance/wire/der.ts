// As much of DER (X.690) as certificate signing requests are made of.

/** One value: tag, length, content. */
export function der(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  const bytes = Buffer.concat(content)
  return Uint8Array.from([tag, ...derLength(bytes.length), ...bytes])
}

export const sequence = (...items: readonly Uint8Array[]): Uint8Array => der(0x30, ...items)
export const set = (...items: readonly Uint8Array[]): Uint8Array => der(0x31, ...items)
export const octetString = (content: Uint8Array): Uint8Array => der(0x04, content)
export const bitString = (content: Uint8Array): Uint8Array => der(0x03, Uint8Array.of(0), content)
/** A context-specific tag around whole values. */
export const explicit = (number: number, ...items: readonly Uint8Array[]): Uint8Array =>
  der(0xa0 + number, ...items)
/** A context-specific tag in place of another. */
export const implicit = (number: number, content: Uint8Array): Uint8Array =>
  der(0x80 + number, content)
export const boolean = (value: boolean): Uint8Array => der(0x01, Uint8Array.of(value ? 255 : 0))
export const nothing = (): Uint8Array => der(0x05)
export const ascii = (text: string): Uint8Array => new TextEncoder().encode(text)
export const utf8String = (text: string): Uint8Array => der(0x0c, ascii(text))

/** Of a number that is not negative. */
export function integer(value: bigint): Uint8Array {
  const hex = value.toString(16)
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
  return der(0x02, (bytes[0] ?? 0) < 128 ? bytes : Buffer.concat([Uint8Array.of(0), bytes]))
}

/** In seconds: what is less is cut off. UTCTime, as certificates have it until 2050 (RFC 5280 §4.1.2.5). */
export function utcTime(ms: number): Uint8Array {
  const digits = new Date(ms).toISOString().replaceAll(/\D/g, '')
  return der(0x17, ascii(`${digits.slice(2, 14)}Z`))
}

/** Of its dotted text. */
export function objectIdentifier(text: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number)
  const bytes = [first * 40 + second, ...rest].flatMap((part) => {
    const digits = [part & 127]
    for (let high = part >> 7; high > 0; high >>= 7) digits.unshift((high & 127) | 128)
    return digits
  })
  return der(0x06, Uint8Array.from(bytes))
}

/** A value as it stands in DER. */
export interface DerValue {
  readonly tag: number
  readonly content: Uint8Array
  /** With its tag and length. */
  readonly whole: Uint8Array
}

/**
 * Values in a row, of one-byte tags.
 * @throws {RangeError} where the bytes are no DER
 */
export function readDer(bytes: Uint8Array): readonly DerValue[] {
  const values: DerValue[] = []
  for (let start = 0; start < bytes.length;) {
    const [tag = 0, first = 0x80] = bytes.subarray(start, start + 2)
    const lengthBytes = first < 128 ? 0 : first - 128
    const contentStart = start + 2 + lengthBytes
    let length = first
    if (lengthBytes > 0) {
      length = 0
      for (const byte of bytes.subarray(start + 2, contentStart)) length = length * 256 + byte
    }
    const end = contentStart + length
    if (first === 128 || lengthBytes > 4 || end > bytes.length) {
      throw new RangeError(`no DER: a value that begins at byte ${start} does not end`)
    }
    const whole = bytes.subarray(start, end)
    values.push({ tag, content: bytes.subarray(contentStart, end), whole })
    start = end
  }
  return values
}

function derLength(length: number): readonly number[] {
  if (length < 128) return [length]
  const bytes: number[] = []
  for (let rest = length; rest > 0; rest >>= 8) bytes.unshift(rest & 255)
  return [128 + bytes.length, ...bytes]
}
