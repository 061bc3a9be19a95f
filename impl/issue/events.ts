import type { CaPaused } from './ca-pause.ts'
import type { BudgetExhausted } from './ledger.ts'
import type { ObtainedCertificate } from './orders.ts'
import type { RenewalSuggested } from './renewals.ts'

/** What an issue server tells those who watch it. Names and peer ids are public; no detail holds a key. */
export interface IssueServerEvents {
  'request:received': CustomEvent<{ readonly peer: string }>
  /**
   * `code` is the number on the wire; `reason` stays here. At most 20 a second: `suppressed` counts those left out before
   * this one.
   */
  'request:refused': CustomEvent<{
    readonly peer: string
    readonly code: number
    readonly reason: string
    readonly suppressed: number
  }>
  /** A stream that ended without an answer: malformed, too slow, one too many. */
  'stream:failed': CustomEvent<{
    readonly peer: string
    readonly code: number
    readonly reason: string
  }>
  /** No order is made for `key` before `retryAt` (ms since 1970). Told once, and not for each request that is refused. */
  'budget:exhausted': CustomEvent<BudgetExhausted & { readonly peer: string }>
  /** The CA limits us: until then no order is made or goes on, and who asks for one gets E_RATE_LIMIT. */
  'ca:paused': CustomEvent<CaPaused>
  'renewal:suggested': CustomEvent<RenewalSuggested>
  'denylist:loaded': CustomEvent<{ readonly file: string; readonly entries: number }>
  /** What the file said before holds. */
  'denylist:broken': CustomEvent<{ readonly file: string; readonly reason: string }>
  /** `order` is the order's URL at the CA. */
  'order:created': CustomEvent<{
    readonly peer: string
    readonly names: readonly string[]
    readonly order: string
  }>
  'order:resumed': CustomEvent<{
    readonly peer: string
    readonly names: readonly string[]
    readonly state: string
  }>
  'order:failed': CustomEvent<{
    readonly peer: string
    readonly names: readonly string[]
    readonly reason: string
    readonly durationMs: number
  }>
  /** `server` is the DNS server's peer id. */
  'challenge:set': CustomEvent<{ readonly name: string; readonly server: string }>
  'challenge:removed': CustomEvent<{ readonly name: string; readonly server: string }>
  'challenge:failed': CustomEvent<{
    readonly name: string
    readonly server: string
    readonly reason: string
  }>
  /** Once for each certificate of the CA, and once for each answer from the store (`fromCache`). */
  'certificate:issued': CustomEvent<CertificateIssued>
}

export interface CertificateIssued {
  readonly peer: string
  readonly names: readonly string[]
  /** Lower case hex. */
  readonly serial: string
  /** In ms since 1970. */
  readonly notBefore: number
  /** In ms since 1970. */
  readonly notAfter: number
  readonly fromCache: boolean
  /** From the start of the order, or of the request where `fromCache`. */
  readonly durationMs: number
}

export function issuedDetail(
  order: Pick<CertificateIssued, 'peer' | 'names' | 'durationMs'>,
  { serial, notBefore, notAfter, fromCache }: ObtainedCertificate,
): CertificateIssued {
  return { ...order, serial, notBefore, notAfter, fromCache }
}
