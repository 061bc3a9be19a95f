import { createPublicKey, sign, type KeyObject } from 'node:crypto'
import * as d from './der.ts'

const COMMON_NAME = '2.5.4.3'
const EXTENSION_REQUEST = '1.2.840.113549.1.9.14'
const SUBJECT_ALTERNATIVE_NAME = '2.5.29.17'
export const ECDSA_SHA256 = d.sequence(d.objectIdentifier('1.2.840.10045.4.3.2'))
export const RSA_SHA256 = d.sequence(d.objectIdentifier('1.2.840.113549.1.1.11'), d.nothing())
export const ED25519 = d.sequence(d.objectIdentifier('1.3.101.112'))
/** Room in a common name (RFC 5280). */
const COMMON_NAME_LENGTH_MAX = 64
/** Kinds of GeneralName (RFC 5280 §4.2.1.6). */
const DNS_NAME = 2

/** What a key does for a request. */
export interface CsrKey {
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKey: Uint8Array
  /** AlgorithmIdentifier in DER. */
  readonly algorithm: Uint8Array
  readonly sign: (bytes: Uint8Array) => Uint8Array
}

/** What a request asks for. By default that is what a client of this protocol asks for. */
export interface CsrInit {
  /** dNSName entries of subjectAltName, as they are. */
  readonly names: readonly string[]
  readonly key: CsrKey
  /** @default the first name where it has at most 64 characters, else none */
  readonly commonNames?: readonly string[]
  /** More entries of subjectAltName: GeneralNames in DER. */
  readonly otherNames?: readonly Uint8Array[]
  /** More extensions in DER, after subjectAltName. */
  readonly extensions?: readonly Uint8Array[]
  /** No subjectAltName at all where false. @default true */
  readonly subjectAlternativeName?: boolean
  /** Changes the signed part, so that the signature is wrong. */
  readonly spoil?: (signed: Uint8Array) => Uint8Array
}

/** A PKCS#10 request in DER (RFC 2986). */
export function makeCsr(init: CsrInit): Uint8Array {
  const { names, key } = init
  const alternatives = [
    ...names.map((name) => d.implicit(DNS_NAME, d.ascii(name))),
    ...(init.otherNames ?? []),
  ]
  const extensions = [
    ...(init.subjectAlternativeName === false
      ? []
      : [extension(SUBJECT_ALTERNATIVE_NAME, d.sequence(...alternatives))]),
    ...(init.extensions ?? []),
  ]
  const attributes =
    extensions.length === 0
      ? []
      : [d.sequence(d.objectIdentifier(EXTENSION_REQUEST), d.set(d.sequence(...extensions)))]
  const info = d.sequence(
    d.integer(0n),
    d.sequence(...(init.commonNames ?? defaultCommonNames(names)).map(commonName)),
    key.publicKey,
    d.explicit(0, ...attributes),
  )
  const signature = key.sign(info)
  return d.sequence(init.spoil?.(info) ?? info, key.algorithm, d.bitString(signature))
}

/** The first common name in the subject of a request, or of anything else in DER; undefined where there is none. */
export function readCommonName(bytes: Uint8Array): string | undefined {
  const id = d.objectIdentifier(COMMON_NAME)
  const start = Buffer.from(bytes).indexOf(id)
  if (start < 0) return undefined
  // A common name is short: its length is one byte, after that of its type.
  const length = bytes[start + id.length + 1] ?? 0
  const text = bytes.subarray(start + id.length + 2, start + id.length + 2 + length)
  return Buffer.from(text).toString()
}

/** An X.509 extension; `value` is DER. */
export function extension(id: string, value: Uint8Array, critical = false): Uint8Array {
  const criticality = critical ? [d.boolean(true)] : []
  return d.sequence(d.objectIdentifier(id), ...criticality, d.octetString(value))
}

/** A key of Node's for requests: P-256 and other curves, RSA, Ed25519; signs with SHA-256. */
export function csrKey(privateKey: KeyObject): CsrKey {
  const type = privateKey.asymmetricKeyType
  return {
    publicKey: Uint8Array.from(createPublicKey(privateKey).export({ type: 'spki', format: 'der' })),
    algorithm: type === 'rsa' ? RSA_SHA256 : type === 'ed25519' ? ED25519 : ECDSA_SHA256,
    sign: (bytes) => Uint8Array.from(sign(type === 'ed25519' ? null : 'sha256', bytes, privateKey)),
  }
}

function defaultCommonNames([first]: readonly string[]): readonly string[] {
  return first !== undefined && first.length <= COMMON_NAME_LENGTH_MAX ? [first] : []
}

function commonName(name: string): Uint8Array {
  return d.set(d.sequence(d.objectIdentifier(COMMON_NAME), d.utf8String(name)))
}
