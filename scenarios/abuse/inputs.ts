import fc, { type Arbitrary } from 'fast-check'

/** Inputs are made in batches, since making one alone costs as much as making many. */
const INPUTS_PER_BATCH = 500

/**
 * The inputs of one attack: the same for the same seed and name, each of them found again by its index alone, so that
 * one that did harm can be sent without those before it.
 */
export class Inputs<T> {
  readonly #arbitrary: Arbitrary<T>
  readonly #seed: number
  #batch = -1
  #inputs: readonly T[] = []

  constructor(arbitrary: Arbitrary<T>, { seed, name }: { seed: number; name: string }) {
    this.#arbitrary = arbitrary
    this.#seed = Buffer.from(name).reduce((sum, byte) => Math.imul(sum, 31) + byte, seed)
  }

  at(index: number): T {
    const batch = Math.floor(index / INPUTS_PER_BATCH)
    if (batch !== this.#batch) {
      this.#inputs = fc.sample(this.#arbitrary, {
        seed: Math.imul(this.#seed + batch, 0x9e3779b1),
        numRuns: INPUTS_PER_BATCH,
      })
      this.#batch = batch
    }
    return this.#inputs[index % INPUTS_PER_BATCH] as T
  }
}

const POSITION = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const MUTATION = fc.record({
  kind: fc.constantFrom('flip', 'set', 'cut', 'remove', 'insert', 'repeat', 'extreme'),
  at: POSITION,
  span: fc.integer({ min: 1, max: 24 }),
  byte: fc.integer({ min: 0, max: 255 }),
})
type Mutation = typeof MUTATION extends Arbitrary<infer T> ? T : never

/** Well-formed bytes with one to four things wrong with them. */
export function mutated(wellFormed: Arbitrary<Uint8Array>): Arbitrary<Uint8Array> {
  return fc
    .tuple(wellFormed, fc.array(MUTATION, { minLength: 1, maxLength: 4 }))
    .map(([bytes, mutations]) => mutations.reduce(mutate, bytes))
}

/** Bytes that were never meant to be anything. */
export function noise(lengthMax: number): Arbitrary<Uint8Array> {
  return fc.uint8Array({ maxLength: lengthMax, size: 'max' })
}

function mutate(bytes: Uint8Array, { kind, at, span, byte }: Mutation): Uint8Array {
  // A cut may have left nothing to change.
  if (bytes.length === 0) return Uint8Array.of(byte)
  const position = Math.floor(at * bytes.length)
  const [before, after] = [bytes.subarray(0, position), bytes.subarray(position)]
  switch (kind) {
    case 'flip':
      return bytes.with(position, (bytes[position] ?? 0) ^ (1 << (byte & 7)))
    case 'set':
      return bytes.with(position, byte)
    case 'extreme':
      // Lengths, counts and pointers break at their ends.
      return bytes.with(position, [0, 1, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xff][byte & 7] ?? 0)
    case 'cut':
      return before
    case 'remove':
      return Buffer.concat([before, after.subarray(span)])
    case 'insert':
      return Buffer.concat([before, new Uint8Array(span).fill(byte), after])
    case 'repeat':
      return Buffer.concat([before, after.subarray(0, span), after])
  }
}
