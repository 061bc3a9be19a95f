import type { PeerId } from '@libp2p/interface'
import { addressName, id0Name, parseZone } from '../wire/names.ts'
import { ERROR_CODES, MalformedError, refusalFromErrorCode } from '../wire/errors.ts'
import { IssueInfo, IssueRequest, IssueResponse } from '../wire/messages.ts'
import { CRYPTO, ISSUE_INFO_PROTOCOL, ISSUE_PROTOCOL, PROOF_PROTOCOL } from '../wire/protocols.ts'
import { checkCertificate, type Certificate } from './check.ts'
import { NoProofError, type ProofFailure } from './errors.ts'
import type { Exchange, Server } from './exchange.ts'
import { collectProofs, readProofServers, selectProofs, type CollectedProof } from './proofs.ts'
import { createCertificateRequest } from './request.ts'

/** How a server is asked: {@link exchange} over a node's connections. */
export type Ask = (server: Server, question: Omit<Exchange, 'signal'>) => Promise<Uint8Array>

/** What obtaining a certificate needs. */
export interface ObtainContext {
  readonly self: PeerId
  readonly ask: Ask
  /** For each of the short questions, in ms. */
  readonly requestTimeoutMs: number
  /** For the issue server's answer, which waits for a CA, in ms. */
  readonly issueTimeoutMs: number
  readonly onProof: (proof: CollectedProof) => void
  readonly onProofFailure: (failure: ProofFailure) => void
}

/** Everything that an issue server needs from us, and what we may expect of it. */
export interface PreparedRequest {
  readonly server: Server
  readonly zone: string
  readonly proofs: readonly Uint8Array[]
  readonly idName: string
  /** One for each address that a proof names. */
  readonly addressNames: readonly string[]
  /** We may have an address of another family, too, which could not be proven now. */
  readonly isHalf: boolean
}

/**
 * Asks an issue server whom it trusts, and those for proofs (NT-CLIENT-001, NT-CLIENT-002). Costs nobody anything,
 * so it is also how we find out that our address has changed.
 * @throws {NoProofError} when no server gave a proof.
 */
export async function prepareRequest(
  server: Server,
  { self, ask, requestTimeoutMs, onProof, onProofFailure }: ObtainContext,
  options: { readonly fresh?: boolean } = {},
): Promise<PreparedRequest> {
  const info = IssueInfo.decode(
    await ask(server, { protocol: ISSUE_INFO_PROTOCOL, timeoutMs: requestTimeoutMs }),
  )
  const zone = parseZone(info.domain)
  if (zone === undefined) {
    throw new MalformedError(`"${info.domain.slice(0, 64)}" is not a zone`)
  }
  const id = self.toMultihash().bytes
  const {
    proofs: collected,
    failures,
    isHalf,
  } = await collectProofs(
    // We cannot prove anything to ourselves.
    readProofServers(info.proofs).filter((proofServer) => !proofServer.id.equals(self)),
    id,
    {
      onProof,
      onProofFailure,
      ask: (proofServer, { fresh }) =>
        ask(proofServer, {
          protocol: PROOF_PROTOCOL,
          timeoutMs: requestTimeoutMs,
          fresh: fresh || (options.fresh ?? false),
        }),
    },
  )
  if (collected.length === 0) throw new NoProofError(failures)
  const proofs = selectProofs(collected)
  const addresses = proofs.flatMap((proof) => proof.addresses.map(({ address }) => address))
  return {
    server,
    zone,
    proofs: proofs.map(({ wrapper }) => wrapper),
    idName: id0Name(id, zone),
    addressNames: [...new Set(addresses)].map((address) => addressName(address, zone)),
    isHalf,
  }
}

/**
 * Sends a prepared request and checks what comes. With a key of ours the request carries a CSR; without one the
 * server makes an RSA key and sends it, as all servers of 2018 do.
 * @throws {RefusalError} when the server refuses (NT-CLIENT-007), {@link CertificateError} for a certificate that is
 *   of no use.
 */
export async function requestCertificate(
  prepared: PreparedRequest,
  key: string | undefined,
  { ask, issueTimeoutMs }: ObtainContext,
): Promise<Certificate> {
  const { server, zone, proofs, idName, addressNames } = prepared
  const csr =
    key === undefined ? {} : { csr: createCertificateRequest(key, [idName, ...addressNames]) }
  const response = IssueResponse.decode(
    await ask(server, {
      protocol: ISSUE_PROTOCOL,
      // RSA is what a server of 2018 must find here; with a CSR the key's type is settled anyway (NT-CLIENT-006).
      request: IssueRequest.encode({ proofs, supportedCryptos: [CRYPTO.RSA], ...csr }),
      timeoutMs: issueTimeoutMs,
    }),
  )
  if (response.error !== ERROR_CODES.OK) {
    throw refusalFromErrorCode(response.error, 'a certificate')
  }
  const sent = text(response.key)
  const claimedNames = (response.altnames ?? []).map((name) => name.toLowerCase())
  return checkCertificate({
    chain: text(response.chain) || text(response.cert) + text(response.ca),
    // A server that skips the CSR answers with a key of its own.
    keys: [key ?? '', sent].filter((pem) => pem !== ''),
    zone,
    idName,
    // A name that we have proved nothing for is not announced, whatever the certificate says.
    addressNames: addressNames.filter((name) => claimedNames.includes(name)),
    claimedNames,
    now: Date.now(),
  })
}

function text(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? '' : Buffer.from(bytes).toString('utf8')
}
