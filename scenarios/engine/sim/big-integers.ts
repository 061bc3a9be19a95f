/** Big-endian bytes as a number. */
export function toBigInt(bytes: Uint8Array): bigint {
  return BigInt(`0x0${Buffer.from(bytes).toString('hex')}`)
}

/** Big-endian, with zeros before it up to `length`; without one, as few bytes as hold it. */
export function toBytes(value: bigint, length = 0): Buffer {
  const digits = value.toString(16)
  const whole = digits.padStart(Math.max(length * 2, digits.length + (digits.length % 2)), '0')
  return Buffer.from(whole, 'hex')
}

/** What `value` must be multiplied by to give 1 modulo `modulus`; they have no divisor in common. */
export function inverse(value: bigint, modulus: bigint): bigint {
  let [before, now] = [modulus, ((value % modulus) + modulus) % modulus]
  let [factorBefore, factorNow] = [0n, 1n]
  while (now !== 0n) {
    const quotient = before / now
    ;[before, now] = [now, before - quotient * now]
    ;[factorBefore, factorNow] = [factorNow, factorBefore - quotient * factorNow]
  }
  return ((factorBefore % modulus) + modulus) % modulus
}
