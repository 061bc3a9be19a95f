// The suite's own codec, checked on bytes that software of 2018 wrote: it judges others, so it has to be right.
import 'reflect-metadata'
import { generateKeyPair, publicKeyFromProtobuf } from '@libp2p/crypto/keys'
import { Pkcs10CertificateRequest, type SubjectAlternativeNameExtension } from '@peculiar/x509'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'tap'
import { vectorGroups } from '../vectors/files.ts'
import * as wire from './index.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'))
const codecs = wire as unknown as Record<string, wire.MessageCodec<unknown>>

test('every frame of the vectors is read, and written again byte for byte, or refused as they say', async (t) => {
  for (const group of vectorGroups('frames')) {
    if (group.type === 'Cut') continue
    for (const vector of group.tests) {
      const name = `frames ${vector.tcId} ${vector.message} ${vector.comment}`
      const codec = codecs[vector.message]
      const { messages, rest } = wire.readFrames(bytes(vector.frameHex))
      const [message = bytes('')] = messages
      t.equal(rest.length, 0, `${name}, whole`)
      if (vector.result === 'invalid') t.throws(() => codec?.decode(message), wire.WireError, name)
      else if (group.type === 'Encode') {
        const written = codec?.encode(codec.decode(message)) ?? bytes('')
        t.equal(hex(wire.frame(written)), vector.frameHex, name)
      } else t.doesNotThrow(() => codec?.decode(message), name)
    }
  }
})

test('labels stand for the addresses and ids that the vectors say, both ways', async (t) => {
  for (const group of vectorGroups('ip_label')) {
    if (group.type === 'IpLabelDecode') {
      for (const { tcId, label, ip } of group.tests) {
        const wanted = ip === null ? undefined : wire.addressBytes(ip)
        t.strictSame(wire.parseAddressLabel(label), wanted, `ip_label ${tcId} ${label}`)
      }
    } else {
      for (const { tcId, label, ip } of group.tests) {
        const name = `ip_label ${tcId} ${ip}`
        if (label === null) t.throws(() => wire.addressLabel(ip), RangeError, name)
        else t.equal(wire.addressLabel(ip), label, name)
      }
    }
  }
  for (const vector of vectorGroups('id0_label').flatMap(({ tests }) => tests)) {
    const name = `id0_label ${vector.tcId} ${vector.comment}`
    const id = wire.parseId0Label(vector.label)
    if (vector.result === 'invalid') t.equal(id, undefined, name)
    else {
      t.equal(id && wire.id0Label(id), vector.label.toLowerCase(), name)
      if (vector.peerIdHex !== null) t.equal(id && hex(id), vector.peerIdHex, name)
    }
  }
})

test('addresses are read strictly and written canonically', async (t) => {
  const texts: Readonly<Record<string, string | undefined>> = {
    '1.2.3.4': '1.2.3.4',
    '::': '::',
    '1::': '1::',
    '2001:DB8:0:0:1:0:0:1': '2001:db8::1:0:0:1',
    '1:0:0:2:0:0:0:3': '1:0:0:2::3',
    '1:0:2:3:4:5:6:7': '1:0:2:3:4:5:6:7',
    '::ffff:1.2.3.4': '::ffff:102:304',
    '01.2.3.4': undefined,
    '1.2.3': undefined,
    '1.2.3.4.5': undefined,
    '1.2.3.256': undefined,
    ':::': undefined,
    '1:2:3:4:5:6:7:8:9': undefined,
    '1:2:3:4:5:6:7::8:9': undefined,
    '1.2.3.4::': undefined,
    '::1%eth0': undefined,
    '::12345': undefined,
    '': undefined,
  }
  for (const [text, wanted] of Object.entries(texts)) {
    const read = wire.addressBytes(text)
    t.equal(read && wire.addressText(read), wanted, JSON.stringify(text))
  }
})

