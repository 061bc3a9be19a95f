import type { PrivateKey, PublicKey } from '@libp2p/interface'
import { parseAddress, type IpAddress } from './addresses.ts'
import { MalformedError } from './errors.ts'
import { Proof, ProofWrapper, type Address } from './messages.ts'
import { ADDRESS_TYPE, PROOF_AGE_MS_MAX } from './protocols.ts'

/** What {@link verifyProof} says of a proof. */
export type ProofVerdict =
  | { readonly valid: true; readonly addresses: readonly IpAddress[]; readonly timestamp: number }
  | { readonly valid: false; readonly reason: string }

/**
 * States that the peer `id` (multihash) was seen at `addresses` at `now` (ms since 1970).
 * @returns an encoded ProofWrapper.
 */
export async function signProof(statement: {
  readonly id: Uint8Array
  readonly addresses: readonly IpAddress[]
  readonly now: number
  readonly key: PrivateKey
}): Promise<Uint8Array> {
  const proof = Proof.encode({
    id: statement.id,
    timestamp: statement.now,
    addrs: statement.addresses.map(({ family, address }) => ({
      type: family === 4 ? ADDRESS_TYPE.IPv4 : ADDRESS_TYPE.IPv6,
      address,
    })),
  })
  return ProofWrapper.encode({ proof, signature: await statement.key.sign(proof) })
}

/**
 * Judges an encoded ProofWrapper that the peer `callerId` (multihash) presents (NT-ISSUE-010 … 017).
 *
 * Cheap checks come first, so that garbage costs no signature check. The signature is checked over the bytes that
 * came, and these must be the one canonical encoding of what they say: a server of 2018 checks its own encoding, in
 * which an unknown field vanishes, and so certifies what nobody signed (NT-ISSUE-017).
 */
export async function verifyProof(
  wrapper: Uint8Array,
  expected: {
    /** Any of them may have signed (NT-ISSUE-036). */
    readonly keys: readonly PublicKey[]
    readonly callerId: Uint8Array
    readonly now: number
  },
): Promise<ProofVerdict> {
  let opened: ProofWrapper
  let proof: Proof
  try {
    opened = ProofWrapper.decode(wrapper)
    proof = Proof.decode(opened.proof)
  } catch (error) {
    if (error instanceof MalformedError) return invalid(error.message)
    throw error
  }
  if (!sameBytes(proof.id, expected.callerId)) return invalid('the proof is about another peer')

  const ageMs = expected.now - proof.timestamp
  if (ageMs > PROOF_AGE_MS_MAX) {
    return invalid(`the proof is ${ageMs} ms old, at most ${PROOF_AGE_MS_MAX} ms are allowed`)
  }
  if (ageMs < -PROOF_AGE_MS_MAX) {
    return invalid(
      `the proof is ${-ageMs} ms in the future, at most ${PROOF_AGE_MS_MAX} ms are allowed`,
    )
  }
  if (!sameBytes(Proof.encode(proof), opened.proof)) {
    return invalid('the proof is not in its canonical encoding')
  }
  const addresses: IpAddress[] = []
  for (const claimed of proof.addrs) {
    const address = parseClaimedAddress(claimed)
    if (address === undefined) {
      return invalid(
        `address "${claimed.address.slice(0, 64)}" of type ${claimed.type} is not an IP address of that type`,
      )
    }
    addresses.push(address)
  }
  for (const key of expected.keys) {
    if (await signedBy(key, opened)) return { valid: true, addresses, timestamp: proof.timestamp }
  }
  return invalid('no trusted key has signed the proof')
}

/** Whether two byte strings are equal. Nothing compared here is secret. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index])
}

function parseClaimedAddress({ type, address }: Address): IpAddress | undefined {
  const family = address.includes(':') ? ADDRESS_TYPE.IPv6 : ADDRESS_TYPE.IPv4
  return type === family ? parseAddress(address) : undefined
}

async function signedBy(key: PublicKey, { proof, signature }: ProofWrapper): Promise<boolean> {
  try {
    return await key.verify(proof, signature)
  } catch {
    // A signature that the key's algorithm cannot even parse (empty, wrong length, broken DER) is no signature.
    return false
  }
}

function invalid(reason: string): ProofVerdict {
  return { valid: false, reason }
}
