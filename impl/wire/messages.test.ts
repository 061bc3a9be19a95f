// What a stranger can do to a message or a frame. Bytes of other codecs are in vectors.test.ts.
import fc from 'fast-check'
import { test } from 'tap'
import { MalformedError } from './errors.ts'
import { encodeFrame, FrameDecoder, FrameError } from './frames.ts'
import * as messages from './messages.ts'

/** All messages in some bytes. */
function cut(input: Uint8Array, lengthMax = 65536): Uint8Array[] {
  const decoder = new FrameDecoder({ lengthMax })
  decoder.push(input)
  return [...remaining(decoder)]
}
function* remaining(decoder: FrameDecoder): Generator<Uint8Array> {
  for (let next = decoder.next(); next !== undefined; next = decoder.next()) yield next
}
const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'))

test('NT-WIRE-002 error 0 is on the wire', async (t) => {
  t.same(messages.DNS01Response.encode({ error: 0 }), bytes('0800'))
})

test('NT-WIRE-011 unknown fields are skipped and unknown numbers reach the reader as numbers', async (t) => {
  t.same(messages.DNS01Response.decode(bytes('08077a0161')), { error: 7 })
  t.same(messages.IssueRequest.decode(bytes('10011007')).supportedCryptos, [1, 7])
  t.same(
    messages.IssueRequest.decode(bytes('1202010710ffffffff0f')).supportedCryptos.slice(0, 2),
    [1, 7],
  )
})

test('NT-WIRE-012 a text that is not UTF-8 is refused', async (t) => {
  t.throws(() => messages.DNS01Request.decode(bytes('0a02c328120176')), MalformedError)
})

test('a time before 1970 or past 2^53 is refused', async (t) => {
  for (const varint of ['ffffffffffffffffff01', '8080808080808080808001', 'ffffffffffffffff7f']) {
    t.throws(() => messages.Proof.decode(bytes(`0a010110${varint}`)), MalformedError, varint)
  }
})

test('NT-WIRE-001 NT-WIRE-008 frames are cut wherever the bytes are split', async (t) => {
  const longPrefix = bytes('850061626364650161')
  const messagesCut = cut(longPrefix)
  t.same(
    messagesCut.map((frame) => Buffer.from(frame).toString()),
    ['abcde', 'a'],
  )
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 }),
      fc.integer({ min: 1, max: 40 }),
      (sent, step) => {
        const all = Buffer.concat(sent.map(encodeFrame))
        const decoder = new FrameDecoder({ lengthMax: 300 })
        const received: Uint8Array[] = []
        for (let at = 0; at < all.length; at += step) decoder.push(all.subarray(at, at + step))
        received.push(...remaining(decoder))
        return (
          !decoder.unfinished &&
          received.length === sent.length &&
          received.every((frame, index) => Buffer.compare(frame, sent[index] ?? bytes('')) === 0)
        )
      },
    ),
  )
})

test('NT-WIRE-006 NT-WIRE-007 a length over the limit or without an end is refused from its first bytes', async (t) => {
  const lengths: Record<string, string> = {
    'one over the limit': '818004',
    '4 GiB': 'ffffffff0f',
    'ten bytes of 0xff': 'ffffffffffffffffffff',
    'an endless zero': '8080808080',
  }
  for (const [name, hex] of Object.entries(lengths)) {
    t.throws(() => cut(bytes(hex)), FrameError, name)
  }
  t.same(cut(bytes('808004')), [], 'the limit itself is allowed')
})

test('NT-WIRE-006 many empty messages cost no more than the bytes that they came in', async (t) => {
  const decoder = new FrameDecoder({ lengthMax: 65536 })
  decoder.push(new Uint8Array(60_000))
  t.equal(decoder.held, 59_999, 'one length was read, and nothing else')
  t.equal([...remaining(decoder)].length, 60_000)
  t.equal(decoder.held, 0)
  t.notOk(decoder.unfinished)
})

test('NT-WIRE-005 no bytes make a decoder throw anything but MalformedError', async (t) => {
  const codecs = messages as unknown as Record<string, messages.MessageCodec<unknown>>
  const names = Object.keys(codecs)
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.uint8Array({ maxLength: 120 }), (name, input) => {
      try {
        codecs[name]?.decode(input)
      } catch (error) {
        return error instanceof MalformedError
      }
      return true
    }),
    { numRuns: 3000 },
  )
  t.pass(`${names.length} messages`)
})
