import * as wire from '../../wire/index.ts'
import { draft, fromHex, toHex, type Draft, type DraftFile, type DraftGroup } from './build.ts'
import { SeededRandom } from './random.ts'
import seed from './seed/frames.json' with { type: 'json' }

const { fields, frame, join, varint } = wire

/** Frames and the messages in them. */
export function frames(): DraftFile {
  return {
    header: [
      'Encode: json is written as frameHex, byte for byte, and read back.',
      'Decode: frameHex is read (as json, where that is there) or refused.',
      'Cut: messagesHex are read from a stream of bytesHex; result invalid: then the stream is at fault.',
    ],
    notes: {
      Ktv: {
        bugType: 'BASIC',
        description:
          'bytes of the codec of 2018; protobufjs 8.8.1 gave the same in 3500 of 3500 random messages',
      },
      Own: {
        bugType: 'BASIC',
        description: 'messages and fields that 2018 had not, and random ones',
      },
      ZeroRequired: {
        bugType: 'MISSING_STEP',
        description: 'error 0 must be on the wire; encoders of proto3 omit it',
      },
      UnknownEnum: {
        bugType: 'FUNCTIONALITY',
        description: 'a number that is not known fails nothing; 2018 lost the whole request',
      },
      UnknownField: {
        bugType: 'FUNCTIONALITY',
        description: 'fields of later versions are skipped',
      },
      Malformed: { bugType: 'CAN_OF_WORMS', description: 'no message of that kind' },
      NotUtf8: {
        bugType: 'MISSING_STEP',
        description: 'decoders that put U+FFFD there let two byte strings be one name',
      },
      Time: { bugType: 'MISSING_STEP', description: 'times from 0 to 2^53 - 1 are times' },
      NonCanonical: {
        bugType: 'SIGNATURE_MALLEABILITY',
        description: 'other bytes for the same message',
      },
      LengthPrefix: { bugType: 'EDGE_CASE', description: 'how the length of a frame is written' },
      Truncated: { bugType: 'MISSING_STEP', description: 'the stream ends within a frame' },
    },
    groups: [
      ...(seed as unknown as DraftGroup[]),
      { type: 'Encode', tests: encoding() },
      { type: 'Decode', tests: decoding() },
      { type: 'Cut', tests: cutting() },
    ],
  }
}

function encoding(): readonly Draft[] {
  const random = new SeededRandom('frames')
  const id = join(Uint8Array.of(0x12, 0x20), random.bytes(32))
  const message = (name: string, comment: string, json: unknown, bytes: Uint8Array): Draft =>
    draft('valid', 'NT-WIRE-002', 'Own', comment, {
      message: name,
      json,
      frameHex: toHex(frame(bytes)),
    })
  const address = { type: 1, address: '192.0.2.1' }
  const proof = { id, timestamp: 0, addrs: [address] }
  const signature = random.bytes(64)
  const wrapper = wire.ProofWrapper.encode({ proof: wire.Proof.encode(proof), signature })
  const wrapperJson = { proof: { ...proof, id: toHex(id) }, signature: toHex(signature) }
  const csr = random.bytes(200)
  const multiaddr = fromHex('04cb00710706102f')
  const answer = {
    error: 0,
    cert: 'leaf\n',
    chain: 'leaf\nca\n',
    ca: 'ca\n',
    key: '',
    cn: 'pabc.nt.test',
    altnames: ['ip4192-0-2-1.nt.test', 'ip6--1.nt.test'],
    validity: 1_700_000_000_000,
    fromCache: false,
    cryptoType: 2,
  }
  return [
    message('Proof', 'timestamp 0', wrapperJson.proof, wire.Proof.encode(proof)),
    message(
      'Proof',
      'timestamp 2^53 - 1',
      { ...wrapperJson.proof, timestamp: Number.MAX_SAFE_INTEGER },
      wire.Proof.encode({ ...proof, timestamp: Number.MAX_SAFE_INTEGER }),
    ),
    message('ProofWrapper', '', wrapperJson, wrapper),
    message(
      'IssueRequest',
      'two proofs, a csr in field 16',
      { proofs: [wrapperJson, wrapperJson], supportedCryptos: [1], csr: toHex(csr) },
      wire.IssueRequest.encode({ proofs: [wrapper, wrapper], supportedCryptos: [1], csr }),
    ),
    message(
      'IssueRequest',
      'several key types, not packed',
      { proofs: [], supportedCryptos: [1, 2, 300] },
      wire.IssueRequest.encode({ proofs: [], supportedCryptos: [1, 2, 300] }),
    ),
    message('IssueRequest', 'nothing', { proofs: [], supportedCryptos: [] }, new Uint8Array(0)),
    message(
      'IssueResponse',
      'empty key, fromCache false',
      answer,
      wire.IssueResponse.encode(answer),
    ),
    ...[0, 1, 9].map((error) =>
      message('ProofResponse', `error ${error}`, { error }, wire.ProofResponse.encode({ error })),
    ),
    ...[1, 9].map((error) =>
      message('DNS01Response', `error ${error}`, { error }, wire.DNS01Response.encode({ error })),
    ),
    message(
      'IssueInfo',
      'no proof servers',
      { domain: 'nt.test', proofs: [] },
      wire.IssueInfo.encode({ domain: 'nt.test', proofs: [] }),
    ),
    message(
      'IssueInfo',
      'text beyond ASCII, two addresses',
      {
        domain: 'nt.test',
        proofs: [{ id: toHex(id), addrs: [toHex(multiaddr), toHex(multiaddr)], display: 'Köln 1' }],
      },
      wire.IssueInfo.encode({
        domain: 'nt.test',
        proofs: [{ id, addrs: [multiaddr, multiaddr], display: 'Köln 1' }],
      }),
    ),
    message('Announce', 'no address', { addr: [] }, wire.Announce.encode({ addr: [] })),
    message(
      'Announce',
      '',
      { addr: [toHex(multiaddr)] },
      wire.Announce.encode({ addr: [multiaddr] }),
    ),
  ]
}

