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
 * Cuts a stream of bytes into messages, one at a time: what waits is held as the bytes that came, because a message of
 * no bytes costs its sender one byte and would cost us an object. A message that is longer than `lengthMax` is refused
 * as soon as its length is read (NT-WIRE-006). Lengths written with more bytes than needed are accepted (NT-WIRE-008).
 */
export class FrameDecoder {
  readonly #lengthMax: number
  readonly #chunks: Uint8Array[] = []
  /** Bytes held, and how many of the first chunk have been taken. */
  #held = 0
  #offset = 0
  readonly #prefix: number[] = []
  /** Of the message that is being read, once it is known. */
  #length: number | undefined

  constructor({ lengthMax }: { readonly lengthMax: number }) {
    this.#lengthMax = lengthMax
  }

  /** Bytes that wait. */
  get held(): number {
    return this.#held
  }

  /** Whether bytes of an unfinished frame have been read: an end of the stream here is a truncation. */
  get unfinished(): boolean {
    return this.#prefix.length > 0 || this.#held > 0
  }

  /**
   * Takes the next bytes.
   * @throws {FrameError} when a length is over the limit or cannot be read. The decoder is then of no further use.
   */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    this.#chunks.push(chunk)
    this.#held += chunk.length
    this.#readPrefix()
  }

  /**
   * The next message that is complete, or `undefined`.
   * @throws {FrameError} as {@link push} does. Messages before the fault have been given by then.
   */
  next(): Uint8Array | undefined {
    this.#readPrefix()
    if (this.#length === undefined || this.#held < this.#length) return undefined
    const message = this.#take(this.#length)
    this.#length = undefined
    this.#prefix.length = 0
    return message
  }

  #readPrefix(): void {
    while (this.#length === undefined && this.#held > 0) {
      const [byte = 0] = this.#take(1)
      this.#prefix.push(byte)
      if (byte >= 128) {
        if (this.#prefix.length === LENGTH_PREFIX_BYTES_MAX) {
          throw new FrameError(`frame length is longer than ${LENGTH_PREFIX_BYTES_MAX} bytes`)
        }
        continue
      }
      // Multiplication and not shifts: the fifth byte reaches beyond 32 bits.
      const length = this.#prefix.reduce((sum, part, index) => sum + (part & 127) * 128 ** index, 0)
      if (length > this.#lengthMax) {
        throw new FrameError(
          `frame is ${length} bytes long, at most ${this.#lengthMax} are allowed`,
        )
      }
      this.#length = length
    }
  }

  #take(count: number): Uint8Array {
    const taken = new Uint8Array(count)
    let filled = 0
    while (filled < count) {
      const [chunk = new Uint8Array()] = this.#chunks
      const part = chunk.subarray(this.#offset, this.#offset + count - filled)
      taken.set(part, filled)
      filled += part.length
      this.#offset += part.length
      if (this.#offset === chunk.length) {
        this.#chunks.shift()
        this.#offset = 0
      }
    }
    this.#held -= count
    return taken
  }
}
