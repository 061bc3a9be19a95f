import { createHash } from 'node:crypto'

/** A stream of random values that its seed decides. */
export interface Random {
  /** At least 0 and less than 1. */
  float(): number
  /** A whole number, both bounds included. */
  integer(min: number, max: number): number
  bytes(length: number): Uint8Array
  pick<T>(list: readonly T[]): T
  /** A stream of its own: what is drawn from it, or from its parent, does not change the other. */
  fork(label: string): Random
  /** How often this stream was drawn from; its forks count for themselves. */
  readonly draws: number
}

/** Blackman and Vigna's xoshiro128**: 128 bits of state, as many as the digest of a seed gives with ease. */
export class SeededRandom implements Random {
  readonly #key: string
  #a: number
  #b: number
  #c: number
  #d: number
  #draws = 0
  /** Shared by a stream and its forks. */
  readonly #total: { draws: number }

  /** Any text is a seed; of a number, its decimal digits. */
  constructor(seed: string | number | bigint, total = { draws: 0 }) {
    this.#key = String(seed)
    this.#total = total
    const digest = createHash('sha256').update(this.#key).digest()
    this.#a = digest.readInt32LE(0)
    this.#b = digest.readInt32LE(4)
    this.#c = digest.readInt32LE(8)
    // The state must not be zero everywhere.
    this.#d = digest.readInt32LE(12) | 1
  }

  get draws(): number {
    return this.#draws
  }

  /** How often this stream, those that it was forked from and all their forks were drawn from together. */
  get totalDraws(): number {
    return this.#total.draws
  }

  float(): number {
    this.#count()
    // 27 and 26 bits make the 53 that a number holds exactly.
    return ((this.#word() >>> 5) * 2 ** 26 + (this.#word() >>> 6)) / 2 ** 53
  }

  integer(min: number, max: number): number {
    if (!Number.isSafeInteger(max - min) || max < min) {
      throw new RangeError(`cannot draw a whole number from "${min}" to "${max}"`)
    }
    return min + Math.floor(this.float() * (max - min + 1))
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    this.fill(bytes)
    return bytes
  }

  /** Fills memory that somebody has already. */
  fill(bytes: Uint8Array): void {
    this.#count()
    let word = 0
    for (let index = 0; index < bytes.length; index++) {
      word = (index & 3) === 0 ? this.#word() : word >>> 8
      bytes[index] = word
    }
  }

  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new RangeError('cannot pick from an empty list')
    return list[this.integer(0, list.length - 1)] as T
  }

  fork(label: string): SeededRandom {
    // A label cannot reach into another's: its length is said before it.
    return new SeededRandom(`${this.#key}/${label.length}:${label}`, this.#total)
  }

  #count(): void {
    this.#draws += 1
    this.#total.draws += 1
  }

  #word(): number {
    const scrambled = Math.imul(this.#b, 5)
    const word = Math.imul((scrambled << 7) | (scrambled >>> 25), 9)
    const shifted = this.#b << 9
    this.#c ^= this.#a
    this.#d ^= this.#b
    this.#b ^= this.#c
    this.#a ^= this.#d
    this.#c ^= shifted
    this.#d = (this.#d << 11) | (this.#d >>> 21)
    return word >>> 0
  }
}
