import type { KeyObject } from 'node:crypto'
import { toBigInt } from './big-integers.ts'
import { keyPair, owned, secretKey } from './key-generation.ts'
import { randomStream } from './randomness.ts'
import { dressed, type AnyFunction, type Replacement } from './replace.ts'
import type { SeededRandom } from './random.ts'

/** `crypto.subtle.generateKey`, for the algorithms that Node can make keys of from what was drawn. */
export function webKeyReplacements(): Replacement[] {
  const owner = Object.getPrototypeOf(globalThis.crypto.subtle) as Record<string, AnyFunction>
  const own = owned(owner, 'generateKey')
  const value = dressed(own, async function (this: unknown, ...parameters) {
    const random = randomStream()
    const [algorithm, extractable, usages]: readonly unknown[] = parameters
    const made =
      random === undefined || typeof extractable !== 'boolean' || !Array.isArray(usages)
        ? undefined
        : webKey(
            typeof algorithm === 'string' ? { name: algorithm } : (algorithm as WebAlgorithm),
            { extractable, usages: usages as string[] },
            random,
          )
    return made ?? Reflect.apply(own, this, parameters)
  })
  return [{ name: 'crypto.subtle.generateKey', owner, key: 'generateKey', value }]
}

/** Algorithms of WebCrypto as Node names the kind of their keys. */
const WEB_PAIRS: Readonly<Record<string, string>> = {
  ED25519: 'ed25519',
  ED448: 'ed448',
  X25519: 'x25519',
  X448: 'x448',
  ECDSA: 'ec',
  ECDH: 'ec',
  'RSASSA-PKCS1-V1_5': 'rsa',
  'RSA-PSS': 'rsa',
  'RSA-OAEP': 'rsa',
}
/** What a public key may be used for (WebCrypto §14.3.6); a private key for the rest. */
const PUBLIC_USAGES = new Set(['verify', 'encrypt', 'wrapKey'])
const HASH_BLOCK_BITS: Readonly<Record<string, number>> = {
  'SHA-1': 512,
  'SHA-256': 512,
  'SHA-384': 1024,
  'SHA-512': 1024,
}

interface WebAlgorithm {
  readonly name: string
  readonly namedCurve?: string
  readonly length?: number
  readonly modulusLength?: number
  readonly publicExponent?: Uint8Array
  readonly hash?: string | { readonly name: string }
}

function webKey(
  algorithm: WebAlgorithm,
  { extractable, usages }: { readonly extractable: boolean; readonly usages: readonly string[] },
  random: SeededRandom,
): unknown {
  const name = String(algorithm.name).toUpperCase()
  const made = (key: KeyObject, may: readonly string[], always = false): unknown =>
    key.toCryptoKey(algorithm as never, always || extractable, may as never)
  if (/^AES-|^HMAC$/.test(name)) {
    const kind = name === 'HMAC' ? 'hmac' : 'aes'
    const key = secretKey(kind, { length: secretLength(algorithm) }, random)
    return key === undefined ? undefined : made(key, usages)
  }
  const exponent = algorithm.publicExponent
  const pair = keyPair(
    WEB_PAIRS[name],
    {
      namedCurve: algorithm.namedCurve,
      modulusLength: algorithm.modulusLength,
      ...(exponent === undefined ? {} : { publicExponent: toBigInt(exponent) }),
    },
    random,
  )
  if (pair === undefined) return undefined
  return {
    publicKey: made(
      pair.publicKey,
      usages.filter((usage) => PUBLIC_USAGES.has(usage)),
      true,
    ),
    privateKey: made(
      pair.privateKey,
      usages.filter((usage) => !PUBLIC_USAGES.has(usage)),
    ),
  }
}

function secretLength({ length, hash }: WebAlgorithm): number | undefined {
  const hashName = typeof hash === 'string' ? hash : hash?.name
  return length ?? HASH_BLOCK_BITS[String(hashName).toUpperCase()]
}
