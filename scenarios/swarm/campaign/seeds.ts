import { createHash } from 'node:crypto'

/**
 * The seeds of a night, in order and without end: they follow from its date, its commit and the world, so that a night
 * can be repeated and no two are alike.
 */
export function* nightSeeds(night: {
  readonly date: string
  readonly commit: string
  readonly world: string
}): Generator<string, never> {
  for (let index = 0; ; index++) {
    const text = `${night.date} ${night.commit} ${night.world} ${index}`
    yield String(createHash('sha256').update(text).digest().readBigUInt64BE())
  }
}

/** One in so many passing seeds is run again, to see that it does the same. */
export const AGAIN_EVERY = 100

/** Whether a seed is one of those: it follows from the seed, so that a repeated night runs the same again. */
export function isRunAgain(seed: string, every: number = AGAIN_EVERY): boolean {
  return BigInt(seed) % BigInt(every) === 0n
}
