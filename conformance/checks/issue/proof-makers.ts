// Proofs with something in them that no proof server would write, well signed with the suite's key.
import type { Caller } from '../../players/caller.ts'
import type { CheckContext } from '../../suite/case.ts'
import {
  ADDRESS_TYPE,
  fields,
  join,
  Proof,
  ProofWrapper,
  signProof,
  type Statement,
} from '../../wire/index.ts'
import { goodProof, playedKey, publicIpv4, publicIpv6 } from './played-proofs.ts'

export const AGE_MS_MAX = 300_000
/** A clock may differ by so much, and a request takes a while. */
export const MARGIN_MS = 5_000

export function statement(context: CheckContext, { id }: Caller): Statement {
  return { id, addresses: [publicIpv4(context)], timestamp: Date.now() }
}

export function good(context: CheckContext, { id }: Caller): Promise<Uint8Array> {
  return goodProof(context.target, { id, addresses: [publicIpv4(context)] })
}

export async function aged(
  context: CheckContext,
  { id }: Caller,
  ageMs: number,
): Promise<readonly Uint8Array[]> {
  return [await goodProof(context.target, { id, addresses: [publicIpv6(context)], ageMs })]
}

export async function withSignature(
  context: CheckContext,
  caller: Caller,
  change: (signature: Uint8Array) => Uint8Array,
): Promise<readonly Uint8Array[]> {
  const { proof, signature } = ProofWrapper.decode(await good(context, caller))
  return [ProofWrapper.encode({ proof, signature: change(signature) })]
}

/** Well signed, whatever the addresses are. */
export async function signedAs(
  { target }: CheckContext,
  { id }: Caller,
  addrs: Proof['addrs'],
): Promise<readonly Uint8Array[]> {
  return [await signProof(Proof.encode({ id, timestamp: Date.now(), addrs }), playedKey(target))]
}

/** Well signed, whatever the time is; `timestamp` is a varint. */
export async function timestamped(
  context: CheckContext,
  { id }: Caller,
  timestamp: Uint8Array,
): Promise<readonly Uint8Array[]> {
  const address = fields([1, ADDRESS_TYPE.IPv4], [2, publicIpv4(context)])
  const proof = join(fields([1, id]), Uint8Array.of(0x10), timestamp, fields([3, address]))
  return [await signProof(proof, playedKey(context.target))]
}
