import { certificateId, endsUnder, leafDer, parseChain } from './certificates.ts'
import { parseMessage, renewalInfoShape } from './messages.ts'
import type { Order } from './messages.ts'
import { AcmeError, AcmeProblemError, AcmeResponseError } from './problems.ts'
import type { AcmeOptions, Session } from './session.ts'

// What a client does with a certificate that is there: see the operations of the same names in AcmeClient.

/** Alternate chains that are looked through for the preferred one. */
const ALTERNATES_MAX = 8

const CHAIN_TYPE = 'application/pem-certificate-chain'

export interface CertificateChain {
  /** PEM: the leaf, then its issuers. */
  readonly pem: string
  /** Where other chains for the same certificate are. */
  readonly alternateUrls: readonly string[]
}

/** What the CA suggests about a renewal (RFC 9773). */
export interface RenewalInfo {
  /** Milliseconds since 1970. */
  readonly startMs: number
  readonly endMs: number
  readonly explanationUrl: string | undefined
  /** How long until the next look. */
  readonly retryAfterMs: number | undefined
}

export async function fetchCertificate(
  session: Session,
  order: Pick<Order, 'url' | 'certificateUrl'>,
  options: AcmeOptions & { readonly preferredChain?: string },
): Promise<CertificateChain> {
  const signal = session.signal(options)
  signal.throwIfAborted()
  const { preferredChain } = options
  if (order.certificateUrl === undefined) {
    throw new AcmeResponseError(`order "${order.url}" names no certificate, it must be valid`)
  }
  const read = async (
    url: string,
  ): Promise<{ chain: readonly string[]; links: readonly string[] }> => {
    const response = await session.post(url, {
      resource: 'certificate',
      accept: CHAIN_TYPE,
      signal,
    })
    return { chain: parseChain(response.body), links: response.links('alternate') }
  }
  const { chain: defaultChain, links: alternateUrls } = await read(order.certificateUrl)
  if (preferredChain !== undefined && !endsUnder(defaultChain, preferredChain)) {
    for (const url of alternateUrls.slice(0, ALTERNATES_MAX)) {
      const { chain } = await read(url)
      if (endsUnder(chain, preferredChain)) return { pem: chain.join(''), alternateUrls }
    }
  }
  return { pem: defaultChain.join(''), alternateUrls }
}

export async function revoke(
  session: Session,
  certificatePem: string,
  options: AcmeOptions & { readonly reason?: number },
): Promise<void> {
  const signal = session.signal(options)
  const { revokeCert } = await session.directory(signal)
  if (revokeCert === undefined) throw new AcmeError('final', 'ca offers no revocation')
  const certificate = leafDer(certificatePem).toString('base64url')
  const { reason } = options
  try {
    await session.post(revokeCert, {
      resource: 'revocation',
      payload: { certificate, ...(reason === undefined ? {} : { reason }) },
      signal,
    })
  } catch (error) {
    if (!(error instanceof AcmeProblemError) || error.type !== 'alreadyRevoked') throw error
  }
}

export async function fetchRenewalInfo(
  session: Session,
  certificatePem: string,
  options: AcmeOptions,
): Promise<RenewalInfo | undefined> {
  const signal = session.signal(options)
  const { renewalInfo } = await session.directory(signal)
  const id = certificateId(certificatePem)
  if (renewalInfo === undefined || id === undefined) return undefined
  const url = `${renewalInfo.replace(/\/$/, '')}/${id}`
  const { body, retryAfterMs } = await session.get(url, { resource: 'renewalInfo', signal })
  const { suggestedWindow, explanationURL } = parseMessage(renewalInfoShape, body, 'renewalInfo')
  const { start: startMs, end: endMs } = suggestedWindow
  // RFC 9773 section 4.2: a window that ends before it starts counts as none given.
  if (endMs <= startMs) {
    throw new AcmeResponseError('ca suggests a renewal window that ends before it starts')
  }
  return { startMs, endMs, explanationUrl: explanationURL, retryAfterMs }
}
