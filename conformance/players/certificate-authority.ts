// A CA of the suite's own, thrown away after the run: it issues whatever a case wants, right or wrong.
import {
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  type KeyObject,
} from 'node:crypto'
import * as d from '../wire/der.ts'
import { ECDSA_SHA256, extension } from '../wire/csr.ts'

/** What a certificate shall say. */
export interface CertificateOrder {
  /** dNSName entries of subjectAltName. */
  readonly names: readonly string[]
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKey: Uint8Array
  /** In ms since 1970; certificates have seconds. @default a minute ago */
  readonly notBefore?: number
  /** In ms since 1970. @default in 90 days */
  readonly notAfter?: number
}

/** PEM; `ca` is what signed the leaf, without the root. */
export interface IssuedCertificate {
  readonly leaf: string
  readonly ca: string
  /** In ms since 1970. */
  readonly notAfter: number
}

export interface PlayedCa {
  /** PEM of the certificate that chains are verified against. */
  readonly root: string
  issue(order: CertificateOrder): IssuedCertificate
}

const MINUTE_MS = 60_000
const LIFETIME_MS = 90 * 24 * 60 * MINUTE_MS
const CA_LIFETIME_MS = 365 * 24 * 60 * MINUTE_MS
const SERIAL_BYTES = 12

const COMMON_NAME = '2.5.4.3'
const BASIC_CONSTRAINTS = '2.5.29.19'
const KEY_USAGE = '2.5.29.15'
const SUBJECT_ALTERNATIVE_NAME = '2.5.29.17'
const EXTENDED_KEY_USAGE = '2.5.29.37'
const SERVER_AUTHENTICATION = '1.3.6.1.5.5.7.3.1'
const DNS_NAME = 2
/** keyCertSign and cRLSign; digitalSignature. */
const SIGNS_CERTIFICATES = Uint8Array.of(0x03, 0x02, 0x01, 0x06)
const SIGNS = Uint8Array.of(0x03, 0x02, 0x07, 0x80)

interface Signer {
  readonly name: string
  readonly key: KeyObject
}

/** A root, and under it the certificate that issues. */
export function openPlayedCa(name = 'nodetrust conformance'): PlayedCa {
  const root = makeSigner(`${name} root`)
  const intermediate = makeSigner(`${name} intermediate`)
  const rootPem = authority(root, root)
  const ca = authority(intermediate, root)
  return {
    root: rootPem,
    issue({ names, publicKey, notBefore, notAfter }) {
      const now = Date.now()
      const until = Math.floor((notAfter ?? now + LIFETIME_MS) / 1_000) * 1_000
      const leaf = certificate({
        signer: intermediate,
        // The names are no secret, and nothing needs a common name (RFC 6125).
        subject: d.sequence(),
        publicKey,
        validity: [notBefore ?? now - MINUTE_MS, until],
        extensions: [
          extension(KEY_USAGE, SIGNS, true),
          extension(EXTENDED_KEY_USAGE, d.sequence(d.objectIdentifier(SERVER_AUTHENTICATION))),
          extension(
            SUBJECT_ALTERNATIVE_NAME,
            d.sequence(...names.map((each) => d.implicit(DNS_NAME, d.ascii(each)))),
            true,
          ),
        ],
      })
      return { leaf, ca, notAfter: until }
    },
  }
}

function makeSigner(name: string): Signer {
  return { name, key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey }
}

function authority(subject: Signer, signer: Signer): string {
  const now = Date.now()
  return certificate({
    signer,
    subject: distinguishedName(subject.name),
    publicKey: spki(createPublicKey(subject.key)),
    validity: [now - CA_LIFETIME_MS, now + CA_LIFETIME_MS],
    extensions: [
      extension(BASIC_CONSTRAINTS, d.sequence(d.boolean(true)), true),
      extension(KEY_USAGE, SIGNS_CERTIFICATES, true),
    ],
  })
}

/** RFC 5280 §4.1, in PEM. */
function certificate({
  signer,
  subject,
  publicKey,
  validity: [notBefore, notAfter],
  extensions,
}: {
  readonly signer: Signer
  readonly subject: Uint8Array
  readonly publicKey: Uint8Array
  readonly validity: readonly [number, number]
  readonly extensions: readonly Uint8Array[]
}): string {
  const signed = d.sequence(
    d.explicit(0, d.integer(2n)),
    d.integer(BigInt(`0x01${randomBytes(SERIAL_BYTES).toString('hex')}`)),
    ECDSA_SHA256,
    distinguishedName(signer.name),
    d.sequence(d.utcTime(notBefore), d.utcTime(notAfter)),
    subject,
    publicKey,
    d.explicit(3, d.sequence(...extensions)),
  )
  const signature = Uint8Array.from(sign('sha256', signed, signer.key))
  const bytes = d.sequence(signed, ECDSA_SHA256, d.bitString(signature))
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

function distinguishedName(name: string): Uint8Array {
  return d.sequence(d.set(d.sequence(d.objectIdentifier(COMMON_NAME), d.utf8String(name))))
}

/** SubjectPublicKeyInfo in DER. */
export function spki(key: KeyObject): Uint8Array {
  return Uint8Array.from(key.export({ type: 'spki', format: 'der' }))
}
