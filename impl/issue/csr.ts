// Certificate signing requests: the ones that clients bring, and the ones made here for clients of 2018.
// @peculiar/x509 takes its parts from a container that needs this polyfill to be there first.
import 'reflect-metadata'
import {
  GeneralNames,
  Pkcs10CertificateRequest,
  Pkcs10CertificateRequestGenerator,
  SubjectAlternativeNameExtension,
} from '@peculiar/x509'
import {
  createHash,
  createPublicKey,
  generateKeyPair,
  webcrypto,
  type KeyObject,
} from 'node:crypto'
import { promisify } from 'node:util'
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

/** RFC 5280, upper bound of a common name. Boulder drops a longer one, other CAs refuse it (NT-ISSUE-025). */
const COMMON_NAME_LENGTH_MAX = 64
/** A request for 17 names with an RSA-4096 key is less than half of this. */
const CSR_LENGTH_MAX = 8192
const RSA_BITS = 2048
const RSA_BITS_MIN = 2048
/** Checking a signature of a larger key costs more than it is worth, and no public CA certifies one. */
const RSA_BITS_MAX = 4096
/** What public CAs allow (CA/Browser Forum baseline requirements §6.1.6); a huge one is a slow check. */
const RSA_EXPONENT = 65537n

const SUBJECT_ALTERNATIVE_NAME = '2.5.29.17'

/**
 * Checks what a client brought: signed with the key that it names, a key that we can have certified, and for exactly
 * `names` (NT-ISSUE-023, NT-ISSUE-033).
 * @throws {RefusalError} OTHER for what is no such request, NO_MATCHING_CRYPTO for other keys, INVALID_PROOF for
 *   names that are not the proven ones.
 */
export async function checkCsr(
  csr: Uint8Array,
  { names }: { readonly names: readonly string[] },
): Promise<CertificateRequest> {
  const request = parseCsr(csr)
  const publicKey = parsePublicKey(request)
  const cryptoType = keyCryptoType(publicKey)
  checkNames(request, names)
  let signed: boolean
  try {
    signed = await request.verify(webcrypto)
  } catch (cause) {
    throw new RefusalError('OTHER', 'csr has a signature that cannot be checked', { cause })
  }
  if (!signed) throw new RefusalError('OTHER', 'csr is not signed with the key in it')
  return { csr: Uint8Array.from(csr), cryptoType, keyId: keyId(publicKey) }
}

/** Makes an RSA key in the thread pool, and the request for it: for clients that bring none (NT-ISSUE-032). */
export async function makeCsr(names: readonly string[]): Promise<CertificateRequest> {
  const pair = await promisify(generateKeyPair)('rsa', { modulusLength: RSA_BITS })
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
  const [commonName] = names
  const request = await Pkcs10CertificateRequestGenerator.create(
    {
      ...(commonName !== undefined && commonName.length <= COMMON_NAME_LENGTH_MAX
        ? { name: [{ CN: [commonName] }] }
        : {}),
      keys: {
        publicKey: pair.publicKey.toCryptoKey(algorithm, true, ['verify']),
        privateKey: pair.privateKey.toCryptoKey(algorithm, false, ['sign']),
      },
      signingAlgorithm: algorithm,
      extensions: [
        new SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns', value }))),
      ],
    },
    webcrypto,
  )
  return {
    csr: new Uint8Array(request.rawData),
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

function parseCsr(csr: Uint8Array): Pkcs10CertificateRequest {
  if (csr.length > CSR_LENGTH_MAX) {
    throw new RefusalError(
      'OTHER',
      `csr is ${csr.length} bytes long, at most ${CSR_LENGTH_MAX} are allowed`,
    )
  }
  // The parser skips bytes after the request, which would then go to the CA with it.
  if (csr.length !== derLength(csr)) throw new RefusalError('OTHER', 'csr has a wrong length')
  try {
    return new Pkcs10CertificateRequest(Uint8Array.from(csr))
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

function parsePublicKey(request: Pkcs10CertificateRequest): KeyObject {
  try {
    return createPublicKey({
      key: Buffer.from(request.publicKey.rawData),
      format: 'der',
      type: 'spki',
    })
  } catch (cause) {
    throw new RefusalError('NO_MATCHING_CRYPTO', 'csr has a key of an unknown type', { cause })
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

function checkNames(request: Pkcs10CertificateRequest, names: readonly string[]): void {
  const named: string[] = []
  const commonNames: string[] = []
  // A public CA ignores what else is asked for; a CA that copies it would make a CA certificate of the caller's.
  const foreignExtension = request.extensions.find(({ type }) => type !== SUBJECT_ALTERNATIVE_NAME)
  if (foreignExtension !== undefined) {
    throw new RefusalError(
      'OTHER',
      `csr asks for the extension ${foreignExtension.type}, wanted subjectAltName alone`,
    )
  }
  try {
    const extensions = request.extensions.filter(({ type }) => type === SUBJECT_ALTERNATIVE_NAME)
    for (const extension of extensions) {
      for (const { type, value } of new GeneralNames(extension.value).items) {
        // Another type of name never equals one that we expect.
        named.push(type === 'dns' ? value : `${type}:${value}`)
      }
    }
    commonNames.push(...request.subjectName.getField('CN'))
  } catch (cause) {
    throw new RefusalError('OTHER', 'csr has extensions or a subject that cannot be read', {
      cause,
    })
  }
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

/** Names as a stranger wrote them: escaped and cut. */
function describe(names: readonly string[]): string {
  const shown = names.slice(0, 8).map((name) => JSON.stringify(name.slice(0, 128)))
  return `${shown.join(', ')}${names.length > shown.length ? ' …' : ''}`
}
