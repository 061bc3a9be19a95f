// Certificate signing requests: the ones that clients bring, and the ones made here for clients of 2018.
import { CertificationRequest } from '@peculiar/asn1-csr'
import { AsnConvert } from '@peculiar/asn1-schema'
import {
  Extensions,
  id_ce_subjectAltName,
  SubjectAlternativeName,
  type Extension,
} from '@peculiar/asn1-x509'
import { createHash, createPublicKey, generateKeyPair, verify, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { createCsr } from '../wire/csr.ts'
import { InvalidProofError, RefusalError } from '../wire/errors.ts'
import { CRYPTO } from '../wire/protocols.ts'

/** A request that may go to the CA. */
export interface CertificateRequest {
  /** PKCS#10 in DER. */
  readonly csr: Uint8Array
  /** Number of the key's type on the wire. */
  readonly cryptoType: number
  /** Tells keys apart without being one: sha256 of the public key (SubjectPublicKeyInfo), in hex. */
  readonly keyId: string
  /** PEM of the private key, where it was made here. */
  readonly key?: string
}

/** A request for 17 names with an RSA-4096 key is less than half of this. */
const CSR_LENGTH_MAX = 8192
const RSA_BITS = 2048
const RSA_BITS_MIN = 2048
/** Checking a signature of a larger key costs more than it is worth, and no public CA certifies one. */
const RSA_BITS_MAX = 4096
/** What public CAs allow (CA/Browser Forum baseline requirements §6.1.6); a huge one is a slow check. */
const RSA_EXPONENT = 65537n

const OID_COMMON_NAME = '2.5.4.3'
/** RFC 2985 §5.4.2. */
const OID_EXTENSION_REQUEST = '1.2.840.113549.1.9.14'
/** Those that public CAs take (CA/Browser Forum baseline requirements §7.1.3.2), by the key's type and the hash. */
const SIGNATURE_ALGORITHMS: Readonly<Record<string, readonly ['ec' | 'rsa', string]>> = {
  '1.2.840.10045.4.3.2': ['ec', 'sha256'],
  '1.2.840.10045.4.3.3': ['ec', 'sha384'],
  '1.2.840.10045.4.3.4': ['ec', 'sha512'],
  '1.2.840.113549.1.1.11': ['rsa', 'sha256'],
  '1.2.840.113549.1.1.12': ['rsa', 'sha384'],
  '1.2.840.113549.1.1.13': ['rsa', 'sha512'],
}

/**
 * Checks what a client brought: signed with the key that it names, a key that we can have certified, and for exactly
 * `names` (NT-ISSUE-023, NT-ISSUE-033).
 * @throws {RefusalError} OTHER for what is no such request, NO_MATCHING_CRYPTO for other keys, INVALID_PROOF for
 *   names that are not the proven ones.
 */
export function checkCsr(
  csr: Uint8Array,
  { names }: { readonly names: readonly string[] },
): CertificateRequest {
  const request = parseCsr(csr)
  const publicKey = parsePublicKey(request)
  const cryptoType = keyCryptoType(publicKey)
  checkNames(request, names)
  checkSignature(request, publicKey)
  return { csr: Uint8Array.from(csr), cryptoType, keyId: keyId(publicKey) }
}

/** Makes an RSA key in the thread pool, and the request for it: for clients that bring none (NT-ISSUE-032). */
export async function makeCsr(names: readonly string[]): Promise<CertificateRequest> {
  const pair = await promisify(generateKeyPair)('rsa', { modulusLength: RSA_BITS })
  return {
    csr: createCsr(pair.privateKey, names),
    cryptoType: CRYPTO.RSA,
    keyId: keyId(pair.publicKey),
    key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

/** The id of a public key: the same for every request and certificate with that key. */
export function keyId(publicKey: KeyObject): string {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')
}

function parseCsr(csr: Uint8Array): CertificationRequest {
  if (csr.length > CSR_LENGTH_MAX) {
    throw new RefusalError(
      'OTHER',
      `csr is ${csr.length} bytes long, at most ${CSR_LENGTH_MAX} are allowed`,
    )
  }
  // The parser skips bytes after the request, which would then go to the CA with it.
  if (csr.length !== derLength(csr)) throw new RefusalError('OTHER', 'csr has a wrong length')
  try {
    return AsnConvert.parse(csr, CertificationRequest)
  } catch (cause) {
    throw new RefusalError('OTHER', 'csr is not a certificate signing request in DER', { cause })
  }
}

/** Bytes that a DER sequence of 128 to 65535 bytes says it has, its header included (X.690 §8.1.3). */
function derLength([tag, form, high = 0, low = 0]: Uint8Array): number | undefined {
  if (tag !== 0x30) return undefined
  if (form === 0x81) return 3 + high
  return form === 0x82 ? 4 + high * 256 + low : undefined
}

function parsePublicKey({ certificationRequestInfo }: CertificationRequest): KeyObject {
  try {
    const key = Buffer.from(AsnConvert.serialize(certificationRequestInfo.subjectPKInfo))
    return createPublicKey({ key, format: 'der', type: 'spki' })
  } catch (cause) {
    throw new RefusalError('NO_MATCHING_CRYPTO', 'csr has a key of an unknown type', { cause })
  }
}

function checkSignature(request: CertificationRequest, publicKey: KeyObject): void {
  const { certificationRequestInfoRaw: signed, signature, signatureAlgorithm } = request
  const { algorithm } = signatureAlgorithm
  const [keyType, hash] = SIGNATURE_ALGORITHMS[algorithm] ?? []
  if (signed === undefined || hash === undefined || keyType !== publicKey.asymmetricKeyType) {
    throw new RefusalError(
      'OTHER',
      `csr has a signature of the algorithm ${algorithm}, wanted ecdsa or rsa as its key, with sha-256, sha-384 or sha-512`,
    )
  }
  if (!verify(hash, Buffer.from(signed), publicKey, Buffer.from(signature))) {
    throw new RefusalError('OTHER', 'csr is not signed with the key in it')
  }
}

function keyCryptoType(key: KeyObject): number {
  const details = key.asymmetricKeyDetails ?? {}
  if (key.asymmetricKeyType === 'ec' && details.namedCurve === 'prime256v1') {
    return CRYPTO.ECDSA_P256
  }
  const bits = details.modulusLength ?? 0
  if (
    key.asymmetricKeyType === 'rsa' &&
    bits >= RSA_BITS_MIN &&
    bits <= RSA_BITS_MAX &&
    details.publicExponent === RSA_EXPONENT
  ) {
    return CRYPTO.RSA
  }
  // P-384 would do for the CA, but the protocol has no number to say so.
  throw new RefusalError(
    'NO_MATCHING_CRYPTO',
    `csr has a key of type ${key.asymmetricKeyType ?? 'unknown'} ${details.namedCurve ?? bits}, wanted P-256 or RSA with ${RSA_BITS_MIN} to ${RSA_BITS_MAX} bits`,
  )
}

function checkNames(request: CertificationRequest, names: readonly string[]): void {
  const { named, commonNames } = readNames(request)
  const expected = new Set(names)
  if (named.length !== expected.size || !expected.isSubsetOf(new Set(named))) {
    throw new InvalidProofError(
      `csr asks for ${describe(named)}, proven are ${describe([...expected])}`,
    )
  }
  // CAs take the common name for one more name.
  const foreign = commonNames.find((name) => !expected.has(name))
  if (foreign !== undefined) {
    throw new InvalidProofError(
      `csr has the common name ${describe([foreign])}, which is not proven`,
    )
  }
}

interface RequestedNames {
  /** In subjectAltName; those of another type than dNSName equal no name that we expect. */
  readonly named: readonly string[]
  readonly commonNames: readonly string[]
}

function readNames({ certificationRequestInfo }: CertificationRequest): RequestedNames {
  let extensions: Extension[]
  let read: RequestedNames
  try {
    const attributes = [...(certificationRequestInfo.attributes ?? [])]
    extensions = attributes
      .filter(({ type }) => type === OID_EXTENSION_REQUEST)
      .flatMap(({ values }) => values.flatMap((value) => [...AsnConvert.parse(value, Extensions)]))
    read = {
      named: extensions
        .filter(({ extnID }) => extnID === id_ce_subjectAltName)
        .flatMap(({ extnValue }) => [...AsnConvert.parse(extnValue, SubjectAlternativeName)])
        .map((name) => name.dNSName ?? `${Object.keys(name).join()}:`),
      commonNames: [...certificationRequestInfo.subject]
        .flatMap((relative) => [...relative])
        .filter(({ type }) => type === OID_COMMON_NAME)
        .map(({ value }) => value.toString()),
    }
  } catch (cause) {
    throw new RefusalError('OTHER', 'csr has extensions or a subject that cannot be read', {
      cause,
    })
  }
  // A public CA ignores what else is asked for; a CA that copies it would make a CA certificate of the caller's.
  const foreign = extensions.find(({ extnID }) => extnID !== id_ce_subjectAltName)
  if (foreign !== undefined) {
    throw new RefusalError(
      'OTHER',
      `csr asks for the extension ${foreign.extnID}, wanted subjectAltName alone`,
    )
  }
  return read
}

/** Names as a stranger wrote them: escaped and cut. */
function describe(names: readonly string[]): string {
  const shown = names.slice(0, 8).map((name) => JSON.stringify(name.slice(0, 128)))
  return `${shown.join(', ')}${names.length > shown.length ? ' …' : ''}`
}
