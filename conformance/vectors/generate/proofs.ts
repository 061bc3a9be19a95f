import type { Proof } from '../../wire/messages.ts'
import * as wire from '../../wire/index.ts'
import { draft, toHex, type Draft, type DraftFile, type DraftGroup } from './build.ts'
import { ecdsaKey, ed25519Key, rsaKey, type VectorKey } from './keys.ts'
import seed from './seed/proof_verify.json' with { type: 'json' }

const NOW = 1_700_000_000_000
const { fields, join, varint } = wire

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
        tests: keyType === 'secp256k1' ? [...signatures(key), ...contents(key)] : signatures(key),
      })),
      {
        type: 'ProofVerify',
        keyType: 'several',
        trustedKeys: trusted.map(([, { libp2p }]) => toBase64(libp2p)),
        tests: trusted.map(([keyType, key]) =>
          test('valid', 'NT-ISSUE-036', 'SeveralKeys', keyType, wrap(key, statement())),
        ),
      },
      {
        type: 'ProofVerify',
        keyType: 'none',
        trustedKeys: [],
        tests: trusted.map(([keyType, key]) =>
          test('invalid', 'NT-ISSUE-010', 'Forged', keyType, wrap(key, statement())),
        ),
      },
    ],
  }
}

const caller = ed25519Key('caller')

function statement(changes: Partial<Proof> = {}): Proof {
  return { id: caller.id, timestamp: NOW, addrs: [{ type: 1, address: '203.0.113.7' }], ...changes }
}

