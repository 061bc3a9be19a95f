import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import { CertificateError } from './errors.ts'

/** A chain of a public CA has two to four certificates. */
const CHAIN_LENGTH_MAX = 10

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** A certificate that we can serve, with its key. */
export interface Certificate {
  /** PEM, the leaf alone. */
  readonly certificate: string
  /** PEM, the leaf first. */
  readonly chain: string
  /** PEM. Secret: never logged, and only in the datastore. */
  readonly key: string
  /** The zone of all names. */
  readonly zone: string
  /** The id0 name, then the address names. */
  readonly names: readonly string[]
  /** Distinguished name of the CA that signed it. */
  readonly issuer: string
  /** In hexadecimal. */
  readonly serial: string
  /** In ms since 1970. */
  readonly notBefore: number
  /** In ms since 1970. */
  readonly notAfter: number
}

/** What an issue server sent, or what was stored. */
export interface CertificateParts {
  /** PEM, the leaf first. */
  readonly chain: string
  /** Keys in PEM of which one should fit: ours, and the one that a server of 2018 makes and sends. */
  readonly keys: readonly string[]
  readonly zone: string
  /** Our own id0 name. */
  readonly idName: string
  /** The address names that we shall announce: those of them that we have proved. */
  readonly addressNames: readonly string[]
  /** All names that the answer says the certificate is for. */
  readonly claimedNames: readonly string[]
  /** In ms since 1970. */
  readonly now: number
}

/**
 * Checks that a certificate is the one that we asked for and can be served (NT-CLIENT-008). Only the certificate
 * itself counts: what the answer says beside it (`cn`, `validity`) is not believed.
 *
 * The chain is not checked against root certificates, which only those who connect can choose.
 * @throws {CertificateError} naming the first thing that is wrong.
 */
export function checkCertificate(parts: CertificateParts): Certificate {
  const [leaf, ...issuers] = readChain(parts.chain)
  const names = subjectAltNames(leaf)
  if (!names.has(parts.idName)) {
    throw new CertificateError(`the certificate is not for our own name "${parts.idName}"`)
  }
  if (parts.addressNames.length === 0) {
    throw new CertificateError('the certificate is for none of our addresses')
  }
  for (const name of [...parts.addressNames, ...parts.claimedNames]) {
    if (!names.has(name)) throw new CertificateError(`the certificate is not for "${name}"`)
  }
  const notAfter = leaf.validToDate.getTime()
  if (notAfter <= parts.now) {
    throw new CertificateError(
      `the certificate ended at ${leaf.validToDate.toISOString()}, and now is ${new Date(parts.now).toISOString()}`,
    )
  }
  const key = parts.keys.find((pem) => fits(leaf, pem))
  if (key === undefined) throw new CertificateError('the certificate is for another key than ours')
  return {
    certificate: pemOf(leaf),
    chain: [leaf, ...issuers].map(pemOf).join(''),
    key,
    zone: parts.zone,
    names: [parts.idName, ...parts.addressNames],
    issuer: leaf.issuer.replaceAll('\n', ', '),
    serial: leaf.serialNumber.toLowerCase(),
    notBefore: leaf.validFromDate.getTime(),
    notAfter,
  }
}

/** The certificates in a PEM text, each signed by the one after it. */
function readChain(pem: string): [X509Certificate, ...X509Certificate[]] {
  const texts = pem.match(PEM_CERTIFICATE) ?? []
  if (texts.length > CHAIN_LENGTH_MAX) {
    throw new CertificateError(
      `the chain has ${texts.length} certificates, at most ${CHAIN_LENGTH_MAX} are allowed`,
    )
  }
  let chain: X509Certificate[]
  try {
    chain = texts.map((text) => new X509Certificate(text))
  } catch (cause) {
    throw new CertificateError('the chain holds something that is no certificate', { cause })
  }
  const [leaf, ...issuers] = chain
  if (leaf === undefined) throw new CertificateError('the answer holds no certificate in PEM')
  let signed = leaf
  for (const issuer of issuers) {
    if (!signed.checkIssued(issuer) || !signed.verify(issuer.publicKey)) {
      throw new CertificateError(
        `"${oneLine(signed.subject)}" in the chain is not signed by "${oneLine(issuer.subject)}" after it`,
      )
    }
    signed = issuer
  }
  return [leaf, ...issuers]
}

/** Node writes `DNS:a, DNS:b`, and quotes a name with anything but letters, digits, hyphens and dots in it. */
function subjectAltNames(certificate: X509Certificate): Set<string> {
  const names = certificate.subjectAltName?.split(', ') ?? []
  return new Set(
    names.flatMap((name) => (name.startsWith('DNS:') ? [name.slice(4).toLowerCase()] : [])),
  )
}

function fits(certificate: X509Certificate, pem: string): boolean {
  let key: KeyObject
  try {
    key = createPrivateKey(pem)
  } catch {
    return false
  }
  return certificate.checkPrivateKey(key)
}

function pemOf(certificate: X509Certificate): string {
  return certificate.toString()
}

function oneLine(name: string | undefined): string {
  return (name ?? '').replaceAll('\n', ', ')
}
