import {
  checkPrimeSync,
  createECDH,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto'
import { inverse, toBigInt, toBytes } from './big-integers.ts'
import { findCurve } from './curves.ts'
import { answer, randomStream } from './randomness.ts'
import { builtin, dressed, type AnyFunction, type Replacement } from './replace.ts'
import type { SeededRandom } from './random.ts'

type Options = Readonly<Record<string, unknown>>

interface KeyPair {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

/**
 * Keys from seeded bytes: Ed25519, X25519, Ed448, X448, EC on the curves of {@link findCurve}, RSA, and secret keys.
 * Node takes no seed for any of them, but it takes keys: so the private part is drawn and the rest is computed. Others
 * (RSA-PSS, DSA, DH, ML-KEM, ML-DSA) stay Node's own.
 */
export function keyReplacements(): Replacement[] {
  const crypto = builtin<Record<string, AnyFunction>>('node:crypto')
  return [
    sync('generateKeyPairSync', crypto, (random, type, options) =>
      exported(keyPair(type, options, random), options),
    ),
    sync('generateKeySync', crypto, (random, type, options) => secretKey(type, options, random)),
    async('generateKeyPair', crypto, (random, type, options) => {
      const pair = exported(keyPair(type, options, random), options)
      return pair === undefined ? undefined : [pair.publicKey, pair.privateKey]
    }),
    async('generateKey', crypto, (random, type, options) => {
      const key = secretKey(type, options, random)
      return key === undefined ? undefined : [key]
    }),
  ]
}

function sync(
  key: string,
  owner: Record<string, AnyFunction>,
  make: (random: SeededRandom, type: unknown, options: Options) => unknown,
): Replacement {
  const own = owned(owner, key)
  const value = dressed(own, function (this: unknown, ...parameters) {
    const random = randomStream()
    const [type, options]: readonly unknown[] = parameters
    const made = random === undefined ? undefined : make(random, type, (options ?? {}) as Options)
    return made ?? Reflect.apply(own, this, parameters)
  })
  return { name: `node:crypto ${key}`, owner, key, value }
}

function async(
  key: string,
  owner: Record<string, AnyFunction>,
  make: (random: SeededRandom, type: unknown, options: Options) => unknown[] | undefined,
): Replacement {
  const own = owned(owner, key)
  const value = dressed(own, function (this: unknown, ...parameters) {
    const random = randomStream()
    const callback = parameters.at(-1)
    if (random === undefined || typeof callback !== 'function') {
      return Reflect.apply(own, this, parameters)
    }
    const [type, options]: readonly unknown[] = parameters.slice(0, -1)
    const made = make(random, type, (options ?? {}) as Options)
    if (made === undefined) return Reflect.apply(own, this, parameters)
    answer(() => Reflect.apply(callback, this, [null, ...made]))
    return undefined
  })
  return { name: `node:crypto ${key}`, owner, key, value }
}

export function owned(owner: Record<string, AnyFunction>, key: string): AnyFunction {
  const own = owner[key]
  if (own === undefined) throw new Error(`this Node has no "${key}"`)
  return own
}

/** RFC 8410 §7: what stands before the bytes of a private key in PKCS #8, and how many these are. */
const EDWARDS: Readonly<Record<string, readonly [prefix: string, length: number]>> = {
  x25519: ['302e020100300506032b656e04220420', 32],
  ed25519: ['302e020100300506032b657004220420', 32],
  x448: ['3046020100300506032b656f043a0438', 56],
  ed448: ['3047020100300506032b6571043b0439', 57],
}

/** Undefined where Node has to do it: kinds that cannot be seeded, and arguments that it refuses. */
export function keyPair(
  type: unknown,
  options: Options,
  random: SeededRandom,
): KeyPair | undefined {
  const edwards = EDWARDS[String(type)]
  if (edwards !== undefined) {
    const [prefix, length] = edwards
    const key = Buffer.concat([Buffer.from(prefix, 'hex'), random.bytes(length)])
    return pairOf(createPrivateKey({ key, type: 'pkcs8', format: 'der' }))
  }
  if (type === 'ec' && options.paramEncoding !== 'explicit') {
    return ecPair(String(options.namedCurve), random)
  }
  if (type === 'rsa') return rsaPair(options, random)
  return undefined
}

const fromJwk = (jwk: object): KeyObject =>
  createPrivateKey({ key: jwk as JsonWebKey, format: 'jwk' })

function pairOf(privateKey: KeyObject): KeyPair {
  return { privateKey, publicKey: createPublicKey(privateKey) }
}

function ecPair(namedCurve: string, random: SeededRandom): KeyPair | undefined {
  const curve = findCurve(namedCurve)
  if (curve === undefined) return undefined
  const { order, bytes } = curve
  const scalar = 1n + (toBigInt(random.bytes(bytes + 8)) % (order - 1n))
  const d = toBytes(scalar, bytes)
  const ecdh = createECDH(curve.opensslName)
  ecdh.setPrivateKey(d)
  const point = ecdh.getPublicKey()
  return pairOf(
    fromJwk({
      kty: 'EC',
      crv: curve.name,
      d: d.toString('base64url'),
      x: point.subarray(1, 1 + bytes).toString('base64url'),
      y: point.subarray(1 + bytes).toString('base64url'),
    }),
  )
}

const RSA_EXPONENT = 65_537
const RSA_BITS_MIN = 512

function rsaPair(options: Options, random: SeededRandom): KeyPair | undefined {
  const { modulusLength: bits, publicExponent = RSA_EXPONENT } = options
  const exponent = BigInt(publicExponent as number)
  if (typeof bits !== 'number' || bits % 2 !== 0 || bits < RSA_BITS_MIN) return undefined
  const one = prime(bits / 2, exponent, random)
  let other = one
  while (other === one) other = prime(bits / 2, exponent, random)
  const [q, p] = one < other ? [one, other] : [other, one]
  const d = inverse(exponent, (p - 1n) * (q - 1n))
  const numbers = {
    n: p * q,
    e: exponent,
    d,
    p,
    q,
    dp: d % (p - 1n),
    dq: d % (q - 1n),
    qi: inverse(q, p),
  }
  const jwk = Object.entries(numbers).map(([name, value]) => [
    name,
    toBytes(value).toString('base64url'),
  ])
  return pairOf(fromJwk({ kty: 'RSA', ...(Object.fromEntries(jwk) as object) }))
}

/** FIPS 186-5 A.1.3 in short: random, with its two highest bits set, prime, and its predecessor without the exponent. */
function prime(bits: number, exponent: bigint, random: SeededRandom): bigint {
  const top = 0b11n << BigInt(bits - 2)
  for (;;) {
    let candidate = toBigInt(random.bytes(Math.ceil(bits / 8))) % (1n << BigInt(bits))
    candidate |= top | 1n
    if ((candidate - 1n) % exponent !== 0n && checkPrimeSync(candidate)) return candidate
  }
}

export function secretKey(
  type: unknown,
  { length }: Options,
  random: SeededRandom,
): KeyObject | undefined {
  const known = type === 'aes' ? [128, 192, 256].includes(length as number) : type === 'hmac'
  if (!known || !Number.isSafeInteger(length) || (length as number) < 8) return undefined
  return createSecretKey(random.bytes(Math.trunc((length as number) / 8)))
}

/** As Node: keys as text or bytes where an encoding was asked for. */
function exported(
  pair: KeyPair | undefined,
  options: Options,
): { publicKey: unknown; privateKey: unknown } | undefined {
  if (pair === undefined) return undefined
  const { publicKeyEncoding, privateKeyEncoding } = options
  const { publicKey, privateKey } = pair
  return {
    publicKey:
      publicKeyEncoding === undefined ? publicKey : publicKey.export(publicKeyEncoding as never),
    privateKey:
      privateKeyEncoding === undefined
        ? privateKey
        : privateKey.export(privateKeyEncoding as never),
  }
}
