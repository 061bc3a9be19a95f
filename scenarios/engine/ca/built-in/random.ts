// All randomness of the CA. It is taken from the global crypto and Math.random, which a simulator may have seeded.

/** An id or token in base64url: 16 bytes are 22 characters. */
export function randomId(length = 16): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(length))).toString('base64url')
}

/** A positive serial number that is 16 bytes long in DER, always: certificates for the same names are of one size. */
export function randomSerial(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40
  return Buffer.from(bytes).toString('hex')
}

export function chance(probability: number): boolean {
  return probability > 0 && Math.random() < probability
}

/** RFC 8555 gives lists no order, and a client that takes one for granted should find out. */
export function shuffled<T>(list: readonly T[]): T[] {
  const result = [...list]
  for (let last = result.length - 1; last > 0; last--) {
    const index = Math.floor(Math.random() * (last + 1))
    const [one, other] = [result[last], result[index]] as [T, T]
    result[last] = other
    result[index] = one
  }
  return result
}
