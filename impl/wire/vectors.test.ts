// Frames and messages against bytes of other codecs (conformance/vectors/frames.json), and the suite's own codec and names
// against ours: two that share no code and were written from the same text.
import fc from 'fast-check'
import { test } from 'tap'
import { vectorGroups } from '../../conformance/vectors/files.ts'
import * as suite from '../../conformance/wire/index.ts'
import { parseAddress } from './addresses.ts'
import { MalformedError } from './errors.ts'
import { encodeFrame, FrameDecoder } from './frames.ts'
import * as messages from './messages.ts'
import { addressLabel, parseAddressLabel } from './names.ts'

const codecs = messages as unknown as Record<string, messages.MessageCodec<unknown>>
const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'))
const hex = (data: Uint8Array | undefined): string => Buffer.from(data ?? []).toString('hex')
const text = (value: unknown): Uint8Array | undefined =>
  value === undefined ? undefined : Uint8Array.from(Buffer.from(value as string))

type Json = Readonly<Record<string, unknown>>

/** The vectors write messages within messages as JSON, and bytes as hex; ours carries signed messages as bytes. */
function encodeJson(name: string, json: Json): Uint8Array {
  const codec = codecs[name] as messages.MessageCodec<unknown>
  const inner = (of: string, value: unknown): Uint8Array | undefined =>
    value === undefined ? undefined : encodeJson(of, value as Json)
  const unhex = (value: unknown): Uint8Array | undefined =>
    value === undefined ? undefined : bytes(value as string)
  switch (name) {
    case 'Proof':
      return codec.encode({ ...json, id: unhex(json['id']) })
    case 'ProofWrapper':
      return codec.encode({
        proof: inner('Proof', json['proof']),
        signature: unhex(json['signature']),
      })
    case 'ProofResponse':
      return codec.encode({ ...json, proof: inner('ProofWrapper', json['proof']) })
    case 'IssueInfo': {
      const servers = json['proofs'] as { id: string; addrs: string[]; display: string }[]
      const proofs = servers.map((server) => ({
        ...server,
        id: bytes(server.id),
        addrs: server.addrs.map(bytes),
      }))
      return codec.encode({ ...json, proofs })
    }
    case 'IssueRequest': {
      const proofs = (json['proofs'] as Json[]).map((proof) => inner('ProofWrapper', proof))
      return codec.encode({ ...json, proofs, csr: unhex(json['csr']) })
    }
    case 'IssueResponse': {
      const pem = ['cert', 'chain', 'ca', 'key'].map((field) => [field, text(json[field])])
      return codec.encode({ ...json, ...Object.fromEntries(pem) })
    }
    case 'Announce':
      return codec.encode({ addr: (json['addr'] as string[]).map(bytes) })
    default:
      return codec.encode(json)
  }
}

/** The messages before the end of a stream, or before its fault. */
function cut(input: Uint8Array, lengthMax = 65_536): { messages: Uint8Array[]; whole: boolean } {
  const decoder = new FrameDecoder({ lengthMax })
  const found: Uint8Array[] = []
  try {
    decoder.push(input)
    for (let next = decoder.next(); next !== undefined; next = decoder.next()) found.push(next)
    return { messages: found, whole: !decoder.unfinished }
  } catch (error) {
    if (error instanceof MalformedError) return { messages: found, whole: false }
    throw error
  }
}

test('frames: every message of the vectors is written byte for byte, and read or refused as they say', async (t) => {
  for (const group of vectorGroups('frames')) {
    if (group.type === 'Cut') continue
    for (const { tcId, req, message, comment, result, frameHex, json } of group.tests) {
      const name = `frames ${tcId} ${req} ${message} ${comment}`
      const codec = codecs[message] as messages.MessageCodec<unknown>
      const [received = bytes('')] = cut(bytes(frameHex)).messages
      if (result === 'invalid') {
        t.throws(() => codec.decode(received), MalformedError, name)
        continue
      }
      const read = codec.encode(codec.decode(received))
      if (json !== undefined) t.equal(hex(read), hex(encodeJson(message, json)), `${name}, read`)
      if (group.type === 'Encode') t.equal(hex(encodeFrame(read)), frameHex, name)
    }
  }
})

test('frames: streams of bytes are cut into the messages that the vectors say', async (t) => {
  for (const group of vectorGroups('frames')) {
    if (group.type !== 'Cut') continue
    for (const { tcId, req, comment, bytesHex, lengthMax, messagesHex, result } of group.tests) {
      const found = cut(bytes(bytesHex), lengthMax)
      const name = `frames ${tcId} ${req} ${comment}`
      t.same(found.messages.map(hex), messagesHex, name)
      t.equal(found.whole, result !== 'invalid', `${name}, whole`)
    }
  }
})

test('NT-WIRE-005 NT-WIRE-011 messages with bytes put in, changed and cut are read like this by the suite too', async (t) => {
  const suiteCodecs = suite as unknown as Record<string, messages.MessageCodec<unknown>>
  // Its PEM is bytes to us and text to the suite.
  const samples = vectorGroups('frames').flatMap((group) =>
    group.type === 'Cut' ? [] : group.tests.filter(({ message }) => message !== 'IssueResponse'),
  )
  const change = fc.tuple(fc.nat(), fc.nat(2), fc.uint8Array({ maxLength: 3 }))
  fc.assert(
    fc.property(
      fc.constantFrom(...samples),
      fc.array(change, { maxLength: 4 }),
      (sample, changes) => {
        let message = Buffer.from(cut(bytes(sample.frameHex)).messages[0] ?? [])
        for (const [position, left, put] of changes) {
          const start = position % (message.length + 1)
          message = Buffer.concat([message.subarray(0, start), put, message.subarray(start + left)])
        }
        const read = (codec: messages.MessageCodec<unknown> | undefined): string => {
          try {
            return hex(codec?.encode(codec.decode(message)))
          } catch (error) {
            // protobufjs skips an unknown number however long it is, which costs nobody anything.
            return /varint of more than/.test(String(error)) ? 'skipped' : 'refused'
          }
        }
        const wanted = read(suiteCodecs[sample.message])
        return wanted === 'skipped' || read(codecs[sample.message]) === wanted
      },
    ),
    { numRuns: 3_000 },
  )
  t.pass(`${samples.length} messages`)
})

test('NT-DNS-010 … 015 NT-PROOF-010 addresses and their labels are read and written like this by the suite too', async (t) => {
  const group = fc.oneof(
    fc.nat(0xffff).map((number) => number.toString(16)),
    fc.constantFrom('', '0', '00', '1.2.3.4', '256.1.1.1', '01.2.3.4', 'g', '%1'),
  )
  const text = fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc
      .tuple(fc.array(group, { maxLength: 9 }), fc.constantFrom('', ':', '::'))
      .map(([groups, end]) => `${groups.join(':')}${end}`),
  )
  const written = (address: Uint8Array | undefined): string | undefined =>
    address && suite.addressText(address)
  fc.assert(
    fc.property(text, fc.constantFrom('ip4', 'ip6'), (address, prefix) => {
      const read = suite.addressBytes(address)
      const label = `${prefix}${address.replaceAll(/[.:]/g, '-')}`
      return (
        parseAddress(address)?.address === written(read && suite.unmapped(read)) &&
        parseAddressLabel(label)?.address === written(suite.parseAddressLabel(label)) &&
        (read === undefined || addressLabel(address) === suite.addressLabel(address))
      )
    }),
    { numRuns: 3_000 },
  )
  t.pass('3,000 texts')
})
