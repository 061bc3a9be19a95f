import {
  createECDH,
  createHash,
  createHmac,
  createPrivateKey,
  KeyObject,
  type Hash,
  type PrivateKeyInput,
  type Sign,
} from 'node:crypto'
import { inverse, toBigInt, toBytes } from './big-integers.ts'
import { findCurve, type Curve } from './curves.ts'
import { answer } from './randomness.ts'
import { builtin, dressed, type Replacement } from './replace.ts'
import { simulation } from './simulation.ts'

type AnyFunction = (this: unknown, ...parameters: unknown[]) => unknown

/** How `node:crypto` writes a signature. */
type Encoding = 'der' | 'ieee-p1363'

interface Signer {
  readonly curve: Curve
  readonly d: bigint
  readonly encoding: Encoding
}

/**
 * ECDSA draws a number for each signature, and OpenSSL draws it itself: two runs would differ, and by the length of DER
 * integers even in the sizes of messages. RFC 6979 derives the number from key and message instead; any verifier takes
 * such signatures. OpenSSL's own signing inside TLS stays as it is.
 */
export function ecdsaReplacements(): Replacement[] {
  const crypto = builtin<Record<string, AnyFunction>>('node:crypto')
  const subtle = Object.getPrototypeOf(globalThis.crypto.subtle) as Record<string, AnyFunction>
  return [
    {
      name: 'node:crypto sign',
      owner: crypto,
      key: 'sign',
      value: oneShot(crypto.sign as AnyFunction),
    },
    {
      name: 'node:crypto createSign',
      owner: crypto,
      key: 'createSign',
      value: streaming(crypto.createSign as AnyFunction),
    },
    {
      name: 'crypto.subtle.sign',
      owner: subtle,
      key: 'sign',
      value: web(subtle.sign as AnyFunction),
    },
  ]
}

/** An ECDSA signature whose nonce is that of RFC 6979 §3.2. */
export function signDeterministically(
  { curve, d, encoding }: Signer,
  hashName: string,
  digest: Uint8Array,
): Buffer {
  const { order, bytes } = curve
  const z = bitsToInteger(digest, order)
  for (const k of nonces(curve, d, hashName, digest)) {
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
  { order, bytes }: Curve,
  d: bigint,
  hashName: string,
  digest: Uint8Array,
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
    key = hmac(key, v, Uint8Array.of(step), secret, message)
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

/** Who signs, when it is with ECDSA on a curve that is known; Node judges everything else. */
function signerOf(key: unknown): Signer | undefined {
  try {
    const encoding = (key as { dsaEncoding?: Encoding }).dsaEncoding ?? 'der'
    const keyObject = keyObjectOf(key)
    if (keyObject.asymmetricKeyType !== 'ec' || keyObject.type !== 'private') return undefined
    const curve = findCurve(keyObject.asymmetricKeyDetails?.namedCurve ?? '')
    const { d } = keyObject.export({ format: 'jwk' })
    if (curve === undefined || d === undefined) return undefined
    return { curve, d: toBigInt(Buffer.from(d, 'base64url')), encoding }
  } catch {
    return undefined
  }
}

function keyObjectOf(key: unknown): KeyObject {
  if (key instanceof KeyObject) return key
  if (key instanceof CryptoKey) return KeyObject.from(key as never)
  const inner = (key as PrivateKeyInput).key
  if ((inner as unknown) instanceof KeyObject) return inner as unknown as KeyObject
  return createPrivateKey(key as PrivateKeyInput)
}

/** Node's name of a hash as `createHash` takes it; SHA-256 is OpenSSL's own for EC keys. */
function hashNameOf(algorithm: unknown): string {
  return (typeof algorithm === 'string' ? algorithm : 'sha256')
    .toLowerCase()
    .replace(/^rsa-|^ecdsa-with-/, '')
    .replace(/^sha-/, 'sha')
}

/** `sign(algorithm, data, key, callback?)`. */
function oneShot(own: AnyFunction): AnyFunction {
  return dressed(own, function (this: unknown, ...parameters) {
    const [algorithm, data, key, callback] = parameters
    const signer = simulation() === undefined ? undefined : signerOf(key)
    if (signer === undefined) return Reflect.apply(own, this, parameters)
    const hashName = hashNameOf(algorithm)
    const digest = createHash(hashName).update(asBytes(data)).digest()
    const signature = signDeterministically(signer, hashName, digest)
    if (typeof callback !== 'function') return signature
    answer(() => callback(null, signature))
    return undefined
  })
}

const asBytes = (data: unknown): Uint8Array =>
  ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data as ArrayBuffer)

/** `createSign(algorithm)`: it hashes what it is given beside Node's object, which keeps its own hash for itself. */
function streaming(own: AnyFunction): AnyFunction {
  return dressed(own, function (this: unknown, ...parameters) {
    const sign = Reflect.apply(own, this, parameters) as Sign
    if (simulation() === undefined) return sign
    const hashName = hashNameOf(parameters[0])
    const hash: Hash = createHash(hashName)
    const update = sign.update.bind(sign) as (...chunk: readonly unknown[]) => unknown
    const finish = sign.sign.bind(sign) as (...key: readonly unknown[]) => unknown
    sign.update = function (this: Sign, ...chunk: readonly unknown[]): Sign {
      hash.update(...(chunk as [string, 'utf8']))
      update(...chunk)
      return this
    }
    sign.sign = function (this: Sign, key: unknown, encoding?: BufferEncoding): never {
      const signer = signerOf(key)
      if (signer === undefined) return finish(key, encoding) as never
      const signature = signDeterministically(signer, hashName, hash.digest())
      return (encoding === undefined ? signature : signature.toString(encoding)) as never
    }
    return sign
  })
}

/** `crypto.subtle.sign({ name: 'ECDSA', hash }, key, data)`. */
function web(own: AnyFunction): AnyFunction {
  return dressed(own, async function (this: unknown, ...parameters) {
    const [algorithm, key, data] = parameters
    const { name, hash } = (algorithm ?? {}) as { name?: string; hash?: string | { name: string } }
    const usable =
      simulation() !== undefined &&
      String(name).toUpperCase() === 'ECDSA' &&
      key instanceof CryptoKey &&
      key.usages.includes('sign')
    const signer = usable ? signerOf(key) : undefined
    if (signer === undefined || hash === undefined) return Reflect.apply(own, this, parameters)
    const hashName = hashNameOf(typeof hash === 'string' ? hash : hash.name)
    const digest = createHash(hashName).update(asBytes(data)).digest()
    const signature = signDeterministically({ ...signer, encoding: 'ieee-p1363' }, hashName, digest)
    return new Uint8Array(signature).buffer
  })
}
