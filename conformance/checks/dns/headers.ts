import { CLASS, FLAG, OPCODE, RCODE, TYPE } from '../../dns/codes.ts'
import type { Message } from '../../dns/read.ts'
import { joinBytes, mixCase, writeName, writeQuestion } from '../../dns/write.ts'
import type { Case } from '../../suite/case.ts'
import { holds, refuses, sameName } from './judge.ts'
import { probeCase, type Probe } from './probe.ts'
import { EXISTING_LABEL, ID0_SAMPLES, IP4_SAMPLES, MISSING_LABEL } from './samples.ts'

/** Opcodes that an authoritative server without updates and notifications has no use for. */
const OTHER_OPCODES = [
  OPCODE.IQUERY,
  OPCODE.STATUS,
  OPCODE.NOTIFY,
  OPCODE.UPDATE,
  OPCODE.DSO,
  9,
  15,
] as const

export const HEADER_CASES: readonly Case[] = [
  probeCase({
    id: 'NT-DNS-017/names-in-mixed-case',
    title: 'finds names whatever the case of their letters',
    probes: ({ zone }) =>
      mixed(zone).map(({ name, text, type }) => ({
        query: { name, type },
        expected: `NOERROR with the one record ${text}`,
        judge: holds(type, [text]),
      })),
  }),
  probeCase({
    id: 'NT-DNS-017/question-byte-for-byte',
    title: 'sends the question back byte for byte, in the case that it was asked in (0x20)',
    probes: ({ zone }) =>
      [
        ...mixed(zone),
        { name: mixCase(`${MISSING_LABEL}.${zone}`, halves()), type: TYPE.TXT },
        { name: mixCase(`_acme-challenge.${EXISTING_LABEL}.${zone}`, halves()), type: TYPE.TXT },
        { name: mixCase(zone, halves()), type: TYPE.SOA },
      ].map(({ name, type }) => ({
        query: { name, type },
        expected: 'the question as it was sent',
        judge: ({ questions: [question] }: Message) =>
          question !== undefined &&
          Buffer.compare(question.bytes, writeQuestion({ name, type })) === 0,
      })),
  }),
  probeCase({
    id: 'NT-DNS-017/owner-in-the-case-of-the-question',
    title: 'answers with records whose owner is the name as it was asked',
    probes: ({ zone }) =>
      mixed(zone).map(({ name, type }) => ({
        query: { name, type },
        expected: `a record owned by ${name}`,
        judge: ({ answers: [record] }: Message) =>
          record !== undefined &&
          sameName(record.name, name) &&
          (record.name === name || `owner ${record.name}`),
      })),
  }),
  probeCase({
    id: 'NT-DNS-018/other-zones',
    title: 'refuses names that are not in its zone',
    probes: ({ zone }) =>
      [
        'ip41-2-3-4.example.org',
        '',
        'com',
        parentOf(zone),
        `ip41-2-3-4.x${zone}`,
        endsInsideALabel(zone),
      ].map((name) => ({
        query: { name, type: TYPE.A },
        expected: 'REFUSED, with nothing else',
        judge: refuses(RCODE.REFUSED),
      })),
  }),
  probeCase({
    id: 'NT-DNS-040/authoritative',
    title: 'sets AA in every answer about its zone, positive or negative',
    probes: ({ zone }) =>
      aboutTheZone(zone).map((query) => ({
        query,
        expected: 'the flag AA',
        judge: ({ authoritative }) => authoritative,
      })),
  }),
  probeCase({
    id: 'NT-DNS-041/no-recursion',
    title: 'never offers recursion: RA is not set, not even when it was desired',
    probes: ({ zone }) =>
      [
        ...aboutTheZone(zone).map((query) => ({ ...query, flags: FLAG.RD })),
        { name: 'example.org', type: TYPE.A, flags: FLAG.RD },
        { name: '', type: TYPE.NS, flags: FLAG.RD },
      ].map((query) => ({
        query,
        expected: 'the flag RA unset',
        judge: ({ flags }) => (flags & FLAG.RA) === 0,
      })),
  }),
  probeCase({
    id: 'NT-DNS-042/flags-of-an-answer',
    title: 'sets QR, copies the opcode and RD, and leaves the reserved bit and AD unset',
    probes: ({ zone }) =>
      [0, FLAG.RD, FLAG.RD | FLAG.AD, FLAG.Z, FLAG.CD | FLAG.Z | FLAG.AD].flatMap((flags) =>
        aboutTheZone(zone)
          .slice(0, 3)
          .map((query) => ({
            query: { ...query, flags },
            expected: `QR, opcode QUERY, RD ${(flags & FLAG.RD) === 0 ? 'un' : ''}set as in the query, no AD, no reserved bit`,
            judge: (message: Message) =>
              message.opcode === OPCODE.QUERY &&
              (message.flags & (FLAG.QR | FLAG.RD | FLAG.AD | FLAG.Z)) ===
                (FLAG.QR | (flags & FLAG.RD)),
          })),
      ),
  }),
  probeCase({
    id: 'NT-DNS-047/other-opcodes',
    title: 'says NOTIMP to opcodes other than QUERY, and does nothing of what they ask for',
    probes: ({ zone }) => OTHER_OPCODES.map((opcode) => opcodeProbe(zone, opcode)),
  }),
  probeCase({
    id: 'NT-DNS-048/flags-of-unknown-opcodes',
    title: 'does not repeat RD and other flags of an opcode that it does not know',
    probes: ({ zone }) =>
      [3, 15].map((opcode) => ({
        query: { name: zone, type: TYPE.SOA, opcode, flags: FLAG.RD | FLAG.CD | FLAG.AD },
        expected: 'the opcode, and RD, CD, AD and AA unset',
        judge: (message) =>
          message.opcode === opcode &&
          (message.flags & (FLAG.RD | FLAG.CD | FLAG.AD | FLAG.AA)) === 0,
        silence: 'nonstrict',
      })),
  }),
  probeCase({
    id: 'NT-DNS-049/other-classes',
    title: 'does not answer for classes other than IN with what it has for IN',
    probes: ({ zone }) =>
      [CLASS.CH, CLASS.HS, CLASS.NONE, CLASS.ANY, 2].flatMap((code) =>
        [`${EXISTING_LABEL}.${zone}`, zone].map((name) => ({
          query: { name, type: name === zone ? TYPE.SOA : TYPE.A, class: code },
          expected:
            'REFUSED; FORMERR, NOTIMP and NOTAUTH are tolerated, and an answer to class ANY',
          judge: (message: Message) => judgeClass(message, code),
        })),
      ),
  }),
  probeCase({
    id: 'NT-DNS-050/no-zone-transfer',
    title: 'gives its zone to nobody by AXFR or IXFR',
    probes: ({ zone }) =>
      (['udp', 'tcp'] as const).flatMap((transport) =>
        [TYPE.AXFR, TYPE.IXFR].map((type) => ({
          query: { name: zone, type },
          transport,
          expected: 'REFUSED or NOTIMP, without records',
          judge: (message: Message) =>
            refuses(RCODE.REFUSED, RCODE.NOTIMP)(message) ||
            // As a server says to whom no transfer is allowed (RFC 5936 §2.2.1).
            (refuses(RCODE.NOTAUTH)(message) && 'NOTAUTH') ||
            // RFC 1995 §2 and §4: IXFR over UDP may be answered with the newest SOA alone; without the SOA that a
            // request must have it is malformed.
            (type === TYPE.IXFR &&
              message.answers.every((record) => record.type === TYPE.SOA) &&
              message.answers.length <= 1 &&
              'an answer to IXFR without the zone'),
          silence: 'nonstrict' as const,
        })),
      ),
  }),
]

