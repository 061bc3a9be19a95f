import { X509Certificate } from 'node:crypto'
import tls, { type DetailedPeerCertificate, type SecureContextOptions } from 'node:tls'

const EXPIRED = 'CERT_HAS_EXPIRED'
const NOT_YET = 'CERT_NOT_YET_VALID'
const DEPTH_MAX = 10

/**
 * OpenSSL judges dates by the machine's clock, and once it has found one wrong, it forgets what else it has found. So
 * what it says of dates is replaced by our own judgement: the chain to a trusted root, signatures and dates.
 *
 * @param native what OpenSSL says; undefined: all is well
 * @param peer.chain as the peer sent it, completed from the trusted ones
 * @param peer.trusted as given to the secure context. @default Node's default roots
 */
export function judgeChain(
  native: Error | undefined,
  peer: {
    readonly chain: DetailedPeerCertificate
    readonly trusted: SecureContextOptions['ca']
  },
): Error | null {
  const code = (native as NodeJS.ErrnoException | undefined)?.code
  if (native !== undefined && code !== EXPIRED && code !== NOT_YET) return native
  const chain = readChain(peer.chain)
  if (chain.length === 0) return native ?? null
  // OpenSSL has found all but the dates well.
  const problem = native === undefined ? undefined : trustProblem(chain, readTrusted(peer.trusted))
  return problem ?? dateProblem(chain)
}

function dateProblem(chain: readonly X509Certificate[]): Error | null {
  const now = Date.now()
  for (const certificate of chain) {
    if (now > certificate.validToDate.getTime()) {
      return problemOf(EXPIRED, 'certificate has expired')
    }
    if (now < certificate.validFromDate.getTime()) {
      return problemOf(NOT_YET, 'certificate is not yet valid')
    }
  }
  return null
}

function trustProblem(
  chain: readonly X509Certificate[],
  trusted: ReadonlySet<string>,
): Error | undefined {
  for (const [depth, certificate] of chain.entries()) {
    if (trusted.has(certificate.fingerprint256)) return undefined
    const issuer = chain[depth + 1]
    if (issuer === undefined) {
      const isSelfSigned = certificate.checkIssued(certificate)
      if (!isSelfSigned) {
        return problemOf(
          'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
          'unable to get local issuer certificate',
        )
      }
      return depth === 0
        ? problemOf('DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed certificate')
        : problemOf('SELF_SIGNED_CERT_IN_CHAIN', 'self-signed certificate in certificate chain')
    }
    if (!issuer.ca) return problemOf('INVALID_CA', 'invalid CA certificate')
    if (!certificate.checkIssued(issuer) || !certificate.verify(issuer.publicKey)) {
      return problemOf('CERT_SIGNATURE_FAILURE', 'certificate signature failure')
    }
  }
  return undefined
}

function readChain(leaf: DetailedPeerCertificate): X509Certificate[] {
  const chain: X509Certificate[] = []
  let current: DetailedPeerCertificate | undefined = leaf
  while (current?.raw !== undefined && chain.length < DEPTH_MAX) {
    chain.push(new X509Certificate(current.raw))
    const issuer: DetailedPeerCertificate | undefined = current.issuerCertificate
    // A root is its own issuer.
    current = issuer === current ? undefined : issuer
  }
  return chain
}

/** Fingerprints. */
function readTrusted(given: SecureContextOptions['ca']): ReadonlySet<string> {
  const bundles = given === undefined ? tls.getCACertificates('default') : [given].flat()
  const fingerprints = new Set<string>()
  for (const bundle of bundles) {
    const text = bundle.toString()
    const certificates = text.match(/-----BEGIN [^-]*CERTIFICATE-----[^-]+-----END [^-]*-----/g)
    for (const pem of certificates ?? []) {
      fingerprints.add(new X509Certificate(pem).fingerprint256)
    }
  }
  return fingerprints
}

function problemOf(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}
