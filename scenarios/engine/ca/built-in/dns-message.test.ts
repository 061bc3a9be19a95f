// The packets of validations, against an independent codec and against what a hostile server may send.
import { randomBytes } from 'node:crypto'
import * as dnsPacket from 'dns-packet'
import { test } from 'tap'
import { txtAnswer, txtQuestion } from './dns-message.ts'

const NAME = '_acme-challenge.node.nt.example'

function answer(packet: dnsPacket.Packet): Buffer {
  const questions = [{ type: 'TXT', name: NAME } as const]
  return dnsPacket.encode({ type: 'response', id: 7, questions, ...packet })
}

test('the question is one that others read', async (t) => {
  const asked = dnsPacket.decode(txtQuestion(7, NAME))
  t.match(asked, { id: 7, type: 'query', flag_rd: true, questions: [{ type: 'TXT', name: NAME }] })
  t.match(asked.additionals, [{ type: 'OPT', udpPayloadSize: 1232 }])
  for (const name of ['a..example', `${'a'.repeat(64)}.example`, 'a.'.repeat(130)]) {
    t.throws(() => txtQuestion(7, name), RangeError)
  }
})

test('texts are those of the name and its aliases, strings joined', async (t) => {
  const answers: dnsPacket.Answer[] = [
    { type: 'TXT', name: NAME.toUpperCase(), data: ['one', 'two'] },
    { type: 'CNAME', name: NAME, data: 'b.example' },
    { type: 'CNAME', name: 'b.example', data: 'c.example' },
    { type: 'TXT', name: 'c.example', data: 'three' },
    { type: 'TXT', name: 'stranger.example', data: 'four' },
    { type: 'A', name: NAME, data: '203.0.113.1' },
  ]
  t.same(txtAnswer(answer({ answers }), 7, NAME), {
    rcode: 0,
    truncated: false,
    values: ['onetwo', 'three'],
  })
})

test('aliases that go round end', async (t) => {
  const answers: dnsPacket.Answer[] = [
    { type: 'CNAME', name: NAME, data: 'b.example' },
    { type: 'CNAME', name: 'b.example', data: NAME },
  ]
  t.same(txtAnswer(answer({ answers }), 7, NAME)?.values, [])
})

test('what is no answer to the question is none', async (t) => {
  const good = answer({ answers: [] })
  t.ok(txtAnswer(good, 7, NAME))
  t.equal(txtAnswer(good, 8, NAME), undefined, 'another id')
  t.equal(txtAnswer(good, 7, 'other.example'), undefined, 'another name')
  t.equal(txtAnswer(txtQuestion(7, NAME), 7, NAME), undefined, 'a question')
  t.equal(txtAnswer(Buffer.alloc(3), 7, NAME), undefined, 'too short')
  const other = [{ type: 'A', name: NAME } as const]
  t.equal(txtAnswer(answer({ questions: other }), 7, NAME), undefined, 'another type')
})

test('compressed names are read, and pointers that lead nowhere are refused', async (t) => {
  const question = answer({})
  const record = (name: readonly number[]): Buffer =>
    Buffer.concat([question, Buffer.from([...name, 0, 16, 0, 1, 0, 0, 0, 0, 0, 3, 2, 104, 105])])
  const counted = (message: Buffer): Buffer => {
    message.writeUInt16BE(1, 6)
    return message
  }
  t.same(txtAnswer(counted(record([0xc0, 12])), 7, NAME)?.values, ['hi'])
  const own = question.length
  for (const name of [[0xc0, own], [0xc0, own + 5], [0xff, 0xff], [1, 97, 0xc0, own], [0x80]]) {
    t.throws(() => txtAnswer(counted(record(name)), 7, NAME), RangeError, String(name))
  }
})

test('garbage never does more than throw a RangeError', async (t) => {
  const good = answer({ answers: [{ type: 'TXT', name: NAME, data: ['a'.repeat(200), 'b'] }] })
  let thrown = 0
  for (let round = 0; round < 20_000; round++) {
    const message = Buffer.from(good.subarray(0, 12 + (round % (good.length - 12))))
    const at = 12 + (randomBytes(2).readUInt16BE() % Math.max(1, message.length - 12))
    if (at < message.length) message[at] = round & 0xff
    try {
      txtAnswer(message, 7, NAME)
    } catch (error) {
      if (!(error instanceof RangeError)) {
        t.fail(`${message.toString('hex')}: ${String(error)}`)
        break
      }
      thrown += 1
    }
  }
  t.ok(thrown > 100, `${thrown} were refused`)
})
