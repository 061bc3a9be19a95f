import { CLASS, FLAG, RCODE, TYPE } from '../../dns/codes.ts'
import { openUdp, hasIdOf } from '../../dns/udp.ts'
import {
  asResponse,
  HEADER_BYTES,
  joinBytes,
  uint16,
  writeHeader,
  writeName,
  writeQuery,
  writeQuestion,
} from '../../dns/write.ts'
import { CheckFailure, type Case, type CheckContext } from '../../suite/case.ts'
import { atFirstServer, udpLine } from './by-hand.ts'
import { refuses } from './judge.ts'
import type { DnsTarget } from '../../suite/target.ts'
import { assertAlive, bytesText, packetOf, probeCase, readReply, type Probe } from './probe.ts'
import { EXISTING_LABEL, MISSING_LABEL } from './samples.ts'

const LABEL_BYTES_MAX = 63
const FUZZED_PACKETS = 100
/** After the last packet: what has not come by then will not come. */
const FUZZ_QUIET_MS = 300

export const MALFORMED_CASES: readonly Case[] = [
  probeCase({
    id: 'NT-DNS-024/too-long-names',
    title: 'does not answer for a label of more than 63 or a name of more than 255 bytes',
    probes: ({ zone }) => [
      // The length byte 64 is neither a label nor a pointer.
      formerr(questionOf(writeName(`${'a'.repeat(LABEL_BYTES_MAX + 1)}.${zone}`))),
      formerr(questionOf(longName(zone, 256))),
      formerr(questionOf(longName(zone, 300))),
    ],
  }),
  probeCase({
    id: 'NT-DNS-024/longest-names',
    title: 'answers for a label of 63 and a name of 255 bytes as for any other',
    probes: ({ zone }) => [
      nxdomain(writeName(`${'a'.repeat(LABEL_BYTES_MAX)}.${zone}`)),
      nxdomain(longName(zone, 255)),
    ],
  }),
  probeCase({
    id: 'NT-DNS-043/no-question',
    title: 'says FORMERR to a query without a question',
    probes: () => [
      { ...formerr(writeHeader({}, {})), expected: 'FORMERR, or silence' },
      formerr(writeHeader({}, { questions: 0, additional: 0 })),
    ],
  }),
  probeCase({
    id: 'NT-DNS-043/two-questions',
    title: 'says FORMERR to a query with two questions, whatever they are',
    probes: ({ zone }) => {
      const one = writeQuestion({ name: `${EXISTING_LABEL}.${zone}`, type: TYPE.A })
      const other = writeQuestion({ name: zone, type: TYPE.SOA })
      return [
        formerr(joinBytes(writeHeader({}, { questions: 2 }), one, other)),
        formerr(joinBytes(writeHeader({}, { questions: 2 }), one, one)),
      ]
    },
  }),
  probeCase({
    id: 'NT-DNS-044/responses',
    title: 'never answers a response, or two servers would answer each other for ever',
    probes: ({ zone }) => [
      silence(asResponse(writeQuery({ name: zone, type: TYPE.SOA }))),
      silence(
        asResponse(writeQuery({ name: `${EXISTING_LABEL}.${zone}`, type: TYPE.A, edns: {} })),
      ),
      silence(asResponse(writeHeader({}, {}))),
      silence(asResponse(writeQuery({ name: zone, type: TYPE.SOA, opcode: 15 }))),
    ],
  }),
  probeCase({
    id: 'NT-DNS-045/less-than-a-header',
    title: 'does not answer what is shorter than a header',
    probes: () =>
      [0, 1, 2, HEADER_BYTES - 1].map((length) => silence(new Uint8Array(length).fill(1))),
  }),
  probeCase({
    id: 'NT-DNS-046/cut-questions',
    title: 'says FORMERR to a question that is cut, or nothing',
    probes: ({ zone }) => {
      const whole = writeQuery({ name: `${EXISTING_LABEL}.${zone}`, type: TYPE.A })
      return [
        HEADER_BYTES,
        HEADER_BYTES + 4,
        whole.length - 5,
        whole.length - 2,
        whole.length - 1,
      ].map((end) => formerr(whole.subarray(0, end)))
    },
  }),
  probeCase({
    id: 'NT-DNS-046/pointers-in-the-question',
    title: 'says FORMERR to a pointer in the question, which has nothing to point to, or nothing',
    probes: () => [
      // To itself, behind it, and to the header.
      formerr(questionOf(Uint8Array.of(0xc0, HEADER_BYTES))),
      formerr(questionOf(Uint8Array.of(0xc0, 0xff))),
      formerr(questionOf(Uint8Array.of(1, 0x61, 0xc0, HEADER_BYTES))),
      formerr(questionOf(Uint8Array.of(0x80, 0x61, 0))),
    ],
  }),
  probeCase({
    id: 'NT-DNS-046/cut-records',
    title: 'says FORMERR to records that are announced and not there, or nothing',
    probes: ({ zone }) => {
      const question = writeQuestion({ name: `${EXISTING_LABEL}.${zone}`, type: TYPE.A })
      return [
        formerr(joinBytes(writeHeader({}, { questions: 1, additional: 1 }), question)),
        formerr(joinBytes(writeHeader({}, { questions: 1, authority: 3 }), question, [0])),
        formerr(
          joinBytes(
            writeHeader({}, { questions: 1, additional: 1 }),
            question,
            [0],
            uint16(TYPE.OPT),
          ),
        ),
      ]
    },
  }),
  probeCase({
    id: 'NT-DNS-046/more-than-was-announced',
    title: 'says FORMERR to bytes after the last record and to answers in a query, or nothing',
    level: 'SHOULD',
    probes: ({ zone }) => {
      const query = writeQuery({ name: `${EXISTING_LABEL}.${zone}`, type: TYPE.A })
      return [
        tolerantFormerr(joinBytes(query, [1, 2, 3])),
        tolerantFormerr(
          joinBytes(writeHeader({}, { questions: 1, answers: 1 }), query.subarray(HEADER_BYTES), [
            0xc0,
            HEADER_BYTES,
            0,
            TYPE.A,
            0,
            CLASS.IN,
            0,
            0,
            0,
            1,
            0,
            4,
            192,
            0,
            2,
            1,
          ]),
        ),
      ]
    },
  }),
  {
    id: 'NT-DNS-046/fuzzed-packets',
    title:
      'survives packets with changed bytes: what it answers is a response with the id, and it goes on',
    role: 'dns',
    byHand: atFirstServer(
      (server, { zone }) =>
        `${udpLine(
          fuzzed(zone, () => 0.5),
          server,
        )}   # a response with the id of the query, or nothing; so with other bytes changed`,
    ),
    run: runFuzzed,
  },
]

