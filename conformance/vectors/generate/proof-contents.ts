import * as wire from '../../wire/index.ts'
import type { Draft } from './build.ts'
import type { VectorKey } from './keys.ts'
import { caller, NOW, proofTest, statement, wrap } from './proof-case.ts'

const { fields, join, varint } = wire

/** What a proof says and how, the signature being good. */
export function proofContents(key: VectorKey): readonly Draft[] {
  const signed = (bytes: Uint8Array): Uint8Array =>
    wire.ProofWrapper.encode({ proof: bytes, signature: key.sign(bytes) })
  const address = (
    result: Draft['result'],
    flag: string,
    comment: string,
    type: number,
    text: string,
  ): Draft =>
    proofTest(
      result,
      'NT-ISSUE-016',
      flag,
      comment,
      wrap(key, statement({ addrs: [{ type, address: text }] })),
    )
  const odd = (comment: string, bytes: Uint8Array): Draft =>
    proofTest('invalid', 'NT-ISSUE-017', 'NonCanonical', comment, signed(bytes))
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
    proofTest(
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
    proofTest(
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
    proofTest(
      'acceptable',
      'NT-ISSUE-018',
      'NoAddrs',
      'signed and fresh',
      wrap(key, statement({ addrs: [] })),
    ),
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
    proofTest('invalid', 'NT-WIRE-002', 'Malformed', 'no id', signed(fields([2, NOW], [3, first]))),
    proofTest(
      'invalid',
      'NT-WIRE-002',
      'Malformed',
      'no timestamp',
      signed(fields([1, caller.id], [3, first])),
    ),
    proofTest('invalid', 'NT-WIRE-005', 'Malformed', 'an empty proof', signed(new Uint8Array(0))),
    proofTest('invalid', 'NT-WIRE-005', 'Malformed', 'nothing', new Uint8Array(0)),
    proofTest(
      'invalid',
      'NT-WIRE-005',
      'Malformed',
      'random bytes',
      Uint8Array.of(0xde, 0xad, 0xbe, 0xef),
    ),
    proofTest(
      'invalid',
      'NT-ISSUE-011',
      'Expired',
      'timestamp in seconds',
      wrap(key, statement({ timestamp: NOW / 1000 })),
    ),
    proofTest(
      'invalid',
      'NT-ISSUE-012',
      'Future',
      'timestamp in microseconds',
      wrap(key, statement({ timestamp: NOW * 1000 })),
    ),
    proofTest(
      'invalid',
      'NT-WIRE-005',
      'Malformed',
      'timestamp -1',
      signed(fields([1, caller.id], [2, -1n], [3, first])),
    ),
    proofTest(
      'invalid',
      'NT-ISSUE-013',
      'Replay',
      'empty id',
      wrap(key, statement({ id: new Uint8Array(0) })),
    ),
    proofTest(
      'invalid',
      'NT-ISSUE-013',
      'Replay',
      'the key for the multihash',
      wrap(key, statement({ id: caller.libp2p })),
    ),
    proofTest(
      'invalid',
      'NT-ISSUE-013',
      'Replay',
      'base58 for the multihash',
      wrap(key, statement({ id: new Uint8Array(Buffer.from('12D3KooW')) })),
    ),
  ]
}
