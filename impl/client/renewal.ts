import type { RefusalCode } from '../wire/errors.ts'

/** Renewal is due after two thirds of the lifetime (NT-CLIENT-012), and somewhat before or after it. */
const RENEWAL_SHARE = 2 / 3
/** Spread over a twentieth of the lifetime, so that nodes started together do not renew together. */
const RENEWAL_JITTER_SHARE = 1 / 20

/** What an issue server advises is followed up to here: after that there is no time left for failures. */
const ADVICE_SHARE_MAX = 9 / 10

/** Waiting times after failures, in ms. */
export interface RetryLimits {
  /** After the first failure that may pass by itself. @default 5 s */
  readonly initialMs: number
  /** The longest wait. @default 1 h */
  readonly maximumMs: number
}

export const RETRY_LIMITS_DEFAULT: RetryLimits = { initialMs: 5_000, maximumMs: 3_600_000 }

/** How much longer we wait after a refusal than after a failed connection, by what it says. */
const REFUSAL_FACTORS: Readonly<Record<RefusalCode, number>> = {
  OTHER: 1,
  // A limit is counted over minutes or hours.
  RATE_LIMIT: 6,
  // Asking again with the same would give the same: each new attempt has new proofs, and comes slowly (NT-CLIENT-015).
  INVALID_PROOF: 60,
  NO_MATCHING_CRYPTO: 60,
  NOT_AUTHORIZED: 60,
}

/** When to renew a certificate, in ms since 1970. `random` is from 0 to 1. */
export function renewalTime(
  { notBefore, notAfter }: { readonly notBefore: number; readonly notAfter: number },
  random: number,
): number {
  const lifetimeMs = notAfter - notBefore
  return notBefore + lifetimeMs * (RENEWAL_SHARE + (random - 0.5) * RENEWAL_JITTER_SHARE)
}

/** When to renew by the advice of an issue server, which knows when the CA wants it, in ms since 1970. */
export function advisedTime(
  { notBefore, notAfter }: { readonly notBefore: number; readonly notAfter: number },
  renewAt: number,
): number {
  return Math.min(renewAt, notBefore + (notAfter - notBefore) * ADVICE_SHARE_MAX)
}

/**
 * How long to wait after the `failures`-th failure in a row (1 for the first), in ms: it doubles each time, and is
 * drawn from the upper half of that, so that clients which failed together do not come back together (NT-CLIENT-015).
 */
export function retryDelayMs(failure: {
  readonly failures: number
  /** Of a refusal; absent when no server was reached. */
  readonly code?: RefusalCode | undefined
  readonly limits: RetryLimits
  readonly random: number
}): number {
  const { failures, code, limits, random } = failure
  const factor = code === undefined ? 1 : REFUSAL_FACTORS[code]
  const grown = limits.initialMs * factor * 2 ** Math.min(failures - 1, 30)
  return Math.min(grown, limits.maximumMs) * (0.5 + random / 2)
}
