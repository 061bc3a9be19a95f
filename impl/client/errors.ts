import { MalformedError, RefusalError, type RefusalCode } from '../wire/errors.ts'

/** Why one proof server gave no proof. */
export interface ProofFailure {
  /** Peer id of the proof server. */
  readonly server: string
  readonly reason: string
}

/** No proof server gave a proof, so nothing was sent to the issue server (NT-CLIENT-003). */
export class NoProofError extends Error {
  readonly failures: readonly ProofFailure[]

  /** `error` is what a failure was; a refusal among them says when to ask again, and becomes the `cause`. */
  constructor(failures: readonly (ProofFailure & { readonly error?: unknown })[]) {
    const refusal = failures.map(({ error }) => findRefusal(error)).find((found) => found)
    const reasons = failures.map(({ server, reason }) => `${server}: ${reason}`).join('; ')
    super(
      failures.length === 0
        ? 'the issue server names no proof server'
        : `none of ${failures.length} proof servers gave a proof: ${reasons}`,
      ...(refusal === undefined ? [] : [{ cause: refusal }]),
    )
    this.name = new.target.name
    this.failures = failures.map(({ server, reason }) => ({ server, reason }))
  }
}

/** An issue server answered with a certificate that is of no use to us (NT-CLIENT-008). */
export class CertificateError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
  }
}

/** A failure as plain data, for events and logs. */
export interface FailureDetail {
  /** Name of the error class. */
  readonly error: string
  readonly reason: string
  /** The refusal, when a server refused. */
  readonly code?: RefusalCode
  /** The number that came, which may be one that we do not know (NT-CLIENT-007). */
  readonly errorCode?: number
}

/** Text of a stranger in a message: cut here. */
const REASON_LENGTH_MAX = 1_000

/** Describes a failure. Of several failures the refusal counts, because it says what to do next. */
export function describeFailure(error: unknown): FailureDetail {
  const refusal = findRefusal(error)
  const shown = refusal ?? error
  const detail = {
    error: shown instanceof Error ? shown.name : 'Error',
    reason: reasonOf(error).slice(0, REASON_LENGTH_MAX),
  }
  return refusal === undefined
    ? detail
    : { ...detail, code: refusal.code, errorCode: refusal.errorCode }
}

/** The refusal that an error is or holds. */
export function findRefusal(error: unknown): RefusalError | undefined {
  if (error instanceof RefusalError) return error
  if (error instanceof NoProofError) return findRefusal(error.cause)
  if (error instanceof AggregateError) {
    for (const part of error.errors) {
      const refusal = findRefusal(part)
      if (refusal !== undefined) return refusal
    }
  }
  return undefined
}

/** The message of an error in one line; libp2p's dial errors keep the reasons of each address in a list. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) {
    return [...new Set(error.errors.map(reasonOf))].join('; ')
  }
  if (error instanceof Error && error.name === 'UnsupportedProtocolError') {
    return 'the peer does not speak this protocol of nodetrust, so it is no such server'
  }
  if (error instanceof MalformedError) return `malformed answer: ${error.message}`
  return error instanceof Error ? error.message : String(error)
}
