const SEEDS = 1n << 64n

/** A seed in decimal, or the hash of a commit, whose first 16 digits it is. @throws {SyntaxError} */
export function parseSeed(text: string): bigint {
  if (/^[0-9a-f]{40}$/.test(text)) return BigInt(`0x${text.slice(0, 16)}`)
  if (!/^\d{1,20}$/.test(text) || BigInt(text) >= SEEDS) {
    throw new SyntaxError(`"${text}" is no seed: wanted 0 to 2^64-1, or the hash of a commit`)
  }
  return BigInt(text)
}

/** Seeds one after the other, from a first one on; after the last comes 0. */
export function* seedsFrom(first: string, count = Number.POSITIVE_INFINITY): Generator<string> {
  for (let index = 0n; index < count; index++) yield String((BigInt(first) + index) % SEEDS)
}
