import { EDNS_DO, RCODE, TYPE } from '../../dns/codes.ts'
import type { Edns, Message } from '../../dns/read.ts'
import {
  HEADER_BYTES,
  joinBytes,
  writeHeader,
  writeName,
  writeOpt,
  writeQuery,
  writeQuestion,
  type EdnsInit,
  type QueryInit,
} from '../../dns/write.ts'
import type { Case } from '../../suite/case.ts'
import { refuses } from './judge.ts'
import { aboutTheZone } from './headers.ts'
import { probeCase, type Probe } from './probe.ts'
import { EXISTING_LABEL, IP4_SAMPLES } from './samples.ts'

const OPTION_NSID = 3
const OPTION_CLIENT_SUBNET = 8
const OPTION_COOKIE = 10
/** RFC 6891 §9: for private use. */
const OPTION_PRIVATE = 65_001
const PAYLOAD_BYTES_MIN = 512
const PAYLOAD_BYTES_MAX = 1232
/** Reserved bits of OPT (RFC 6891 §6.1.4). */
const RESERVED_FLAGS = 0x7fff

export const EDNS_CASES: readonly Case[] = [
  probeCase({
    id: 'NT-DNS-051/opt-in-answers',
    title: 'answers a query that has OPT with one OPT of version 0 in every kind of answer',
    probes: ({ zone }) =>
      [...aboutTheZone(zone), { name: 'example.org', type: TYPE.A }].map((query) => ({
        query: { ...query, edns: {} },
        expected: 'one OPT record at the root, version 0',
        judge: ({ edns }: Message) =>
          edns !== undefined && edns.version === 0 && edns.count === 1 && edns.ownerIsRoot,
      })),
  }),
  probeCase({
    id: 'NT-DNS-051/no-opt-without-opt',
    title: 'answers a query without OPT without OPT',
    probes: ({ zone }) =>
      aboutTheZone(zone).map((query) => ({
        query,
        expected: 'no OPT record',
        judge: ({ edns }: Message) => edns === undefined,
      })),
  }),
  probeCase({
    id: 'NT-DNS-051/payload-size',
    title: 'says that it takes 512 to 1232 bytes, what passes every usual path in one piece',
    level: 'SHOULD',
    probes: ({ zone }) => [
      opt({ name: zone, type: TYPE.SOA, edns: {} }, 'a payload size of 512 to 1232 bytes', (edns) =>
        edns.payloadBytesMax <= PAYLOAD_BYTES_MAX
          ? edns.payloadBytesMax >= PAYLOAD_BYTES_MIN
          : `payload size ${edns.payloadBytesMax}`,
      ),
    ],
  }),
  probeCase({
    id: 'NT-DNS-052/edns-version-1',
    title: 'says BADVERS, with an OPT of version 0, to a version of EDNS that it does not know',
    probes: ({ zone }) =>
      [1, 255].flatMap((version) =>
        [{}, { options: [{ code: OPTION_PRIVATE, data: Uint8Array.of(1) }] }].map((more) => ({
          query: { name: zone, type: TYPE.SOA, edns: { version, ...more } },
          expected: 'BADVERS, OPT version 0, and no records',
          judge: (message: Message) =>
            refuses(RCODE.BADVERS)(message) && message.edns?.version === 0,
        })),
      ),
  }),
  probeCase({
    id: 'NT-DNS-053/two-opts',
    title: 'says FORMERR to two OPT records',
    probes: ({ zone }) => [
      formerr(
        joinBytes(
          writeHeader({}, { questions: 1, additional: 2 }),
          writeQuestion({ name: zone, type: TYPE.SOA }),
          writeOpt({}),
          writeOpt({}),
        ),
      ),
    ],
  }),
  probeCase({
    id: 'NT-DNS-053/options-that-do-not-fit',
    title: 'says FORMERR to options that are longer than OPT',
    probes: ({ zone }) =>
      [
        [0, OPTION_NSID, 0, 10, 1, 2],
        [0, OPTION_NSID, 0],
        [0, OPTION_NSID, 0, 0, 0],
      ].map((data) =>
        formerr(writeQuery({ name: zone, type: TYPE.SOA, edns: { data: Uint8Array.from(data) } })),
      ),
  }),
  probeCase({
    id: 'NT-DNS-053/opt-below-the-root',
    title: 'says FORMERR to an OPT record that the root does not own',
    level: 'SHOULD',
    probes: ({ zone }) => [
      {
        ...formerr(
          writeQuery({ name: zone, type: TYPE.SOA, edns: { owner: writeName('example') } }),
        ),
        judge: (message) =>
          refuses(RCODE.FORMERR)(message) || (message.rcode === RCODE.NOERROR && 'it was answered'),
        silence: 'nonstrict',
      },
    ],
  }),
  probeCase({
    id: 'NT-DNS-054/unknown-options',
    title: 'answers as if options that it does not know were not there, and does not repeat them',
    probes: ({ zone }) =>
      [
        [{ code: OPTION_PRIVATE, data: Uint8Array.of(1, 2, 3, 4) }],
        [{ code: OPTION_PRIVATE, data: new Uint8Array(0) }],
        [
          { code: OPTION_NSID, data: new Uint8Array(0) },
          { code: OPTION_CLIENT_SUBNET, data: Uint8Array.of(0, 1, 0, 0) },
          { code: OPTION_PRIVATE, data: Uint8Array.of(9) },
        ],
      ].map((options) => answered(zone, { options })),
  }),
  probeCase({
    id: 'NT-DNS-054/unknown-flags',
    title: 'answers as if flags of EDNS that are reserved were not set, and does not set them',
    probes: ({ zone }) =>
      [0x4000, 0x0080, RESERVED_FLAGS].map((flags) => {
        const probe = answered(zone, { flags })
        return {
          ...probe,
          expected: `${probe.expected}, and no reserved flag`,
          judge: (message: Message) =>
            probe.judge(message) && ((message.edns?.flags ?? 0) & RESERVED_FLAGS) === 0,
        }
      }),
  }),
  probeCase({
    id: 'NT-DNS-055/do-is-copied',
    title: 'sets DO where the query has it, and nowhere else',
    probes: ({ zone }) =>
      [EDNS_DO, 0].map((flags) =>
        opt(
          { name: `${EXISTING_LABEL}.${zone}`, type: TYPE.A, edns: { flags } },
          `DO ${flags === 0 ? 'un' : ''}set, as in the query`,
          (edns) => (edns.flags & EDNS_DO) === flags,
        ),
      ),
  }),
  probeCase({
    id: 'NT-DNS-056/small-payload-sizes',
    title: 'treats an offer of less than 512 bytes as one of 512',
    probes: ({ zone }) =>
      [0, 1, 50, 511].map((payloadBytesMax) => {
        const probe = answered(zone, { payloadBytesMax })
        return {
          ...probe,
          judge: (message: Message) =>
            probe.judge(message) ||
            // Knot: room for less than a header is none.
            (payloadBytesMax < HEADER_BYTES &&
              refuses(RCODE.FORMERR)(message) &&
              `FORMERR for an offer of ${payloadBytesMax} bytes`),
        }
      }),
  }),
  probeCase({
    id: 'NT-DNS-057/cookies-of-impossible-length',
    title: 'says FORMERR to a cookie that is no cookie',
    probes: ({ zone }) =>
      [0, 7, 9, 15, 41].map((length) => ({
        ...formerr(cookieQuery(zone, length)),
        // NSD and Knot do without cookies, and so do not look at them.
        judge: (message: Message) =>
          refuses(RCODE.FORMERR)(message) ||
          (message.rcode === RCODE.NOERROR && `a cookie of ${length} bytes was not looked at`),
      })),
  }),
  probeCase({
    id: 'NT-DNS-057/cookies',
    title: 'answers queries with a cookie, alone or with a server cookie of any length',
    probes: ({ zone }) =>
      [8, 16, 24, 40].map((length) => ({
        query: cookieQuery(zone, length),
        expected: 'NOERROR, or BADCOOKIE where the server has cookies',
        judge: ({ rcode }: Message) => rcode === RCODE.NOERROR || rcode === RCODE_BADCOOKIE,
      })),
  }),
]

