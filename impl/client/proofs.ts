import { TimeoutError } from '@libp2p/interface'
import { peerIdFromMultihash } from '@libp2p/peer-id'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { decode as decodeMultihash } from 'multiformats/hashes/digest'
import { isNodeAddress, parseAddress, type IpAddress } from '../wire/addresses.ts'
import { ERROR_CODES, MalformedError, refusalFromErrorCode } from '../wire/errors.ts'
import {
  Proof,
  ProofResponse,
  ProofWrapper,
  type Address,
  type ProofServerInfo,
} from '../wire/messages.ts'
import { sameBytes } from '../wire/proofs.ts'
import { ADDRESS_TYPE, PROOF_ADDRESSES_MAX, REQUEST_PROOFS_MAX } from '../wire/protocols.ts'
import { modernAddress } from './addresses.ts'
import { reasonOf, type ProofFailure } from './errors.ts'
import type { Server } from './exchange.ts'

/** How many proof servers of an issue server's list we ask, and how many addresses of each we try. */
const PROOF_SERVERS_MAX = 32
const SERVER_ADDRESSES_MAX = 16

/** A proof that is fit to be sent on. */
export interface CollectedProof {
  /** Peer id of the proof server. */
  readonly server: string
  /** The encoded ProofWrapper, byte for byte as it came (NT-CLIENT-006). */
  readonly wrapper: Uint8Array
  readonly addresses: readonly IpAddress[]
}

/** Proofs, and what became of the servers that gave none. */
export interface CollectedProofs extends Collected {
  /** Servers could be asked over IPv4 and IPv6, and the proofs of all of them name addresses of one family. */
  readonly isHalf: boolean
}

interface Collected {
  readonly proofs: readonly CollectedProof[]
  readonly failures: readonly (ProofFailure & { readonly error: unknown })[]
}

/** Asks one proof server; `fresh` wants a connection of its own, because another may lead over another address. */
export type AskForProof = (
  server: Server,
  options: { readonly fresh: boolean },
) => Promise<Uint8Array>

/** How proof servers are asked, and who is told at once of each that answers or fails. */
export interface ProofCollection {
  readonly ask: AskForProof
  readonly onProof: (proof: CollectedProof) => void
  readonly onProofFailure: (failure: ProofFailure) => void
}

/**
 * Asks all proof servers at the same time, and waits for each as long as `ask` does. One that fails is reported and
 * otherwise ignored (NT-CLIENT-002).
 */
export async function collectProofs(
  servers: readonly Server[],
  self: Uint8Array,
  collection: ProofCollection,
): Promise<CollectedProofs> {
  const results = await Promise.all(
    servers.map(async (server) => await collectFrom(server, self, collection)),
  )
  const proofs = results.flatMap((result) => result.proofs)
  const families = new Set(proofs.flatMap(({ addresses }) => addresses.map(({ family }) => family)))
  return {
    proofs,
    failures: results.flatMap(({ failures }) => failures),
    isHalf: families.size === 1 && servers.some((server) => waysTo(server).length > 1),
  }
}

/**
 * As many proofs as one request may carry (NT-ISSUE-035). Those that name an address that none before them names come
 * first, because each address needs only one.
 */
export function selectProofs(proofs: readonly CollectedProof[]): CollectedProof[] {
  const seen = new Set<string>()
  const telling: CollectedProof[] = []
  const repeating: CollectedProof[] = []
  for (const proof of proofs) {
    const isNew = proof.addresses.some(({ address }) => !seen.has(address))
    ;(isNew ? telling : repeating).push(proof)
    for (const { address } of proof.addresses) seen.add(address)
  }
  return [...telling, ...repeating].slice(0, REQUEST_PROOFS_MAX)
}

/**
 * A proof names the address of one connection. A server that has IPv4 and IPv6 is asked over both, one after the
 * other because libp2p joins dials to one peer, so that a node with both gets both names.
 */
