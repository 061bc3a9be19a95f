import { privateKeyFromProtobuf } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import type { CheckContext } from '../../suite/case.ts'
import type { Target } from '../../suite/target.ts'
import { makeProof } from '../../wire/index.ts'

/** The key with which the suite signs proofs that the issue server believes; undefined where it has none. */
export function findPlayedKey({ players }: Target): PrivateKey | undefined {
  return players?.proofKey === undefined
    ? undefined
    : privateKeyFromProtobuf(Buffer.from(players.proofKey, 'base64'))
}

/** Likewise, for cases that need the capability `played-proof-server`. */
export function playedKey(target: Target): PrivateKey {
  const key = findPlayedKey(target)
  if (key === undefined) throw new Error('the target has no players.proofKey')
  return key
}

/** A proof that a proof server would give now. */
export function goodProof(
  target: Target,
  { id, addresses, ageMs = 0 }: ProofWish,
): Promise<Uint8Array> {
  return makeProof({ id, addresses, timestamp: Date.now() - ageMs }, playedKey(target))
}

export interface ProofWish {
  /** Multihash of the peer that it is about. */
  readonly id: Uint8Array
  readonly addresses: readonly string[]
  /** @default 0 */
  readonly ageMs?: number
}

/** Public IPv4 and IPv6 addresses of somebody who is never asked: only names are made of them. */
export function publicIpv4({ random }: Pick<CheckContext, 'random'>): string {
  const part = (): number => 1 + Math.floor(random() * 250)
  return `8.${part()}.${part()}.${part()}`
}

export function publicIpv6({ random }: Pick<CheckContext, 'random'>): string {
  const group = (): string => (1 + Math.floor(random() * 0xfffe)).toString(16)
  return `2001:4860:${group()}:${group()}::${group()}`
}
