import { createHash } from 'node:crypto'

/** Numbers in [0, 1) that depend on the seed and the case alone: not on the other cases, nor on their order. */
export function seededRandom(seed: number, caseId: string): () => number {
  let state = createHash('sha256').update(`${seed}/${caseId}`).digest().readUInt32LE()
  // Mulberry32: small, and good enough to choose labels and ids.
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
