// Requests to an issue server, and the two ways to see what it thinks of proofs without anything being ordered.
import type { Caller } from '../../players/caller.ts'
import type { Capability, Case, CheckContext } from '../../suite/case.ts'
import type { Target } from '../../suite/target.ts'
import { ERRORS, errorText, IssueRequest, IssueResponse } from '../../wire/index.ts'
import { sendRequest } from '../by-hand.ts'
import { ask, decoded, errorOf, expectCode, newCaller } from '../exchange.ts'

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

/** Sends bytes as a request, made when they are sent where they depend on the time; the number in its answer. */
export async function errorFor(
  context: CheckContext,
  caller: Caller,
  bytes: Uint8Array | (() => Promise<Uint8Array>),
): Promise<number> {
  return errorOf(await ask(context, { caller, protocol: 'issue', request: bytes }))
}

/**
 * A request with proofs that are to be refused. A server that accepts them comes to a CSR that is none, where it knows
 * of CSRs, and so orders nothing; otherwise it begins an order for names that nobody has.
 */
export function refusedRequest(
  { target }: Pick<CheckContext, 'target'>,
  proofs: readonly Uint8Array[],
): Uint8Array {
  const csr = target.capabilities.includes('csr') ? { csr: NO_CSR } : {}
  return IssueRequest.encode({ proofs, supportedCryptos: [1], ...csr })
}

/** A request with proofs that are to be accepted: the next thing that is judged is a key type that nobody supports. */
export function acceptedRequest(proofs: readonly Uint8Array[]): Uint8Array {
  return IssueRequest.encode({ proofs, supportedCryptos: [UNKNOWN_CRYPTO] })
}

/** Fails unless these proofs are accepted. */
export async function expectProofsAccepted(
  context: CheckContext,
  caller: Caller,
  proofs: readonly Uint8Array[],
  what: string,
): Promise<void> {
  const error = await errorFor(context, caller, acceptedRequest(proofs))
  expectCode(error, ERRORS.NO_MATCHING_CRYPTO, `${what} accepted, and the unknown key type refused`)
}

export interface RequestCaseInit
  extends Pick<Case, 'id' | 'title'>, Required<Pick<Case, 'request'>> {
  /** Beside `played-proof-server`. */
  readonly needs?: readonly Capability[]
  /** In the answer; a function where the target decides. */
  readonly error: number | ((target: Target) => number)
  /** What that shows, such as `the refusal of 17 proofs`. */
  readonly what: string
}

/** A case that judges the error in the answer to one request. */
export function requestCase({ needs = [], error, what, ...rest }: RequestCaseInit): Case {
  const wanted = (target: Target): number => (typeof error === 'number' ? error : error(target))
  return {
    ...rest,
    role: 'issue',
    needs: ['played-proof-server', ...needs],
    byHand: (target) =>
      sendRequest(target, {
        id: rest.id,
        shows: `${what}: 02 08 0${wanted(target)}, which is error ${errorText(wanted(target))}`,
      }),
    async run(context) {
      const caller = await newCaller(context)
      const found = await errorFor(context, caller, () => rest.request(context, caller))
      expectCode(found, wanted(context.target), what)
    },
  }
}
