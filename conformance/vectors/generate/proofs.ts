import type { DraftFile, DraftGroup } from './build.ts'
import { ecdsaKey, ed25519Key, rsaKey, type VectorKey } from './keys.ts'
import { proofTest, statement, wrap } from './proof-case.ts'
import { proofContents } from './proof-contents.ts'
import { proofSignatures } from './proof-signatures.ts'
import seed from './seed/proof_verify.json' with { type: 'json' }

/** What an issue server makes of a proof. */
export function proofs(): DraftFile {
  const trusted: readonly (readonly [string, VectorKey])[] = [
    ['secp256k1', ecdsaKey('secp256k1', 'proof key')],
    ['Ed25519', ed25519Key('proof key')],
    ['RSA-2048', rsaKey(2048, 'proof key')],
  ]
  return {
    header: [
      'wrapperHex, presented by the peer callerIdHex at the time now, is a valid proof where one of trustedKeys counts.',
      'Addresses are not judged by whether they are public.',
    ],
    notes: {
      Basic: { bugType: 'BASIC', description: 'what proof servers give' },
      Boundary: {
        bugType: 'EDGE_CASE',
        description: 'both bounds of the time belong to the valid range',
      },
      Expired: { bugType: 'AUTH_BYPASS', description: 'more than 300,000 ms old' },
      Future: {
        bugType: 'EDGE_CASE',
        description:
          'up to 300,000 ms ahead is valid: the schema of 2018 says +/- 5 min, its prose valid for 5 minutes',
      },
      Forged: { bugType: 'AUTH_BYPASS', description: 'no trusted key signed these bytes' },
      Replay: {
        bugType: 'AUTH_BYPASS',
        description: 'the proof of another peer; 2018 never compared',
      },
      NoAddrs: {
        bugType: 'EDGE_CASE',
        description: 'a proof without addresses is well formed; a request with no other is refused',
      },
      BadAddr: {
        bugType: 'MISSING_STEP',
        description: 'signed, but no strict address of its type',
      },
      AddressForm: { bugType: 'FUNCTIONALITY', description: 'other spellings of an IPv6 address' },
      NonCanonical: {
        bugType: 'SIGNATURE_MALLEABILITY',
        description: '2018 encoded anew before it verified, so that unknown fields vanished',
      },
      Malformed: { bugType: 'CAN_OF_WORMS', description: 'no proof at all' },
      SeveralKeys: {
        bugType: 'FUNCTIONALITY',
        description: 'any of several trusted keys may have signed',
      },
    },
    groups: [
      ...(seed as unknown as DraftGroup[]),
      ...trusted.map(([keyType, key]) => ({
        type: 'ProofVerify',
        keyType,
        trustedKeys: [toBase64(key.libp2p)],
        tests:
          keyType === 'secp256k1'
            ? [...proofSignatures(key), ...proofContents(key)]
            : proofSignatures(key),
      })),
      {
        type: 'ProofVerify',
        keyType: 'several',
        trustedKeys: trusted.map(([, { libp2p }]) => toBase64(libp2p)),
        tests: trusted.map(([keyType, key]) =>
          proofTest('valid', 'NT-ISSUE-036', 'SeveralKeys', keyType, wrap(key, statement())),
        ),
      },
      {
        type: 'ProofVerify',
        keyType: 'none',
        trustedKeys: [],
        tests: trusted.map(([keyType, key]) =>
          proofTest('invalid', 'NT-ISSUE-010', 'Forged', keyType, wrap(key, statement())),
        ),
      },
    ],
  }
}

const toBase64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