function decoding(): readonly Draft[] {
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
  const refused = (
    req: string,
    flag: string,
    comment: string,
    message: string,
    bytes: Uint8Array,
  ): Draft => draft('invalid', req, flag, comment, { message, frameHex: toHex(frame(bytes)) })
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

function cutting(): readonly Draft[] {
  const cut = (
    result: Draft['result'],
    req: string,
    flag: string,
    comment: string,
    bytes: Uint8Array,
    messages: readonly Uint8Array[],
    lengthMax = 65_536,
  ): Draft =>
    draft(result, req, flag, comment, {
      bytesHex: toHex(bytes),
      lengthMax,
      messagesHex: messages.map(toHex),
    })
  const [one, two] = [fromHex('0800'), fromHex('0809')]
  const full = new Uint8Array(300).fill(0x61)
  const none: readonly Uint8Array[] = []
  return [
    cut('valid', 'NT-WIRE-001', 'Own', 'nothing', fromHex(''), none),
    cut('valid', 'NT-WIRE-001', 'Own', 'two messages', join(frame(one), frame(two)), [one, two]),
    cut(
      'valid',
      'NT-WIRE-001',
      'Own',
      'an empty message between two',
      fromHex('0208000002' + '0809'),
      [one, fromHex(''), two],
    ),
    cut('valid', 'NT-WIRE-001', 'LengthPrefix', 'a length of two bytes', frame(full), [full]),
    cut(
      'acceptable',
      'NT-WIRE-008',
      'LengthPrefix',
      'two bytes for 2',
      frame(one, { prefixBytesMin: 2 }),
      [one],
    ),
    cut(
      'acceptable',
      'NT-WIRE-008',
      'LengthPrefix',
      'five bytes for 2',
      frame(one, { prefixBytesMin: 5 }),
      [one],
    ),
    cut('valid', 'NT-WIRE-006', 'LengthPrefix', 'as long as may be', frame(full), [full], 300),
    cut(
      'invalid',
      'NT-WIRE-006',
      'LengthPrefix',
      'one byte longer than may be',
      frame(full),
      none,
      299,
    ),
    cut(
      'invalid',
      'NT-WIRE-006',
      'LengthPrefix',
      '65,537, refused by its length alone',
      varint(65_537),
      none,
    ),
    cut('invalid', 'NT-WIRE-006', 'LengthPrefix', '4 GiB - 1', varint(2 ** 32 - 1), none),
    cut(
      'invalid',
      'NT-WIRE-006',
      'LengthPrefix',
      'a good message, then one too long',
      join(frame(one), varint(2 ** 31)),
      [one],
    ),
    cut(
      'invalid',
      'NT-WIRE-007',
      'LengthPrefix',
      'the fifth byte does not end the length',
      fromHex('ffffffffff'),
      none,
    ),
    cut('invalid', 'NT-WIRE-007', 'LengthPrefix', 'six bytes for 0', fromHex('808080808000'), none),
    cut('invalid', 'NT-WIRE-007', 'LengthPrefix', 'ten bytes, ff', fromHex('ff'.repeat(10)), none),
    cut('invalid', 'NT-WIRE-005', 'Truncated', 'the length alone', fromHex('02'), none),
    cut('invalid', 'NT-WIRE-005', 'Truncated', 'half of the length', fromHex('82'), none),
    cut('invalid', 'NT-WIRE-005', 'Truncated', 'a byte missing', fromHex('0208'), none),
    cut(
      'invalid',
      'NT-WIRE-005',
      'Truncated',
      'a byte missing in the second',
      fromHex('0208000208'),
      [one],
    ),
    cut(
      'valid',
      'NT-WIRE-001',
      'LengthPrefix',
      'a length of four bytes, big-endian, is three empty messages',
      fromHex('000000020800'),
      [fromHex(''), fromHex(''), fromHex(''), one],
    ),
  ]
}
