// Renewal information and replacements (RFC 9773).
import { notFound, Problem } from './problems.ts'
import { type Answer, type Call } from './call.ts'
import type { Replacement } from './limits.ts'
import { orderStatus } from './order-status.ts'
import type { Account, Ca, IssuedCertificate } from './state.ts'

/** A window begins when so much of the lifetime is left, and is so wide, as Let's Encrypt has it. */
const LEFT_AT_START = 1 / 3
const LEFT_AT_START_SHORT = 1 / 2
const WIDTH = 0.02
const SHORT_MS_MAX = 10 * 86_400_000
const HOUR_MS = 3_600_000

export function renewalInfo(call: Call): Answer {
  const certificate = findCertificate(call.ca, call.id)
  if (certificate === undefined) throw notFound('certificate')
  const { startMs, endMs } = suggestedWindow(certificate)
  return {
    headers: { 'Retry-After': String(call.ca.settings.renewalRetryAfterSeconds) },
    body: {
      suggestedWindow: {
        start: new Date(startMs).toISOString(),
        end: new Date(endMs).toISOString(),
      },
    },
  }
}

export interface ReplacedCertificate extends Replacement {
  readonly certificateId: string
  readonly certificate: IssuedCertificate
}

/** The certificate that a new order says it replaces (section 5). @throws {Problem} */
export function checkReplacement(
  call: Call,
  account: Account,
  names: readonly string[],
  replaces: unknown,
): ReplacedCertificate | undefined {
  if (replaces === undefined || replaces === '') return undefined
  if (typeof replaces !== 'string') throw new Problem('malformed', 'replaces is not a text')
  const certificate = findCertificate(call.ca, replaces)
  if (certificate === undefined || certificate.notAfterMs < Date.now()) {
    // Let's Encrypt forgets what has expired.
    throw new Problem('malformed', 'could not find an order for the given certificate', {
      status: 404,
    })
  }
  if (certificate.accountId !== account.id) {
    throw new Problem(
      'unauthorized',
      'requester account did not request the certificate being replaced by this order',
    )
  }
  if (!certificate.names.some((name) => names.includes(name))) {
    throw new Problem('malformed', 'the order shares no identifier with what it replaces')
  }
  if (isReplaced(call.ca, certificate)) {
    throw new Problem(
      'alreadyReplaced',
      `certificate with serial ${certificate.serial} already has a replacement order`,
    )
  }
  const { startMs, endMs } = suggestedWindow(certificate)
  const now = Date.now()
  const inWindow = certificate.revoked !== undefined || (now >= startMs && now < endMs)
  return { certificateId: replaces, certificate, inWindow }
}

export function suggestedWindow({
  notBeforeMs,
  notAfterMs,
  revoked,
}: Pick<IssuedCertificate, 'notBeforeMs' | 'notAfterMs'> & {
  readonly revoked: { readonly atMs: number } | undefined
}): {
  readonly startMs: number
  readonly endMs: number
} {
  // Section 4.2: a window in the past asks for a renewal at once.
  if (revoked !== undefined) {
    return { startMs: revoked.atMs - HOUR_MS, endMs: revoked.atMs - HOUR_MS / 2 }
  }
  const lifetimeMs = notAfterMs + 1000 - notBeforeMs
  const left = lifetimeMs < SHORT_MS_MAX ? LEFT_AT_START_SHORT : LEFT_AT_START
  const startMs = Math.round(notAfterMs - lifetimeMs * left)
  return { startMs, endMs: startMs + Math.max(1, Math.round(lifetimeMs * WIDTH)) }
}

/** By the id of section 4.1: key identifier and serial number, each in base64url. @throws {Problem} */
function findCertificate({ state }: Ca, id: string): IssuedCertificate | undefined {
  const [keyId = '', serial = '', ...rest] = id.split('.')
  if (rest.length > 0 || !/^[\w-]+\.[\w-]+$/.test(id)) {
    throw new Problem('malformed', 'Parsing ARI CertID failed')
  }
  if (!state.keyIds.has(Buffer.from(keyId, 'base64url').toString('hex'))) return undefined
  return state.certificatesBySerial.get(Buffer.from(serial, 'base64url').toString('hex'))
}

/** An order that failed replaces nothing. */
function isReplaced(ca: Ca, { replacedBy }: IssuedCertificate): boolean {
  const order = replacedBy === undefined ? undefined : ca.state.orders.get(replacedBy)
  return order !== undefined && orderStatus(ca, order).status !== 'invalid'
}
