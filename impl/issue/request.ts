import type { PublicKey } from '@libp2p/interface'
import { isGlobalAddress, isNodeAddress } from '../wire/addresses.ts'
import { InvalidProofError, RefusalError } from '../wire/errors.ts'
import type { IssueRequest } from '../wire/messages.ts'
import { addressName, id0Name } from '../wire/names.ts'
import { verifyProof } from '../wire/proofs.ts'
import { CRYPTO, PROOF_ADDRESSES_MAX, REQUEST_PROOFS_MAX } from '../wire/protocols.ts'
import { checkCsr, type CertificateRequest } from './csr.ts'
import { refusedNames } from './names.ts'

/** What decides on a request besides the request. */
export interface RequestContext {
  /** The authenticated caller's multihash: it can ask for its own names only (NT-ISSUE-013, NT-ISSUE-033). */
  readonly callerId: Uint8Array
  /** Trusted proof keys. */
  readonly keys: readonly PublicKey[]
  /** Lower case, without a dot at its ends. */
  readonly zone: string
  /** In ms since 1970. */
  readonly now: number
  /** Whether addresses that the public Internet does not route are certified (NT-ISSUE-034). */
  readonly allowPrivateAddresses: boolean
}

/** What may be ordered from the CA for a request. */
export interface CertificateOrder {
  /** The caller's id0 name. */
  readonly id0Name: string
  /** One name for each distinct address, in the order of the proofs. */
  readonly addressNames: readonly string[]
  /** The addresses themselves, in the same order. */
  readonly addresses: readonly string[]
  /** All names of the certificate, the id0 name first. */
  readonly names: readonly string[]
  /** The client's own, or `undefined` when a key is to be made for it. */
  readonly request: CertificateRequest | undefined
}

/**
 * Decides what a caller may have certified.
 *
 * The checks stand in the order of their answers (NT-ISSUE-021): proofs, then key types, then names and CSR. Nothing
 * of a request is used unless all of it is right (NT-ISSUE-015).
 * @throws {RefusalError} with the code for the caller; the message is for our log.
 */
export async function judgeRequest(
  request: IssueRequest,
  context: RequestContext,
): Promise<CertificateOrder> {
  const addresses = await provenAddresses(request.proofs, context)
  checkCryptos(request)

  const ownName = id0Name(context.callerId, context.zone)
  const addressNames = addresses.map((address) => addressName(address, context.zone))
  const names = [ownName, ...addressNames]
  const refused = refusedNames(names)
  if (refused !== undefined) throw new RefusalError('OTHER', `no ca would certify this: ${refused}`)

  return {
    id0Name: ownName,
    addressNames,
    addresses,
    names,
    request: request.csr === undefined ? undefined : checkCsr(request.csr, { names }),
  }
}

/** The distinct addresses of all proofs, each of which must be valid (NT-ISSUE-010 … 018). */
async function provenAddresses(
  proofs: readonly Uint8Array[],
  { callerId, keys, now, allowPrivateAddresses }: RequestContext,
): Promise<readonly string[]> {
  if (proofs.length === 0) throw new InvalidProofError('the request has no proof')
  if (proofs.length > REQUEST_PROOFS_MAX) {
    throw new InvalidProofError(
      `${proofs.length} proofs, at most ${REQUEST_PROOFS_MAX} are allowed`,
    )
  }
  const addresses = new Set<string>()
  for (const [index, proof] of proofs.entries()) {
    const which = `proof ${index + 1} of ${proofs.length}`
    const verdict = await verifyProof(proof, { keys, callerId, now })
    if (!verdict.valid) throw new InvalidProofError(`${which}: ${verdict.reason}`)
    if (verdict.addresses.length > PROOF_ADDRESSES_MAX) {
      throw new InvalidProofError(
        `${which} has ${verdict.addresses.length} addresses, at most ${PROOF_ADDRESSES_MAX} are allowed`,
      )
    }
    for (const { address } of verdict.addresses) {
      if (!isNodeAddress(address)) {
        throw new InvalidProofError(`${which} is about ${address}, which no node can have`)
      }
      if (!allowPrivateAddresses && !isGlobalAddress(address)) {
        throw new InvalidProofError(
          `${which} is about ${address}, which is not a public address (allowPrivateAddresses is false)`,
        )
      }
      addresses.add(address)
    }
  }
  // A certificate for the id0 name alone would serve nobody: no address is announced under it (NT-ISSUE-018).
  if (addresses.size === 0) throw new InvalidProofError('no proof has an address')
  return [...addresses]
}

/**
 * A server-made key is RSA, so a client without a CSR must support that. Numbers that we do not know are skipped, and
 * not fatal as in 2018 (NT-ISSUE-020).
 */
function checkCryptos({ supportedCryptos, csr }: IssueRequest): void {
  const known: readonly number[] =
    csr === undefined ? [CRYPTO.RSA] : [CRYPTO.RSA, CRYPTO.ECDSA_P256]
  if (!supportedCryptos.some((crypto) => known.includes(crypto))) {
    throw new RefusalError(
      'NO_MATCHING_CRYPTO',
      `the caller supports key types ${JSON.stringify(supportedCryptos.slice(0, 16))}, wanted one of ${JSON.stringify(known)}`,
    )
  }
}
