import { join, varint, WireError } from './protobuf.ts'

const PREFIX_BYTES_MAX = 5

/** A message with its length before it, which may be written longer than it need be, or be another one. */
export function frame(
  message: Uint8Array,
  { length = message.length, prefixBytesMin = 1 }: FrameFaults = {},
): Uint8Array {
  return join(varint(length, prefixBytesMin), message)
}

export interface FrameFaults {
  /** Claimed instead of the message's own. */
  readonly length?: number
  readonly prefixBytesMin?: number
}

/** What some bytes hold: whole messages, then what is left of one that is not complete. */
export interface Frames {
  readonly messages: readonly Uint8Array[]
  readonly rest: Uint8Array
}

/**
 * Cuts bytes into messages.
 * @throws {WireError} at a length of more than 5 bytes.
 */
export function readFrames(bytes: Uint8Array): Frames {
  const messages: Uint8Array[] = []
  let start = 0
  for (;;) {
    const header = readLength(bytes.subarray(start))
    if (header === undefined) break
    const end = start + header.prefixBytes + header.length
    if (end > bytes.length) break
    messages.push(bytes.slice(start + header.prefixBytes, end))
    start = end
  }
  return { messages, rest: bytes.slice(start) }
}

/** The length at the beginning of a frame, or `undefined` where more bytes are needed to know it. */
export function readLength(
  bytes: Uint8Array,
): { readonly length: number; readonly prefixBytes: number } | undefined {
  let length = 0
  for (let index = 0; index < PREFIX_BYTES_MAX; index++) {
    const byte = bytes[index]
    if (byte === undefined) return undefined
    length += (byte & 127) * 128 ** index
    if (byte < 128) return { length, prefixBytes: index + 1 }
  }
  throw new WireError(`frame length of more than ${PREFIX_BYTES_MAX} bytes`)
}
