import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  KeyObject,
  type Hash,
  type PrivateKeyInput,
  type Sign,
  type webcrypto,
} from 'node:crypto'
import { toBigInt } from './big-integers.ts'
import { findCurve } from './curves.ts'
import { signEcdsa, type Encoding, type Signer } from './ecdsa.ts'
import { answer, randomStream } from './randomness.ts'
import { builtin, dressed, type AnyFunction, type Replacement } from './replace.ts'
import { simulation } from './simulation.ts'

/** As much as any nonce needs. */
const ADDED_LENGTH = 32

/**
 * ECDSA draws a number for each signature, and OpenSSL draws it itself: two runs would differ, and by the length of DER
 * integers even in the sizes of messages. Here it is drawn from the seed, as RFC 6979 §3.6 has it; any verifier takes
 * such signatures, and who signs twice gets two. OpenSSL's own signing inside TLS stays as it is.
 */
export function signingReplacements(): Replacement[] {
  const crypto = builtin<Record<string, AnyFunction>>('node:crypto')
  const converter = converterOf()
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
    {
      name: 'crypto.subtle.importKey',
      owner: subtle,
      key: 'importKey',
      value: remembering(subtle.importKey as AnyFunction),
    },
    {
      name: 'KeyObject toCryptoKey',
      owner: converter,
      key: 'toCryptoKey',
      value: converting(converter['toCryptoKey'] as AnyFunction),
    },
  ]
}

/** Whose method it is for private keys: versions of Node differ in which class of their keys has it. */
function converterOf(): Record<string, unknown> {
  const { privateKey } = generateKeyPairSync('ed25519')
  let owner: object | null = privateKey
  while (owner !== null && !Object.hasOwn(owner, 'toCryptoKey')) {
    owner = Object.getPrototypeOf(owner) as object | null
  }
  return (owner ?? KeyObject.prototype) as Record<string, unknown>
}

function signFromSeed(signer: Signer, hashName: string, digest: Uint8Array): Buffer {
  const random = randomStream()
  return signEcdsa(signer, {
    hashName,
    digest,
    ...(random && { added: random.bytes(ADDED_LENGTH) }),
  })
}

/** Who signs, when it is with ECDSA on a curve that is known; Node judges everything else. */
function signerOf(key: unknown): Signer | undefined {
  try {
    const secret = secretOf(keyObjectOf(key))
    const encoding = (key as { dsaEncoding?: Encoding }).dsaEncoding ?? 'der'
    return secret && { ...secret, encoding }
  } catch {
    return undefined
  }
}

type Secret = Pick<Signer, 'curve' | 'd'>

/** Undefined for keys that cannot sign with ECDSA. An account signs every request with one key. */
const secrets = new WeakMap<KeyObject, Secret | undefined>()

function secretOf(key: KeyObject): Secret | undefined {
  if (!secrets.has(key)) secrets.set(key, readSecret(key))
  return secrets.get(key)
}

function readSecret(key: KeyObject): Secret | undefined {
  if (key.asymmetricKeyType !== 'ec' || key.type !== 'private') return undefined
  const curve = findCurve(key.asymmetricKeyDetails?.namedCurve ?? '')
  const { d } = key.export({ format: 'jwk' })
  return curve === undefined || d === undefined
    ? undefined
    : { curve, d: toBigInt(Buffer.from(d, 'base64url')) }
}

/** The keys behind those of WebCrypto that nobody can export. */
const keyObjects = new WeakMap<object, KeyObject>()

function keyObjectOf(key: unknown): KeyObject {
  if (key instanceof KeyObject) return key
  const known = keyObjects.get(key as object)
  if (known !== undefined) return known
  // Node is about to keep what cannot be exported to itself: those are known from their making.
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
    const signature = signFromSeed(signer, hashName, digest)
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
      const signature = signFromSeed(signer, hashName, hash.digest())
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
    const signature = signFromSeed({ ...signer, encoding: 'ieee-p1363' }, hashName, digest)
    return new Uint8Array(signature).buffer
  })
}

/** `crypto.subtle.importKey(format, key, algorithm, extractable, usages)`. */
function remembering(own: AnyFunction): AnyFunction {
  return dressed(own, async function (this: unknown, ...parameters) {
    const made = (await Reflect.apply(own, this, parameters)) as webcrypto.CryptoKey
    if (simulation() !== undefined && isSecretEcdsa(made)) {
      const open = parameters.with(EXTRACTABLE, true)
      keyObjects.set(made, KeyObject.from((await Reflect.apply(own, this, open)) as never))
    }
    return made
  })
}

const EXTRACTABLE = 3

function converting(own: AnyFunction): AnyFunction {
  return dressed(own, function (this: unknown, ...parameters) {
    const made = Reflect.apply(own, this, parameters) as webcrypto.CryptoKey
    if (isSecretEcdsa(made)) keyObjects.set(made, this as KeyObject)
    return made
  })
}

const isSecretEcdsa = ({ algorithm, extractable, type }: webcrypto.CryptoKey): boolean =>
  !extractable && type === 'private' && algorithm.name === 'ECDSA'