test('proofs are judged as the vectors say, and those made here are valid', async (t) => {
  for (const { tests, trustedKeys } of vectorGroups('proof_verify')) {
    const keys = trustedKeys.map((key) => publicKeyFromProtobuf(Buffer.from(key, 'base64')))
    for (const vector of tests) {
      const judgement = await wire.judgeProof(bytes(vector.wrapperHex), {
        keys,
        callerId: bytes(vector.callerIdHex),
        now: vector.now,
      })
      const name = `proof_verify ${vector.tcId} ${vector.comment}: ${JSON.stringify(judgement)}`
      if (vector.result !== 'acceptable') t.equal(judgement.valid, vector.result === 'valid', name)
    }
  }
  const key = await generateKeyPair('secp256k1')
  const id = key.publicKey.toMultihash().bytes
  const wrapper = await wire.makeProof({ id, addresses: ['::ffff:1.2.3.4'], timestamp: 7 }, key)
  const expected = { callerId: id, now: 7 }
  t.match(await wire.judgeProof(wrapper, { ...expected, keys: [key.publicKey] }), {
    valid: true,
    addresses: [bytes('01020304')],
  })
  t.match(await wire.judgeProof(wrapper, { ...expected, keys: [] }), { valid: false })
})

test('streams of bytes are cut into the messages that the vectors say', async (t) => {
  for (const group of vectorGroups('frames')) {
    if (group.type !== 'Cut') continue
    for (const { tcId, comment, bytesHex, lengthMax, messagesHex, result } of group.tests) {
      const name = `frames ${tcId} ${comment}`
      const cut = (): boolean => {
        const { messages, rest } = wire.readFrames(bytes(bytesHex))
        const fitting = messages.filter(({ length }) => length <= lengthMax)
        if (result !== 'invalid') t.same(messages.map(hex), messagesHex, name)
        return rest.length === 0 && fitting.length === messages.length
      }
      if (result === 'invalid') t.notOk(ok(cut), name)
      else t.ok(cut(), name)
    }
  }
})

/** Whether it is so; what throws is not. */
function ok(so: () => boolean): boolean {
  try {
    return so()
  } catch (error) {
    if (error instanceof wire.WireError) return false
    throw error
  }
}

test('what is wrong on purpose can be written: lengths, varints, fields', async (t) => {
  t.equal(hex(wire.frame(bytes('0800'), { length: 5 })), '050800')
  t.equal(hex(wire.frame(bytes('0800'), { prefixBytesMin: 2 })), '82000800')
  t.equal(
    hex(wire.fields([1, 300], [2, 'v'], [3, true], [2, -1n])),
    `08ac02${'120176'}180110${'ff'.repeat(9)}01`,
  )
  t.throws(() => wire.readFrames(bytes('ffffffffff00')), wire.WireError)
  t.strictSame(wire.readFrames(bytes('02080103')), {
    messages: [bytes('0801')],
    rest: bytes('03'),
  })
  for (const malformed of ['08', '0a05', '00', '0f', '0b', '08ffffffffffffffffffff01']) {
    t.throws(() => wire.readFields(bytes(malformed)), wire.WireError, malformed)
  }
  // A group is skipped with all that is in it.
  t.strictSame(wire.readFields(bytes('0b0801130a01ff140c1005')), [
    { number: 2, wireType: 0, value: 5n },
  ])
})

test('certificate signing requests ask for what they are told to, signed with their key', async (t) => {
  const names = ['pabc.nt.test', 'ip4127-0-0-1.nt.test']
  const keys = [
    generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    generateKeyPairSync('rsa', { modulusLength: 2048 }),
    generateKeyPairSync('ed25519'),
  ]
  for (const { privateKey } of keys) {
    const name = privateKey.asymmetricKeyType ?? ''
    const key = wire.csrKey(privateKey)
    const request = new Pkcs10CertificateRequest(wire.makeCsr({ names, key }))
    t.ok(await request.verify(), name)
    t.equal(request.subject, 'CN=pabc.nt.test', name)
    const alternatives = request.getExtension('2.5.29.17') as SubjectAlternativeNameExtension
    t.strictSame(
      alternatives.names.items.map(({ type, value }) => `${type}:${value}`),
      names.map((value) => `dns:${value}`),
    )
    const spoil = (info: Uint8Array): Uint8Array => info.with(20, (info[20] ?? 0) ^ 1)
    const spoiled = wire.makeCsr({ names, key, spoil })
    t.notOk(await new Pkcs10CertificateRequest(spoiled).verify().catch(() => false), name)
  }
})
