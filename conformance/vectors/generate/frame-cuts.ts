import { frame, join, varint } from '../../wire/index.ts'
import { draft, fromHex, toHex, type Draft } from './build.ts'

/** What comes on a stream. */
export function cutStreams(): readonly Draft[] {
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
