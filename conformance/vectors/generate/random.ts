import { createHash } from 'node:crypto'

/** Bytes and numbers that are the same for the same seed, on every machine and in every version of Node. */
export class SeededRandom {
  readonly #seed: string
  #counter = 0

  constructor(seed: string) {
    this.#seed = seed
  }

  bytes(count: number): Uint8Array {
    const blocks: Buffer[] = []
    for (let have = 0; have < count; have += 32) {
      blocks.push(createHash('sha256').update(`${this.#seed} ${this.#counter}`).digest())
      this.#counter += 1
    }
    return Uint8Array.from(Buffer.concat(blocks).subarray(0, count))
  }

  /** From 0 to `end - 1`. */
  below(end: number): number {
    return Buffer.from(this.bytes(6)).readUIntBE(0, 6) % end
  }
}
