// Reads and judges a certificate signing request (RFC 2986) as finalization wants it (RFC 8555 section 7.4).
import 'reflect-metadata'
import { createPublicKey, verify, type KeyObject } from 'node:crypto'
import { AsnConvert } from '@peculiar/asn1-schema'
import { CertificationRequest } from '@peculiar/asn1-csr'
import * as x509 from '@peculiar/x509'
import { messageOf } from './jws.ts'
import { Problem } from './problems.ts'

const LENGTH_MAX = 64 * 1024
const RSA_BITS: ReadonlySet<number> = new Set([2048, 3072, 4096])
const CURVES: ReadonlySet<string> = new Set(['prime256v1', 'secp384r1'])
/** What signs requests, by the algorithm's identifier: ECDSA and RSA (PKCS #1) with SHA-256, SHA-384, SHA-512. */
const HASHES: Readonly<Record<string, string>> = {
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
}

export interface SigningRequest {
  readonly publicKey: KeyObject
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKeyDer: Buffer
  /** Of its subjectAltName, in lower case, each once. */
  readonly names: readonly string[]
  /** In lower case. */
  readonly commonNames: readonly string[]
  /** Identifiers that are no DNS names. */
  readonly others: number
}

/** @throws {Problem} where it cannot be read, is not signed by its key, or its key is none that is certified */
export function readCsr(csr: unknown): SigningRequest {
  if (typeof csr !== 'string' || !/^[\w-]+$/.test(csr) || csr.length > LENGTH_MAX) {
    throw new Problem('malformed', 'Error decoding Base64url-encoded CSR')
  }
  const der = Buffer.from(csr, 'base64url')
  try {
    const request = AsnConvert.parse(der, CertificationRequest)
    const parsed = new x509.Pkcs10CertificateRequest(der)
    const publicKeyDer = Buffer.from(parsed.publicKey.rawData)
    const publicKey = createPublicKey({ key: publicKeyDer, format: 'der', type: 'spki' })
    checkSignature(request, publicKey)
    checkKey(publicKey)
    const san = parsed.getExtension('2.5.29.17')
    const general = san === null ? [] : new x509.SubjectAlternativeNameExtension(san.rawData).names
    const items = san === null ? [] : (general as x509.GeneralNames).items
    const dns = items.filter(({ type }) => type === 'dns')
    return {
      publicKey,
      publicKeyDer,
      names: lowerOnce(dns.map(({ value }) => value)),
      commonNames: lowerOnce(parsed.subjectName.getField('CN')),
      others: items.length - dns.length,
    }
  } catch (error) {
    if (error instanceof Problem) throw error
    throw new Problem('malformed', `Error parsing CSR: ${messageOf(error)}`)
  }
}

function checkSignature(request: CertificationRequest, publicKey: KeyObject): void {
  const { certificationRequestInfoRaw: signed, signature, signatureAlgorithm } = request
  const hash = HASHES[signatureAlgorithm.algorithm]
  if (hash === undefined || signed === undefined) {
    throw new Problem(
      'badCSR',
      `CSR signature algorithm ${signatureAlgorithm.algorithm} is not supported`,
    )
  }
  if (!verify(hash, Buffer.from(signed), publicKey, Buffer.from(signature))) {
    throw new Problem('badCSR', 'Bad signature on CSR')
  }
}

function checkKey({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): void {
  const { modulusLength = 0, namedCurve = '' } = details ?? {}
  if (type === 'ec' && CURVES.has(namedCurve)) return
  if (type === 'rsa' && RSA_BITS.has(modulusLength)) return
  throw new Problem(
    'badCSR',
    `CSR has a key of type ${type} ${namedCurve}${modulusLength || ''}, wanted RSA of 2048, 3072 or 4096 bits, P-256 or P-384`,
  )
}

function lowerOnce(names: readonly string[]): readonly string[] {
  return [...new Set(names.map((name) => name.toLowerCase()))]
}
