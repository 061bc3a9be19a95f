import type { Proof } from '../../wire/messages.ts'
import * as wire from '../../wire/index.ts'
import { draft, toHex, type Draft } from './build.ts'
import { ed25519Key, type VectorKey } from './keys.ts'

export const NOW = 1_700_000_000_000
export const caller = ed25519Key('caller')

export function statement(changes: Partial<Proof> = {}): Proof {
  return { id: caller.id, timestamp: NOW, addrs: [{ type: 1, address: '203.0.113.7' }], ...changes }
}

/** A ProofWrapper, signed. */
export function wrap(key: VectorKey, proof: Proof): Uint8Array {
  const bytes = wire.Proof.encode(proof)
  return wire.ProofWrapper.encode({ proof: bytes, signature: key.sign(bytes) })
}

/** The caller presents it now. */
export function proofTest(
  result: Draft['result'],
  req: string,
  flags: string | readonly string[],
  comment: string,
  wrapper: Uint8Array,
): Draft {
  return draft(result, req, flags, comment, {
    now: NOW,
    callerIdHex: toHex(caller.id),
    wrapperHex: toHex(wrapper),
  })
}