function signatures(key: VectorKey): readonly Draft[] {
  const good = wire.Proof.encode(statement())
  const signature = key.sign(good)
  const forged = (comment: string, proof: Uint8Array, changed: Uint8Array): Draft =>
    test(
      'invalid',
      'NT-ISSUE-010',
      'Forged',
      comment,
      wire.ProofWrapper.encode({ proof, signature: changed }),
    )
  const flipped = signature.with(signature.length - 1, (signature.at(-1) ?? 0) ^ 1)
  return [
    test('valid', 'NT-ISSUE-010', 'Basic', 'fresh', wrap(key, statement())),
    test(
      'valid',
      'NT-ISSUE-011',
      'Boundary',
      '300,000 ms old',
      wrap(key, statement({ timestamp: NOW - 300_000 })),
    ),
    test(
      'invalid',
      'NT-ISSUE-011',
      'Expired',
      '300,001 ms old',
      wrap(key, statement({ timestamp: NOW - 300_001 })),
    ),
    test(
      'valid',
      'NT-ISSUE-012',
      ['Future', 'Boundary'],
      '300,000 ms ahead',
      wrap(key, statement({ timestamp: NOW + 300_000 })),
    ),
    test(
      'invalid',
      'NT-ISSUE-012',
      'Future',
      '300,001 ms ahead',
      wrap(key, statement({ timestamp: NOW + 300_001 })),
    ),
    test(
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

function contents(key: VectorKey): readonly Draft[] {
  const signed = (bytes: Uint8Array): Uint8Array =>
    wire.ProofWrapper.encode({ proof: bytes, signature: key.sign(bytes) })
  const address = (
    result: Draft['result'],
    flag: string,
    comment: string,
    type: number,
    text: string,
  ): Draft =>
    test(
      result,
      'NT-ISSUE-016',
      flag,
      comment,
      wrap(key, statement({ addrs: [{ type, address: text }] })),
    )
  const odd = (comment: string, bytes: Uint8Array): Draft =>
    test('invalid', 'NT-ISSUE-017', 'NonCanonical', comment, signed(bytes))
  const first = fields([1, 1], [2, '203.0.113.7'])
  return [
    address('valid', 'Basic', 'IPv6', 2, '2001:db8::1'),
    address('valid', 'AddressForm', 'upper case', 2, '2001:DB8::1'),
    address('valid', 'AddressForm', 'zeros written', 2, '2001:db8:0:0:0:0:0:1'),
    address('valid', 'AddressForm', 'mapped, under type IPv6', 2, '::ffff:203.0.113.7'),
    address('invalid', 'BadAddr', 'mapped, under type IPv4', 1, '::ffff:203.0.113.7'),
    address('invalid', 'BadAddr', 'IPv4 under type IPv6', 2, '203.0.113.7'),
    address('invalid', 'BadAddr', 'type 0', 0, '203.0.113.7'),
    address('invalid', 'BadAddr', 'type 3', 3, '203.0.113.7'),
    ...[
      '',
      '203.0.113',
      '203.0.113.07',
      '203.0.113.256',
      '0xcb.0.113.7',
      '3405803783',
      '203.0.113.7 ',
      '203.0.113.7:80',
      '203.0.113.7/32',
      'localhost',
      '203-0-113-7',
      '203.0.113.7\0',
      '２０３.0.113.7',
    ].map((text) => address('invalid', 'BadAddr', JSON.stringify(text), 1, text)),
    ...[
      'fe80::1%eth0',
      '[::1]',
      '::1/128',
      ':::',
      '1::2::3',
      '::12345',
      '1:2:3:4:5:6:7:8:9',
      '::1.2.3.256',
      '',
    ].map((text) => address('invalid', 'BadAddr', JSON.stringify(text), 2, text)),
    test(
      'valid',
      'NT-ISSUE-016',
      'Basic',
      'both families',
      wrap(
        key,
        statement({
          addrs: [
            { type: 1, address: '203.0.113.7' },
            { type: 2, address: '2001:db8::1' },
          ],
        }),
      ),
    ),
    test(
      'invalid',
      'NT-ISSUE-016',
      'BadAddr',
      'a good address, then a bad one',
      wrap(
        key,
        statement({
          addrs: [
            { type: 1, address: '203.0.113.7' },
            { type: 1, address: 'x' },
          ],
        }),
      ),
    ),
    test('acceptable', 'NT-ISSUE-018', 'NoAddrs', '', wrap(key, statement({ addrs: [] }))),
    odd('field 4 after the others', join(wire.Proof.encode(statement()), fields([4, 1]))),
    odd('field 4 before the others', join(fields([4, 'x']), wire.Proof.encode(statement()))),
    odd('timestamp before id', fields([2, NOW], [1, caller.id], [3, first])),
    odd('address before timestamp', fields([1, caller.id], [3, first], [2, NOW])),
    odd('id twice', fields([1, caller.id], [1, caller.id], [2, NOW], [3, first])),
    odd(
      'timestamp twice, the last one fresh',
      fields([1, caller.id], [2, 1], [2, NOW], [3, first]),
    ),
    odd(
      'timestamp in more bytes than needed',
      join(fields([1, caller.id]), varint(16), varint(NOW, 9), fields([3, first])),
    ),
    odd(
      'length of id in two bytes',
      join(varint(10), varint(caller.id.length, 2), caller.id, fields([2, NOW], [3, first])),
    ),
    odd(
      'a field within an address',
      fields([1, caller.id], [2, NOW], [3, join(first, fields([3, 1]))]),
    ),
    odd(
      'text of an address before its type',
      fields([1, caller.id], [2, NOW], [3, fields([2, '203.0.113.7'], [1, 1])]),
    ),
    test('invalid', 'NT-WIRE-002', 'Malformed', 'no id', signed(fields([2, NOW], [3, first]))),
    test(
      'invalid',
      'NT-WIRE-002',
      'Malformed',
      'no timestamp',
      signed(fields([1, caller.id], [3, first])),
    ),
    test('invalid', 'NT-WIRE-005', 'Malformed', 'an empty proof', signed(new Uint8Array(0))),
    test('invalid', 'NT-WIRE-005', 'Malformed', 'nothing', new Uint8Array(0)),
    test(
      'invalid',
      'NT-WIRE-005',
      'Malformed',
      'random bytes',
      Uint8Array.of(0xde, 0xad, 0xbe, 0xef),
    ),
    test(
      'invalid',
      'NT-ISSUE-011',
      'Expired',
      'timestamp in seconds',
      wrap(key, statement({ timestamp: NOW / 1000 })),
    ),
    test(
      'invalid',
      'NT-ISSUE-012',
      'Future',
      'timestamp in microseconds',
      wrap(key, statement({ timestamp: NOW * 1000 })),
    ),
    test(
      'invalid',
      'NT-WIRE-005',
      'Malformed',
      'timestamp -1',
      signed(fields([1, caller.id], [2, -1n], [3, first])),
    ),
    test(
      'invalid',
      'NT-ISSUE-013',
      'Replay',
      'empty id',
      wrap(key, statement({ id: new Uint8Array(0) })),
    ),
    test(
      'invalid',
      'NT-ISSUE-013',
      'Replay',
      'the key for the multihash',
      wrap(key, statement({ id: caller.libp2p })),
    ),
    test(
      'invalid',
      'NT-ISSUE-013',
      'Replay',
      'base58 for the multihash',
      wrap(key, statement({ id: new Uint8Array(Buffer.from('12D3KooW')) })),
    ),
  ]
}

function wrap(key: VectorKey, proof: Proof): Uint8Array {
  const bytes = wire.Proof.encode(proof)
  return wire.ProofWrapper.encode({ proof: bytes, signature: key.sign(bytes) })
}

function test(
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

const toBase64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
