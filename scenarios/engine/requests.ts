import { wire } from '../../impl/index.ts'
import type { Host } from './hosts.ts'
import type { World } from './world.ts'

// The protocol by hand, for hosts that do what our client would never do.

/** Asks a proof server for a proof. */
export async function requestProof(
  world: World,
  from: Host,
  proofServer: Host,
): Promise<Uint8Array> {
  const [answer] = await world.exchange(from, proofServer, wire.PROOF_PROTOCOL, [])
  const { error, proof } = wire.ProofResponse.decode(answer ?? new Uint8Array())
  if (error !== 0 || proof === undefined)
    throw new Error(`${proofServer.name} answered error ${error}`)
  return proof
}

/** Sends an issue request of any shape and returns the answer, remembering the certificate in it. */
export async function requestCertificate(
  world: World,
  from: Host,
  request: Partial<wire.IssueRequest>,
): Promise<wire.IssueResponse> {
  const [issueServer] = world.hostsOf('issue')
  if (issueServer === undefined) throw new Error('this world has no issue server')
  const [answer] = await world.exchange(from, issueServer, wire.ISSUE_PROTOCOL, [
    wire.IssueRequest.encode({ proofs: [], supportedCryptos: [wire.CRYPTO.RSA], ...request }),
  ])
  const response = wire.IssueResponse.decode(answer ?? new Uint8Array())
  if (response.cert !== undefined && response.cert.length > 0) {
    world.certificates.push({ host: from.name, certificate: Buffer.from(response.cert).toString() })
  }
  const secret = (response.key?.length ?? 0) > 0
  world.trace.record(from.name, 'answer:received', { error: response.error, secret })
  return response
}
