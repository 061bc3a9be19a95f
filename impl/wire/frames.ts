import { MalformedError } from './errors.ts'

// A frame is an unsigned LEB128 varint with the length, then the message (NT-WIRE-001).

/** A length of up to 2^31 takes five bytes; a longer varint is refused at once (NT-WIRE-007). */
const LENGTH_PREFIX_BYTES_MAX = 5

/** A frame that is too long, or whose length cannot be read. */
export class FrameError extends MalformedError {}

/** Puts the length before a message. */
export function encodeFrame(message: Uint8Array): Uint8Array {
  const prefix: number[] = []
  let length = message.length
  while (length > 127) {
    prefix.push((length & 127) | 128)
    length >>>= 7
  }
  prefix.push(length)
  const frame = new Uint8Array(prefix.length + message.length)
  frame.set(prefix)
  frame.set(message, prefix.length)
  return frame
}

/**
 * Cuts a stream of bytes into messages. Holds at most `lengthMax` bytes of an unfinished message, and refuses a
 * longer one as soon as its length is read (NT-WIRE-006). Lengths written with more bytes than needed are
 * accepted (NT-WIRE-008).
 */
export class FrameDecoder {
  readonly #lengthMax: number
  #prefix: number[] = []
  #message: Uint8Array | undefined
  #filled = 0

  constructor({ lengthMax }: { readonly lengthMax: number }) {
    this.#lengthMax = lengthMax
  }

  /** Whether bytes of an unfinished frame have been read: an end of the stream here is a truncation. */
  get unfinished(): boolean {
    return this.#prefix.length > 0
  }

  /**
   * Takes the next bytes, returns the messages that they complete.
   * @throws {FrameError} when a length is over the limit or cannot be read. The decoder is then of no further use.
   */
  push(chunk: Uint8Array): Uint8Array[] {
    const messages: Uint8Array[] = []
    let position = 0
    while (position < chunk.length || this.#message?.length === 0) {
      if (this.#message === undefined) {
        this.#readPrefix(chunk[position] ?? 0)
        position += 1
        continue
      }
      const taken = chunk.subarray(position, position + this.#message.length - this.#filled)
      this.#message.set(taken, this.#filled)
      this.#filled += taken.length
      position += taken.length
      if (this.#filled === this.#message.length) {
        messages.push(this.#message)
        this.#message = undefined
        this.#prefix = []
        this.#filled = 0
      }
    }
    return messages
  }

  #readPrefix(byte: number): void {
    this.#prefix.push(byte)
    if (byte >= 128) {
      if (this.#prefix.length === LENGTH_PREFIX_BYTES_MAX) {
        throw new FrameError(`frame length is longer than ${LENGTH_PREFIX_BYTES_MAX} bytes`)
      }
      return
    }
    // Multiplication and not shifts: the fifth byte reaches beyond 32 bits.
    const length = this.#prefix.reduce((sum, part, index) => sum + (part & 127) * 128 ** index, 0)
    if (length > this.#lengthMax) {
      throw new FrameError(`frame is ${length} bytes long, at most ${this.#lengthMax} are allowed`)
    }
    this.#message = new Uint8Array(length)
  }
}