async function collectFrom(
  server: Server,
  self: Uint8Array,
  { ask, onProof, onProofFailure }: ProofCollection,
): Promise<Collected> {
  const name = server.id.toString()
  const ways = waysTo(server)
  const proofs: CollectedProof[] = []
  let failure: Collected['failures'][number] | undefined
  for (const way of ways) {
    try {
      const answer = await ask(way, { fresh: ways.length > 1 })
      const proof = { server: name, ...readProof(answer, self) }
      proofs.push(proof)
      onProof(proof)
    } catch (error) {
      failure ??= { server: name, reason: reasonOf(error), error }
      // One that hangs has had its time (NT-CLIENT-004); one that cannot be reached may be over the other family.
      if (error instanceof TimeoutError) break
    }
  }
  // A node without IPv6 has not failed anywhere when IPv4 gave a proof.
  if (failure === undefined || proofs.length > 0) return { proofs, failures: [] }
  onProofFailure({ server: name, reason: failure.reason })
  return { proofs, failures: [failure] }
}

/** The server by IPv4 and by IPv6 when its addresses tell both, otherwise by whatever it has. */
function waysTo({ id, addresses }: Server): Server[] {
  const isIpv6 = (address: Multiaddr): boolean =>
    ['ip6', 'dns6'].includes(address.getComponents()[0]?.name ?? '')
  const isIpv4 = (address: Multiaddr): boolean =>
    ['ip4', 'dns4'].includes(address.getComponents()[0]?.name ?? '')
  if (!addresses.some(isIpv4) || !addresses.some(isIpv6)) return [{ id, addresses }]
  return [
    { id, addresses: addresses.filter((address) => !isIpv6(address)) },
    { id, addresses: addresses.filter(isIpv6) },
  ]
}

/**
 * Opens a proof server's answer. Its signature is not for us to check, because only the issue server knows with
 * which key it should be signed (NT-PROOF-006); a proof that cannot help is dropped here (NT-CLIENT-009).
 * @throws {RefusalError} when the server refuses; {@link MalformedError} when the proof is none, or not about us.
 */
export function readProof(answer: Uint8Array, self: Uint8Array): Omit<CollectedProof, 'server'> {
  const { error, proof: wrapper } = ProofResponse.decode(answer)
  if (error !== ERROR_CODES.OK) throw refusalFromErrorCode(error, 'a proof')
  if (wrapper === undefined) throw new MalformedError('the answer holds no proof')
  const proof = Proof.decode(ProofWrapper.decode(wrapper).proof)
  if (!sameBytes(proof.id, self)) throw new MalformedError('the proof is about another peer')
  if (proof.addrs.length === 0) throw new MalformedError('the proof names no address')
  if (proof.addrs.length > PROOF_ADDRESSES_MAX) {
    throw new MalformedError(
      `the proof names ${proof.addrs.length} addresses, at most ${PROOF_ADDRESSES_MAX} are allowed`,
    )
  }
  return { wrapper, addresses: proof.addrs.map(readAddress) }
}

function readAddress({ type, address }: Address): IpAddress {
  const parsed = parseAddress(address)
  const wanted = parsed?.family === 4 ? ADDRESS_TYPE.IPv4 : ADDRESS_TYPE.IPv6
  if (parsed === undefined || type !== wanted || !isNodeAddress(parsed.address)) {
    throw new MalformedError(
      `"${address.slice(0, 64)}" of type ${type} is not the address of a node`,
    )
  }
  return parsed
}

/**
 * The proof servers in an issue server's list that we can ask. One whose id or addresses make no sense is left out,
 * without harm to the others.
 */
export function readProofServers(listed: readonly ProofServerInfo[]): Server[] {
  const servers = new Map<string, Server>()
  for (const { id, addrs } of listed.slice(0, PROOF_SERVERS_MAX)) {
    try {
      const peerId = peerIdFromMultihash(decodeMultihash(id))
      const addresses = addrs.slice(0, SERVER_ADDRESSES_MAX).flatMap(readServerAddress)
      servers.set(peerId.toString(), { id: peerId, addresses })
    } catch {
      continue
    }
  }
  return [...servers.values()]
}

function readServerAddress(bytes: Uint8Array): Multiaddr[] {
  try {
    return [modernAddress(multiaddr(bytes))]
  } catch {
    return []
  }
}
