import { X509Certificate } from 'node:crypto'
import { keyId } from './csr.ts'

/** A certificate as the CA issued it. */
export interface Certificate {
  /** PEM of the leaf. */
  readonly certificate: string
  /** PEM of what the CA sent after the leaf, leaf's issuer first. */
  readonly ca: string
  /** Upper case hex. */
  readonly serial: string
  /** In ms since 1970. */
  readonly notBefore: number
  /** In ms since 1970. */
  readonly notAfter: number
}

/** A leaf, its intermediates, and perhaps a cross-signed root: more is no chain that a browser would follow. */
const CHAIN_CERTIFICATES_MAX = 8

/**
 * Part of its lifetime after which a certificate is no longer handed out again. Who renews at two thirds of the
 * lifetime, as is usual, must get a new one then and not the old one once more; the jitter of a renewal timer is why
 * it is less. NT-ISSUE-030 says "until an hour before its end", which makes that impossible, and with certificates
 * of an hour makes reuse impossible.
 */
const REUSE_LIFETIME_PART = 0.55

/** What a CA sent for an order is not what was ordered. */
export class CertificateMismatchError extends Error {
  override readonly name = 'CertificateMismatchError'
}

/**
 * Reads the chain of a CA and checks that it is what was ordered: a CA is a stranger too (NT-ISSUE-023).
 * @throws {CertificateMismatchError}
 */
export function readCertificate(
  chain: string,
  ordered: { readonly names: readonly string[]; readonly keyId: string },
): Certificate {
  const blocks = chain.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  const [leaf, ...issuers] = blocks.map((block) => `${block}\n`)
  if (leaf === undefined || blocks.length > CHAIN_CERTIFICATES_MAX) {
    throw new CertificateMismatchError(
      `ca sent a chain of ${blocks.length} certificates, wanted 1 to ${CHAIN_CERTIFICATES_MAX}`,
    )
  }
  let parsed: X509Certificate
  try {
    parsed = new X509Certificate(leaf)
  } catch (cause) {
    throw new CertificateMismatchError('ca sent a certificate that cannot be read', { cause })
  }
  if (keyId(parsed.publicKey) !== ordered.keyId) {
    throw new CertificateMismatchError('ca certified another key than the one in the order')
  }
  const names = (parsed.subjectAltName ?? '').split(', ').toSorted()
  const expected = ordered.names.map((name) => `DNS:${name}`).toSorted()
  if (names.join() !== expected.join()) {
    throw new CertificateMismatchError(
      `ca certified ${JSON.stringify(names.join().slice(0, 1000))}, ordered was "${expected.join()}"`,
    )
  }
  return {
    certificate: leaf,
    ca: issuers.join(''),
    serial: parsed.serialNumber.toLowerCase(),
    notBefore: parsed.validFromDate.getTime(),
    notAfter: parsed.validToDate.getTime(),
  }
}

type Dates = Pick<Certificate, 'notBefore' | 'notAfter'>

/** Whether a certificate may be handed out again at `now`; all times in ms since 1970. */
export function isReusable(
  certificate: Dates & { readonly renewFrom?: number | undefined },
  now: number,
): boolean {
  const { notBefore, notAfter, renewFrom } = certificate
  // Who asks when the CA wants it renewed must not get it once more.
  if (renewFrom !== undefined && now >= notTooEarly(renewFrom, certificate)) return false
  return now < notBefore + (notAfter - notBefore) * REUSE_LIFETIME_PART
}

/** A CA that wants every certificate renewed at once would otherwise be asked for one without end. */
const RENEWAL_AGE_MS_MIN = 3_600_000
const RENEWAL_AGE_PART_MIN = 1 / 10

/** A time of renewal that a CA wants, but not before the certificate is an hour old, or a tenth of a short lifetime. */
export function notTooEarly(time: number, { notBefore, notAfter }: Dates): number {
  const ageMsMin = Math.min(RENEWAL_AGE_MS_MIN, (notAfter - notBefore) * RENEWAL_AGE_PART_MIN)
  return Math.max(time, notBefore + ageMsMin)
}

/** What clients do (NT-CLIENT-012): when they renew unaided, and up to when they follow what they are told. */
const RENEWAL_PART = 2 / 3
const RENEWAL_PART_MAX = 9 / 10

/** When its peer renews a certificate, give or take some jitter: at the time that the CA wants, if it has said one. */
export function expectedRenewal(dates: Dates, wanted: number | undefined): number {
  const { notBefore, notAfter } = dates
  const afterPart = (part: number): number => notBefore + (notAfter - notBefore) * part
  if (wanted === undefined) return afterPart(RENEWAL_PART)
  return Math.min(notTooEarly(wanted, dates), afterPart(RENEWAL_PART_MAX))
}

/** RFC 9773 section 4.3.3: where the CA names no time. A hundredth of the lifetime where that is shorter. */
const ASK_INTERVAL_MS_MAX = 6 * 3_600_000
const ASK_INTERVAL_PART = 1 / 100

/** How long until a CA that names no time is asked (again) when it wants a certificate renewed, in ms. */
export function askIntervalMs({ notBefore, notAfter }: Dates): number {
  return Math.round(Math.min(ASK_INTERVAL_MS_MAX, (notAfter - notBefore) * ASK_INTERVAL_PART))
}
