import type { KeyObject } from 'node:crypto'
import { builtin, dressed, type AnyFunction, type Replacement } from './replace.ts'
import { owned } from './key-generation.ts'
import { simulation } from './simulation.ts'

/** As many as a world of a thousand nodes has at work at once; then all are forgotten. */
const KEYS_MAX = 8_192
const SIGNATURES_MAX = 32_768
/** An Ed25519 or X25519 key in DER is shorter. */
const DER_LENGTH_MAX = 64
const SIGNED_LENGTH_MAX = 4_096

/**
 * What is the same however often it is computed: keys read from their bytes, and whether an Ed25519 signature is good.
 * All hosts are one process here, and each of them reads the keys of its peers anew, and verifies the one announcement
 * that all have received: a tenth of a world's time and more. Nothing is believed: the bytes that were read, or that
 * were signed here with this very key (RFC 8032: the signature follows from the message), are the same bytes.
 */
export function pureReplacements(): Replacement[] {
  const crypto = builtin<Record<string, AnyFunction>>('node:crypto')
  return [
    replacement('createPrivateKey', crypto, reading('private')),
    replacement('createPublicKey', crypto, reading('public')),
    replacement('sign', crypto, signing),
    replacement('verify', crypto, verifying),
  ]
}

function replacement(
  key: string,
  owner: Record<string, AnyFunction>,
  make: (own: AnyFunction) => AnyFunction,
): Replacement {
  const own = owned(owner, key)
  return { name: `node:crypto ${key}`, owner, key, value: dressed(own, make(own)) }
}

/** By what they were read from. */
const keys = new Map<string, KeyObject>()
/** The public part of an Ed25519 key that was read. */
const publicParts = new WeakMap<object, string>()
/** Public part, message and signature: all that is good. */
const good = new Set<string>()

function reading(part: 'private' | 'public'): (own: AnyFunction) => AnyFunction {
  return (own) =>
    function (this: unknown, ...parameters) {
      const name = simulation() === undefined ? undefined : nameOf(parameters[0], part)
      if (name === undefined) return Reflect.apply(own, this, parameters)
      const known = keys.get(name)
      if (known !== undefined) return known
      const key = Reflect.apply(own, this, parameters) as KeyObject
      if (keys.size >= KEYS_MAX) keys.clear()
      keys.set(name, key)
      const publicPart = edwardsPart(key, part)
      if (publicPart !== undefined) publicParts.set(key, publicPart)
      return key
    }
}

interface KeyInput {
  readonly key?: unknown
  readonly format?: unknown
  readonly type?: unknown
}

/** Undefined for what is not read often. */
function nameOf(input: unknown, part: string): string | undefined {
  if (typeof input !== 'object' || input === null) return undefined
  const { key, format, type } = input as KeyInput
  if (format === 'jwk') {
    const { kty, crv, x, d = '' } = (key ?? {}) as Record<string, unknown>
    if (kty !== 'OKP') return undefined
    const texts = [crv, x, d].every((text) => typeof text === 'string')
    return texts ? `${part} jwk ${String(crv)} ${String(x)} ${String(d)}` : undefined
  }
  if (format !== 'der' || !(key instanceof Uint8Array) || key.length > DER_LENGTH_MAX) {
    return undefined
  }
  return `${part} ${String(type)} ${textOf(key)}`
}

/** From the key itself: what is written beside a private one could be another's. */
function edwardsPart(key: KeyObject, part: 'private' | 'public'): string | undefined {
  if (key.asymmetricKeyType !== 'ed25519') return undefined
  const { createPublicKey } = builtin<typeof import('node:crypto')>('node:crypto')
  return (part === 'public' ? key : createPublicKey(key)).export({ format: 'jwk' }).x
}

/** One byte is one character. */
function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

/** `sign(algorithm, data, key, callback?)`. */
function signing(own: AnyFunction): AnyFunction {
  return function (this: unknown, ...parameters) {
    const made = Reflect.apply(own, this, parameters)
    const [algorithm, data, key] = parameters
    const text = signedText({ algorithm, data, key, signature: made })
    if (text !== undefined) remember(text)
    return made
  }
}

/** `verify(algorithm, data, key, signature, callback?)`. */
function verifying(own: AnyFunction): AnyFunction {
  return function (this: unknown, ...parameters) {
    const [algorithm, data, key, signature, callback] = parameters
    const text =
      callback === undefined ? signedText({ algorithm, data, key, signature }) : undefined
    if (text !== undefined && good.has(text)) return true
    const result = Reflect.apply(own, this, parameters)
    if (text !== undefined && result === true) remember(text)
    return result
  }
}

function remember(text: string): void {
  if (good.size >= SIGNATURES_MAX) good.clear()
  good.add(text)
}

/** Undefined where it is no short Ed25519 signature of bytes with a key that was read here. */
function signedText(signed: {
  readonly algorithm: unknown
  readonly data: unknown
  readonly key: unknown
  readonly signature: unknown
}): string | undefined {
  const { algorithm, data, key, signature } = signed
  if (simulation() === undefined || (algorithm !== null && algorithm !== undefined)) {
    return undefined
  }
  if (!(data instanceof Uint8Array) || !(signature instanceof Uint8Array)) return undefined
  if (data.length > SIGNED_LENGTH_MAX || typeof key !== 'object' || key === null) return undefined
  const publicPart = publicParts.get(key)
  // Of fixed lengths before the message: no two can be told alike.
  return publicPart === undefined ? undefined : `${publicPart} ${textOf(signature)} ${textOf(data)}`
}