const RCODE_BADCOOKIE = 23

function cookieQuery(zone: string, length: number): Uint8Array {
  const options = [{ code: OPTION_COOKIE, data: new Uint8Array(length).fill(7) }]
  return writeQuery({ name: zone, type: TYPE.SOA, edns: { options } })
}

function formerr(query: Uint8Array): Probe {
  return { query, expected: 'FORMERR without records', judge: refuses(RCODE.FORMERR) }
}

/** A whole answer to a query with something in OPT that must not matter; options are not sent back. */
function answered(zone: string, edns: EdnsInit): Probe & { judge: (message: Message) => boolean } {
  const [{ label, text } = { label: '', text: '' }] = IP4_SAMPLES
  return {
    query: { name: `${label}.${zone}`, type: TYPE.A, edns },
    expected: `NOERROR with ${text}, not truncated, and none of the options that were sent`,
    judge: (message) =>
      message.rcode === RCODE.NOERROR &&
      !message.truncated &&
      message.answers.length === 1 &&
      !(message.edns?.options.includes(OPTION_PRIVATE) ?? false),
  }
}

/** Judges OPT; whether there is one is NT-DNS-051. */
function opt(query: QueryInit, expected: string, judge: (edns: Edns) => boolean | string): Probe {
  return {
    query,
    expected,
    judge: ({ edns }) => (edns === undefined ? 'no OPT in the answer' : judge(edns)),
  }
}
