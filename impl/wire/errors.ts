/** The reasons that the protocol can give for a refusal. */
export type RefusalCode =
  | 'RATE_LIMIT'
  | 'INVALID_PROOF'
  | 'NOT_AUTHORIZED'
  | 'NO_MATCHING_CRYPTO'
  | 'OTHER'

/** The numbers of the `error` field; 0 is success. */
export const ERROR_CODES = {
  OK: 0,
  RATE_LIMIT: 1,
  INVALID_PROOF: 2,
  NOT_AUTHORIZED: 3,
  NO_MATCHING_CRYPTO: 4,
  OTHER: 9,
} as const

/**
 * A request that was refused: thrown by the server that decides so, which answers with `errorCode(error)`,
 * and by the client that reads the refusal (NT-CLIENT-007).
 */
export class RefusalError extends Error {
  readonly code: RefusalCode
  /** The number on the wire; for a code that we do not know, the number that came. */
  readonly errorCode: number

  constructor(code: RefusalCode, message: string, options?: ErrorOptions & { errorCode?: number }) {
    super(message, options)
    this.name = new.target.name
    this.code = code
    this.errorCode = options?.errorCode ?? ERROR_CODES[code]
  }
}

/** A proof that is expired, ill signed, or about somebody else. */
export class InvalidProofError extends RefusalError {
  constructor(message: string, options?: ErrorOptions) {
    super('INVALID_PROOF', message, options)
  }
}

/** Bytes that are not a message of this protocol. The stream that carried them is reset. */
export class MalformedError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
  }
}

/**
 * What was thrown, as an error. While libp2p agrees on a protocol it throws the event that a stream was closed with, if
 * it was.
 */
export function errorOf(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown
  const { error } = (thrown ?? {}) as { readonly error?: unknown }
  return error instanceof Error ? error : new Error('the peer has closed the stream')
}

/** What goes to the peer for a failure: the code of a refusal, E_OTHER for anything else (NT-PROOF-012). */
export function errorCode(error: unknown): number {
  return error instanceof RefusalError ? error.errorCode : ERROR_CODES.OTHER
}

/** What a refused peer may make of a code. */
const MEANINGS: Readonly<Record<RefusalCode, string>> = {
  RATE_LIMIT: 'too many requests, of us or of all; later it may be given',
  INVALID_PROOF: 'a proof is expired, ill signed, not ours, or of an address that is not certified',
  NOT_AUTHORIZED: 'we are not allowed to ask that',
  NO_MATCHING_CRYPTO: 'the server supports none of our key types',
  OTHER: 'the server could not do it; its log says why',
}

/** The refusal that an error number other than 0 stands for, `what` being the operation that failed. */
export function refusalFromErrorCode(number: number, what: string): RefusalError {
  for (const [name, value] of Object.entries(ERROR_CODES)) {
    if (value === number && name !== 'OK') {
      const code = name as RefusalCode
      return new RefusalError(code, `${what} was refused: E_${name} (${number}), ${MEANINGS[code]}`)
    }
  }
  return new RefusalError('OTHER', `${what} was refused with the unknown error code ${number}`, {
    errorCode: number,
  })
}
