// Frames and messages against bytes of other codecs (conformance/vectors/frames.json).
import { test } from 'tap'
import { vectorGroups } from '../../conformance/vectors/files.ts'
import { MalformedError } from './errors.ts'
import { encodeFrame, FrameDecoder } from './frames.ts'
import * as messages from './messages.ts'

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
