import type { PrivateKey, PublicKey } from '@libp2p/interface'
import { addressBytes, proofAddress, unmapped, type AddressBytes } from './addresses.ts'
import { Proof, ProofWrapper } from './messages.ts'
import { WireError } from './protobuf.ts'
import { ADDRESS_TYPE, PROOF_AGE_MS_MAX } from './protocols.ts'

/** What a proof says, in the words of whoever makes one. */
export interface Statement {
  /** Multihash of the peer that it is about. */
  readonly id: Uint8Array
  /** Text of IP addresses; written canonically. */
  readonly addresses: readonly string[]
  /** ms since 1970 */
  readonly timestamp: number
}

/** The bytes of a Proof, which are what is signed. */
export function proofBytes({ id, addresses, timestamp }: Statement): Uint8Array {
  return Proof.encode({ id, timestamp, addrs: addresses.map(proofAddress) })
}

/** The bytes of a ProofWrapper around any bytes, signed as libp2p keys sign. */
export async function signProof(proof: Uint8Array, key: PrivateKey): Promise<Uint8Array> {
  return ProofWrapper.encode({ proof, signature: await key.sign(proof) })
}

/** The bytes of a ProofWrapper that a proof server would give. */
export function makeProof(statement: Statement, key: PrivateKey): Promise<Uint8Array> {
  return signProof(proofBytes(statement), key)
}

/** A proof that counts says this; otherwise why it does not, as PROTOCOL.md, section 5 puts it. */
export type ProofJudgement =
  | { readonly valid: true; readonly addresses: readonly AddressBytes[] }
  | { readonly valid: false; readonly reason: string }

/** Judges the bytes of a ProofWrapper as an issue server has to. */
export async function judgeProof(
  wrapper: Uint8Array,
  {
    keys,
    callerId,
    now,
  }: { readonly keys: readonly PublicKey[]; readonly callerId: Uint8Array; readonly now: number },
): Promise<ProofJudgement> {
  const no = (reason: string): ProofJudgement => ({ valid: false, reason })
  let opened: ProofWrapper
  let proof: Proof
  try {
    opened = ProofWrapper.decode(wrapper)
    proof = Proof.decode(opened.proof)
  } catch (error) {
    if (error instanceof WireError) return no(error.message)
    throw error
  }
  if (!same(proof.id, callerId)) return no('it is about another peer')
  const ageMs = now - proof.timestamp
  if (Math.abs(ageMs) > PROOF_AGE_MS_MAX) return no(`it is ${ageMs} ms old`)
  if (!same(Proof.encode(proof), opened.proof)) return no('its encoding is not canonical')
  const addresses: AddressBytes[] = []
  for (const { type, address } of proof.addrs) {
    const bytes = addressBytes(address)
    const ofType =
      bytes?.length === (type === ADDRESS_TYPE.IPv4 ? 4 : 16) &&
      (type === ADDRESS_TYPE.IPv4 || type === ADDRESS_TYPE.IPv6)
    if (bytes === undefined || !ofType) return no(`"${address}" is no address of type ${type}`)
    addresses.push(unmapped(bytes))
  }
  for (const key of keys) {
    if (await verifies(key, opened)) return { valid: true, addresses }
  }
  return no('no trusted key signed it')
}

/** A signature of impossible form makes some key types throw. */
async function verifies(key: PublicKey, { proof, signature }: ProofWrapper): Promise<boolean> {
  try {
    return await key.verify(proof, signature)
  } catch {
    return false
  }
}

function same(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0
}
