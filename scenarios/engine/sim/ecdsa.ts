import { createECDH, createHmac } from 'node:crypto'
import { inverse, toBigInt, toBytes } from './big-integers.ts'
import type { Curve } from './curves.ts'

/** How `node:crypto` writes a signature. */
export type Encoding = 'der' | 'ieee-p1363'

export interface Signer {
  readonly curve: Curve
  readonly d: bigint
  readonly encoding: Encoding
}

/** What is signed. */
export interface Signed {
  readonly hashName: string
  readonly digest: Uint8Array
  readonly added?: Uint8Array
}

/** An ECDSA signature whose nonce is that of RFC 6979 §3.2, or of §3.6 when there is something to add to it. */
export function signEcdsa(
  { curve, d, encoding }: Signer,
  { hashName, digest, added = new Uint8Array() }: Signed,
): Buffer {
  const { order, bytes } = curve
  const z = bitsToInteger(digest, order)
  for (const k of nonces({ curve, d }, { hashName, digest, added })) {
    const ecdh = createECDH(curve.opensslName)
    ecdh.setPrivateKey(toBytes(k, bytes))
    const r = toBigInt(ecdh.getPublicKey().subarray(1, 1 + bytes)) % order
    const s = (inverse(k, order) * (z + r * d)) % order
    if (r === 0n || s === 0n) continue
    return encoding === 'der'
      ? derSequence([r, s])
      : Buffer.concat([toBytes(r, bytes), toBytes(s, bytes)])
  }
  throw new Error('no nonce was good')
}

/** RFC 6979 §3.2, steps a to h: one after another, as long as they are not good. */
function* nonces(
  { curve: { order, bytes }, d }: Pick<Signer, 'curve' | 'd'>,
  { hashName, digest, added }: Required<Signed>,
): Generator<bigint> {
  const hmac = (key: Uint8Array, ...parts: readonly Uint8Array[]): Buffer => {
    const keyed = createHmac(hashName, key)
    for (const part of parts) keyed.update(part)
    return keyed.digest()
  }
  const secret = toBytes(d, bytes)
  const message = toBytes(bitsToInteger(digest, order) % order, bytes)
  let v: Buffer = Buffer.alloc(digest.length, 1)
  let key: Buffer = Buffer.alloc(digest.length, 0)
  for (const step of [0, 1]) {
    key = hmac(key, v, Uint8Array.of(step), secret, message, added)
    v = hmac(key, v)
  }
  for (;;) {
    let bits = Buffer.alloc(0)
    while (bits.length < bytes) {
      v = hmac(key, v)
      bits = Buffer.concat([bits, v])
    }
    const k = bitsToInteger(bits.subarray(0, bytes), order)
    if (k > 0n && k < order) yield k
    key = hmac(key, v, Uint8Array.of(0))
    v = hmac(key, v)
  }
}

/** RFC 6979 §2.3.2: the leftmost bits, as many as the order has. */
function bitsToInteger(bits: Uint8Array, order: bigint): bigint {
  const excess = bits.length * 8 - order.toString(2).length
  const value = toBigInt(bits)
  return excess > 0 ? value >> BigInt(excess) : value
}

/** X.690: a SEQUENCE of INTEGERs, which have a zero before a highest bit that is set. */
function derSequence(values: readonly bigint[]): Buffer {
  const body = Buffer.concat(
    values.map((value) => {
      const bytes = toBytes(value)
      const padded = (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes
      return Buffer.concat([Buffer.of(0x02, padded.length), padded])
    }),
  )
  const length = body.length < 0x80 ? [body.length] : [0x81, body.length]
  return Buffer.concat([Buffer.of(0x30, ...length), body])
}