/** A name that ends in the bytes of the zone's name, the first of which stand in the middle of a label. */
function endsInsideALabel(zone: string): Uint8Array {
  const bytes = writeName(zone)
  const [length = 0] = bytes
  return joinBytes(Uint8Array.of(length + 2, 0x78), bytes)
}

/** One query of each kind: answer, no such type, no such name, and the zone's own records. */
export function aboutTheZone(zone: string): readonly { name: string; type: number }[] {
  return [
    { name: `${EXISTING_LABEL}.${zone}`, type: TYPE.A },
    { name: `${EXISTING_LABEL}.${zone}`, type: TYPE.AAAA },
    { name: `${MISSING_LABEL}.${zone}`, type: TYPE.A },
    { name: `${ID0_SAMPLES.rsa.label}.${zone}`, type: TYPE.TXT },
    { name: zone, type: TYPE.SOA },
    { name: zone, type: TYPE.NS },
    { name: zone, type: TYPE.MX },
  ]
}

function mixed(zone: string): readonly { name: string; text: string; type: number }[] {
  const random = halves()
  return [
    ...IP4_SAMPLES.slice(0, 3).map((sample) => ({ ...sample, type: TYPE.A })),
    { ...ID0_SAMPLES.ed25519, type: TYPE.TXT },
  ].map(({ label, text, type }) => ({ name: mixCase(`${label}.${zone}`, random), text, type }))
}

/** Upper and lower case by turns, so that what is shown to be sent by hand is what is sent. */
function halves(): () => number {
  let turn = 0
  return () => (turn++ % 2) / 2
}

function parentOf(zone: string): string {
  return zone.slice(zone.indexOf('.') + 1)
}

/** NSD refuses NOTIFY, BIND acknowledges it, Knot has no authority: all of them do nothing. */
function opcodeProbe(zone: string, opcode: number): Probe {
  return {
    query: { name: zone, type: TYPE.SOA, opcode },
    expected:
      'NOTIMP with the same opcode and no records; REFUSED, NOTAUTH and FORMERR are tolerated',
    judge(message) {
      if (message.opcode !== opcode) return false
      if (refuses(RCODE.NOTIMP)(message)) return true
      if (refuses(RCODE.REFUSED, RCODE.NOTAUTH, RCODE.FORMERR)(message)) return 'another error'
      const acknowledged = opcode === OPCODE.NOTIFY && message.rcode === RCODE.NOERROR
      return acknowledged && message.answers.length === 0 && 'NOTIFY was acknowledged'
    },
    silence: 'nonstrict',
  }
}

function judgeClass(message: Message, code: number): boolean | string {
  if (refuses(RCODE.REFUSED)(message)) return true
  if (refuses(RCODE.FORMERR, RCODE.NOTIMP, RCODE.NOTAUTH)(message)) return 'another error'
  // RFC 1035 §3.2.5: ANY is any class, so an answer of class IN is one too.
  return code === CLASS.ANY && message.rcode === RCODE.NOERROR && 'class ANY was answered'
}
