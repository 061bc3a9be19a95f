import * as wire from '../../wire/index.ts'
import type { Draft } from './build.ts'
import { ed25519Key, type VectorKey } from './keys.ts'
import { caller, NOW, proofTest, statement, wrap } from './proof-case.ts'

const { join } = wire

/** Times, peers and signatures. */
export function proofSignatures(key: VectorKey): readonly Draft[] {
  const good = wire.Proof.encode(statement())
  const signature = key.sign(good)
  const forged = (comment: string, proof: Uint8Array, changed: Uint8Array): Draft =>
    proofTest(
      'invalid',
      'NT-ISSUE-010',
      'Forged',
      comment,
      wire.ProofWrapper.encode({ proof, signature: changed }),
    )
  const flipped = signature.with(signature.length - 1, (signature.at(-1) ?? 0) ^ 1)
  return [
    proofTest('valid', 'NT-ISSUE-010', 'Basic', 'fresh', wrap(key, statement())),
    proofTest(
      'valid',
      'NT-ISSUE-011',
      'Boundary',
      '300,000 ms old',
      wrap(key, statement({ timestamp: NOW - 300_000 })),
    ),
    proofTest(
      'invalid',
      'NT-ISSUE-011',
      'Expired',
      '300,001 ms old',
      wrap(key, statement({ timestamp: NOW - 300_001 })),
    ),
    proofTest(
      'valid',
      'NT-ISSUE-012',
      ['Future', 'Boundary'],
      '300,000 ms ahead',
      wrap(key, statement({ timestamp: NOW + 300_000 })),
    ),
    proofTest(
      'invalid',
      'NT-ISSUE-012',
      'Future',
      '300,001 ms ahead',
      wrap(key, statement({ timestamp: NOW + 300_001 })),
    ),
    proofTest(
      'invalid',
      'NT-ISSUE-013',
      'Replay',
      'of another peer',
      wrap(key, statement({ id: ed25519Key('other').id })),
    ),
    forged('last bit of the signature flipped', good, flipped),
    forged('a byte cut from the signature', good, signature.slice(0, -1)),
    forged('a byte after the signature', good, join(signature, Uint8Array.of(0))),
    forged('no signature', good, new Uint8Array(0)),
    forged('zeros for a signature', good, new Uint8Array(signature.length)),
    forged(
      'signature of a later proof',
      good,
      key.sign(wire.Proof.encode(statement({ timestamp: NOW + 1 }))),
    ),
    forged('signature of the message with its frame', good, key.sign(wire.frame(good))),
    forged(
      'address changed after signing',
      wire.Proof.encode(statement({ addrs: [{ type: 1, address: '203.0.113.8' }] })),
      signature,
    ),
    forged('signed by the caller', good, caller.sign(good)),
  ]
}
