// Requests to an issue server, and the two ways to see what it thinks of proofs without anything being ordered.
import type { Caller } from '../../players/caller.ts'
import type { CheckContext } from '../../suite/case.ts'
import { ERRORS, IssueRequest, IssueResponse } from '../../wire/index.ts'
import { ask, decoded, errorOf, expectCode } from '../exchange.ts'

/** Of no key type that there is, or will be soon. */
export const UNKNOWN_CRYPTO = 7
const NO_CSR = Uint8Array.from(Buffer.from('no certificate signing request'))

/** Sends one request, reads its answer. */
export async function request(
  context: CheckContext,
  caller: Caller,
  { waitMs, ...message }: IssueRequest & { readonly waitMs?: number },
): Promise<IssueResponse> {
  const bytes = await ask(context, {
    caller,
    protocol: 'issue',
    request: IssueRequest.encode(message),
    what: 'an IssueResponse',
    ...(waitMs === undefined ? {} : { waitMs }),
  })
  return decoded(() => IssueResponse.decode(bytes), bytes, 'an IssueResponse')
}

/** Sends bytes as a request; the number in its answer. */
export async function errorFor(
  context: CheckContext,
  caller: Caller,
  bytes: Uint8Array,
): Promise<number> {
  return errorOf(await ask(context, { caller, protocol: 'issue', request: bytes }))
}

/**
 * Fails unless these proofs are refused. A server that accepts them comes to a CSR that is none, where it knows of
 * CSRs, and so orders nothing; otherwise it begins an order for names that nobody has.
 */
export async function expectProofsRefused(
  context: CheckContext,
  caller: Caller,
  proofs: readonly Uint8Array[],
  what: string,
): Promise<void> {
  const csr = context.target.capabilities.includes('csr') ? { csr: NO_CSR } : {}
  const bytes = IssueRequest.encode({ proofs, supportedCryptos: [1], ...csr })
  expectCode(await errorFor(context, caller, bytes), ERRORS.INVALID_PROOF, `the refusal of ${what}`)
}

/** Fails unless these proofs are accepted: the next thing that is judged is a key type that nobody supports. */
export async function expectProofsAccepted(
  context: CheckContext,
  caller: Caller,
  proofs: readonly Uint8Array[],
  what: string,
): Promise<void> {
  const bytes = IssueRequest.encode({ proofs, supportedCryptos: [UNKNOWN_CRYPTO] })
  const error = await errorFor(context, caller, bytes)
  expectCode(error, ERRORS.NO_MATCHING_CRYPTO, `${what} accepted, and the unknown key type refused`)
}
