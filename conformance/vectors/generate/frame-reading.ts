import { fields, frame, join, varint } from '../../wire/index.ts'
import { draft, fromHex, toHex, type Draft } from './build.ts'

/** Messages in other forms than the canonical one, and what is no message. */
export function readMessages(): readonly Draft[] {
  const name = new Uint8Array(Buffer.from('pabc.x'))
  const value = 'v'
  const read = (
    req: string,
    flag: string,
    comment: string,
    message: string,
    bytes: Uint8Array,
    json?: unknown,
  ): Draft =>
    draft('valid', req, flag, comment, {
      message,
      ...(json === undefined ? {} : { json }),
      frameHex: toHex(frame(bytes)),
    })
  const request = { fqdn: 'pabc.x', value }
  const time = (bytes: Uint8Array): Uint8Array =>
    join(fields([1, Uint8Array.of(1)]), varint(2 * 8), bytes)
  return [
    read('NT-WIRE-011', 'UnknownEnum', 'error 7', 'DNS01Response', fields([1, 7]), { error: 7 }),
    read(
      'NT-WIRE-011',
      'UnknownEnum',
      'error 2^31 - 1',
      'ProofResponse',
      fields([1, 2 ** 31 - 1]),
      { error: 2 ** 31 - 1 },
    ),
    read('NT-WIRE-011', 'UnknownEnum', 'cryptoType 7', 'IssueResponse', fields([1, 0], [10, 7]), {
      error: 0,
      altnames: [],
      cryptoType: 7,
    }),
    read(
      'NT-WIRE-011',
      'UnknownField',
      'field 15, text',
      'DNS01Response',
      fields([1, 0], [15, 'a']),
      { error: 0 },
    ),
    read(
      'NT-WIRE-011',
      'UnknownField',
      'field 15 before the others, a number',
      'DNS01Request',
      fields([15, 1], [1, name], [2, value]),
      request,
    ),
    read(
      'NT-WIRE-011',
      'UnknownField',
      'a field number of five bytes',
      'DNS01Response',
      join(varint(2 ** 29 * 8 - 8), varint(0), fields([1, 0])),
      { error: 0 },
    ),
    read(
      'NT-WIRE-011',
      'UnknownField',
      'eight bytes of a fixed field',
      'DNS01Response',
      join(varint(15 * 8 + 1), new Uint8Array(8), fields([1, 0])),
      { error: 0 },
    ),
    read(
      'NT-WIRE-011',
      'UnknownField',
      'four bytes of a fixed field',
      'DNS01Response',
      join(varint(15 * 8 + 5), new Uint8Array(4), fields([1, 0])),
      { error: 0 },
    ),
    read(
      'NT-WIRE-001',
      'NonCanonical',
      'fields in another order',
      'DNS01Request',
      fields([2, value], [1, name]),
      request,
    ),
    read(
      'NT-WIRE-001',
      'NonCanonical',
      'the last of two values counts',
      'DNS01Response',
      fields([1, 9], [1, 0]),
      { error: 0 },
    ),
    read(
      'NT-WIRE-001',
      'NonCanonical',
      'a number in two bytes',
      'DNS01Response',
      join(varint(8), varint(0, 2)),
      { error: 0 },
    ),
    read(
      'NT-WIRE-001',
      'NonCanonical',
      'packed and unpacked numbers',
      'IssueRequest',
      fields([2, Uint8Array.of(7, 1)], [2, 2]),
      { proofs: [], supportedCryptos: [7, 1, 2] },
    ),
    read(
      'NT-WIRE-011',
      'UnknownField',
      'a known number with another wire type',
      'DNS01Response',
      fields([1, 'x'], [1, 0]),
      { error: 0 },
    ),
    refused(
      'NT-WIRE-002',
      'UnknownField',
      'nothing but a known number with another wire type',
      'DNS01Response',
      fields([1, 'x']),
    ),
    read('NT-WIRE-002', 'Own', 'empty texts are there', 'DNS01Request', fields([1, ''], [2, '']), {
      fqdn: '',
      value: '',
    }),
    refused(
      'NT-WIRE-002',
      'ZeroRequired',
      'required value missing',
      'DNS01Request',
      fields([1, name]),
    ),
    refused(
      'NT-WIRE-002',
      'ZeroRequired',
      'an answer with everything but its error',
      'IssueResponse',
      fields([2, 'a'], [6, 'b']),
    ),
    refused(
      'NT-WIRE-002',
      'ZeroRequired',
      'domain missing',
      'IssueInfo',
      fields([2, fields([1, name], [3, 'a'])]),
    ),
    refused(
      'NT-WIRE-002',
      'ZeroRequired',
      'id of a proof server missing',
      'IssueInfo',
      fields([1, 'x'], [2, fields([3, 'a'])]),
    ),
    refused(
      'NT-WIRE-002',
      'ZeroRequired',
      'signature missing',
      'ProofWrapper',
      fields([1, fields([1, name], [2, 1])]),
    ),
    refused(
      'NT-WIRE-002',
      'ZeroRequired',
      'type of an address missing',
      'Proof',
      fields([1, name], [2, 1], [3, fields([2, '1.2.3.4'])]),
    ),
    refused(
      'NT-WIRE-012',
      'NotUtf8',
      'fqdn',
      'DNS01Request',
      fields([1, fromHex('c328')], [2, value]),
    ),
    refused(
      'NT-WIRE-012',
      'NotUtf8',
      'value',
      'DNS01Request',
      fields([1, name], [2, fromHex('ff')]),
    ),
    refused(
      'NT-WIRE-012',
      'NotUtf8',
      'overlong',
      'DNS01Request',
      fields([1, fromHex('c0af')], [2, value]),
    ),
    refused(
      'NT-WIRE-012',
      'NotUtf8',
      'a surrogate',
      'DNS01Request',
      fields([1, fromHex('eda080')], [2, value]),
    ),
    refused(
      'NT-WIRE-012',
      'NotUtf8',
      'cut within a character',
      'DNS01Request',
      fields([1, fromHex('61c3')], [2, value]),
    ),
    refused(
      'NT-WIRE-012',
      'NotUtf8',
      'U+FFFD itself',
      'DNS01Request',
      fields([1, 'a\uFFFD'], [2, value]),
    ),
    refused(
      'NT-WIRE-012',
      'NotUtf8',
      'address of a proof',
      'Proof',
      fields([1, name], [2, 1], [3, fields([1, 1], [2, fromHex('c328')])]),
    ),
    refused(
      'NT-WIRE-012',
      'NotUtf8',
      'display',
      'IssueInfo',
      fields([1, 'x'], [2, fields([1, name], [3, fromHex('80')])]),
    ),
    refused('NT-WIRE-005', 'Time', '-1', 'Proof', time(varint(-1))),
    refused(
      'NT-WIRE-005',
      'Time',
      '-1 in nine bytes, as the encoder of 2018 writes it',
      'Proof',
      time(fromHex('81ffffffffffffffff01')),
    ),
    refused('NT-WIRE-005', 'Time', '2^53', 'Proof', time(varint(2n ** 53n))),
    refused('NT-WIRE-005', 'Time', '2^63', 'Proof', time(varint(2n ** 63n))),
    refused('NT-WIRE-005', 'Time', 'validity -1', 'IssueResponse', fields([1, 0], [8, -1n])),
    refused('NT-WIRE-005', 'Malformed', 'a field cut in its length', 'DNS01Request', fromHex('0a')),
    refused(
      'NT-WIRE-005',
      'Malformed',
      'a field that says one byte more than there is',
      'DNS01Request',
      fromHex('0a0561626364'),
    ),
    refused(
      'NT-WIRE-005',
      'Malformed',
      'a number that does not end',
      'DNS01Response',
      fromHex('08ff'),
    ),
    refused(
      'NT-WIRE-005',
      'Malformed',
      'a number of eleven bytes',
      'DNS01Response',
      fromHex(`08${'ff'.repeat(10)}01`),
    ),
    refused('NT-WIRE-005', 'Malformed', 'wire type 7', 'DNS01Response', fromHex('0f08000800')),
    refused(
      'NT-WIRE-005',
      'Malformed',
      'text',
      'DNS01Request',
      new Uint8Array(Buffer.from('GET / HTTP/1.1\r\n\r\n')),
    ),
  ]
}

/** The field that a RenewalResponse got later. */
export function readAskAfter(): readonly Draft[] {
  return [
    refused('NT-WIRE-005', 'Time', 'askAfter -1', 'RenewalResponse', fields([1, 0], [3, -1n])),
    refused(
      'NT-WIRE-005',
      'Time',
      'askAfter 2^53',
      'RenewalResponse',
      fields([1, 0], [3, 2n ** 53n]),
    ),
  ]
}

function refused(
  req: string,
  flag: string,
  comment: string,
  message: string,
  bytes: Uint8Array,
): Draft {
  return draft('invalid', req, flag, comment, { message, frameHex: toHex(frame(bytes)) })
}