/** `length` bytes in all, ending in the zone. */
function longName(zone: string, length: number): Uint8Array {
  const end = writeName(zone)
  const labels: number[] = []
  for (let rest = length - end.length; rest > 0;) {
    // A label of one byte less, where a single byte would be left for the next one.
    const bytes = Math.min(LABEL_BYTES_MAX + 1, rest === LABEL_BYTES_MAX + 2 ? rest - 2 : rest)
    labels.push(bytes - 1, ...Array.from({ length: bytes - 1 }, () => 0x61))
    rest -= bytes
  }
  return joinBytes(labels, end)
}

function questionOf(name: Uint8Array): Uint8Array {
  return writeQuery({ name, type: TYPE.A })
}

/** NSD and BIND say FORMERR, Knot says nothing. */
function formerr(query: Uint8Array): Probe {
  return {
    query,
    expected: 'FORMERR without records, or silence',
    judge: refuses(RCODE.FORMERR),
    silence: 'pass',
  }
}

function tolerantFormerr(query: Uint8Array): Probe {
  return {
    ...formerr(query),
    judge: (message) =>
      refuses(RCODE.FORMERR)(message) || (message.rcode === RCODE.NOERROR && 'it was answered'),
  }
}

function nxdomain(name: Uint8Array): Probe {
  return {
    query: questionOf(name),
    expected: 'NXDOMAIN',
    judge: ({ rcode }) => rcode === RCODE.NXDOMAIN,
  }
}

function silence(query: Uint8Array): Probe {
  return { query, expected: 'silence' }
}

async function runFuzzed(context: CheckContext): Promise<void> {
  for (const server of context.target.dns) {
    const socket = await openUdp({ server, wire: context.wire, signal: context.signal })
    context.defer(() => socket.close())
    const sent = Array.from({ length: FUZZED_PACKETS }, () =>
      packetOf(fuzzed(context.target.zone, context.random)),
    )
    for (const packet of sent) {
      await context.pace()
      socket.send(packet)
      const reply = await socket.receive(() => true, 2)
      if (reply !== undefined) judgeFuzzed(reply, sent, server)
    }
    for (;;) {
      const reply = await socket.receive(() => true, FUZZ_QUIET_MS)
      if (reply === undefined) break
      judgeFuzzed(reply, sent, server)
    }
    await assertAlive(server, context)
  }
}

function judgeFuzzed(reply: Uint8Array, sent: readonly Uint8Array[], server: DnsTarget): void {
  const expected = 'responses that can be read, each with the id of a query'
  const message = readReply(reply, expected)
  if ((message.flags & FLAG.QR) === 0 || !sent.some((packet) => hasIdOf(reply, packet))) {
    const asked = sent.find((packet) => hasIdOf(reply, packet))
    throw new CheckFailure({
      expected,
      actual: bytesText(reply),
      byHand: asked === undefined ? undefined : `${udpLine(asked, server)}   # ${expected}`,
    })
  }
}

/** A query with a few bytes changed, cut or added, the flag QR left as it is. */
function fuzzed(zone: string, random: () => number): Uint8Array {
  const whole = writeQuery({
    name: `${random() < 0.5 ? EXISTING_LABEL : MISSING_LABEL}.${zone}`,
    type: TYPE.A,
    ...(random() < 0.5 ? { edns: { options: [{ code: 3, data: Uint8Array.of(1, 2) }] } } : {}),
  })
  const bytes = Uint8Array.from(whole)
  for (let changes = 1 + Math.floor(random() * 4); changes > 0; changes -= 1) {
    const at = 4 + Math.floor(random() * (bytes.length - 4))
    bytes[at] = Math.floor(random() * 256)
  }
  return random() < 0.3 ? bytes.subarray(0, Math.floor(random() * bytes.length)) : bytes
}
