import { RCODE, TYPE } from '../../dns/codes.ts'
import { parseSoa } from '../../dns/rdata.ts'
import type { Message } from '../../dns/read.ts'
import type { Case } from '../../suite/case.ts'
import { hasZoneSoa, isNodata, isNxdomain, refuses, soaOf } from './judge.ts'
import { probeCase, type Probe } from './probe.ts'
import { EXISTING_LABEL, ID0_SAMPLES, MISSING_LABEL } from './samples.ts'

/** Of a name with an A record. */
const OTHER_TYPES = [
  TYPE.AAAA,
  TYPE.TXT,
  TYPE.MX,
  TYPE.CAA,
  TYPE.CNAME,
  TYPE.SOA,
  TYPE.SRV,
  TYPE.DS,
  TYPE.TLSA,
  TYPE.HTTPS,
] as const
/** Nobody has given these a meaning (RFC 6895 §3.1: 65280 to 65534 for private use). */
const UNKNOWN_TYPES = [65_280, 65_534, 65_535] as const
const NEGATIVE_TTL_SECONDS_MAX = 60

export const NEGATIVE_CASES: readonly Case[] = [
  probeCase({
    id: 'NT-DNS-016/other-types-of-address-names',
    title: 'answers NOERROR without an answer where the name exists and has no record of the type',
    probes: ({ zone }) =>
      [
        ...OTHER_TYPES.map((type) => nodata(`${EXISTING_LABEL}.${zone}`, type)),
        nodata(`ip62001-db8--1.${zone}`, TYPE.A),
        nodata(`ip62001-db8--1.${zone}`, TYPE.TXT),
        nodata(`${ID0_SAMPLES.rsa.label}.${zone}`, TYPE.A),
        nodata(`${ID0_SAMPLES.rsa.label}.${zone}`, TYPE.AAAA),
      ].map((probe) => ({
        ...probe,
        expected: 'NOERROR without an answer, and the SOA of the zone',
        judge: (message: Message) => isNodata(message) && hasZoneSoa(message, zone),
      })),
  }),
  probeCase({
    id: 'NT-DNS-016/other-types-of-the-zone',
    title: 'answers NOERROR without an answer where the zone itself has no record of the type',
    probes: ({ zone }) => [TYPE.MX, TYPE.SRV, TYPE.CNAME].map((type) => nodata(zone, type)),
  }),
  probeCase({
    id: 'NT-DNS-016/missing-names',
    title: 'answers NXDOMAIN, whatever the type, where there is no such name',
    probes: ({ zone }) =>
      [TYPE.A, TYPE.AAAA, TYPE.TXT, TYPE.MX, 65_280].map((type) => ({
        query: { name: `${MISSING_LABEL}.${zone}`, type },
        expected: 'NXDOMAIN',
        judge: isNxdomain,
      })),
  }),
  probeCase({
    id: 'NT-DNS-028/negative-ttl',
    title: 'lets resolvers remember for 60 s at most that something is not there',
    probes: ({ zone }) =>
      negatives(zone).map((probe) => ({
        ...probe,
        expected: `a SOA of which TTL and MINIMUM, or the smaller of both, are at most ${NEGATIVE_TTL_SECONDS_MAX} s`,
        // Whether there is a SOA at all is NT-DNS-064.
        judge: (message: Message) =>
          soaOf(message) === undefined || negativeTtl(message) <= NEGATIVE_TTL_SECONDS_MAX,
      })),
  }),
  probeCase({
    id: 'NT-DNS-064/soa-in-negative-answers',
    title: 'puts the SOA of the zone into the authority section of every negative answer',
    probes: ({ zone }) =>
      negatives(zone).map((probe) => ({
        ...probe,
        expected: 'the SOA of the zone in the authority section',
        judge: (message: Message) => hasZoneSoa(message, zone),
      })),
  }),
  probeCase({
    id: 'NT-DNS-064/ttl-of-negative-answers',
    title: 'gives the SOA in negative answers the smaller of its own TTL and MINIMUM as its TTL',
    probes: ({ zone }) =>
      negatives(zone).map((probe) => ({
        ...probe,
        expected: 'a SOA with a TTL that is at most its MINIMUM',
        judge: (message: Message) => {
          const soa = soaOf(message)
          return soa === undefined || soa.ttl <= parseSoa(soa.text).minimum
        },
      })),
  }),
  probeCase({
    id: 'NT-DNS-065/unknown-types',
    title: 'answers types that it does not know as any type that is not there',
    probes: ({ zone }) => [
      ...UNKNOWN_TYPES.map((type) => nodata(`${EXISTING_LABEL}.${zone}`, type)),
      ...UNKNOWN_TYPES.map((type) => nodata(zone, type)),
      {
        query: { name: `${EXISTING_LABEL}.${zone}`, type: 0 },
        expected: 'NOERROR without an answer; NOTIMP or FORMERR are tolerated',
        // Type 0 is reserved (RFC 6895 §3.1): Knot says NOTIMP.
        judge: (message) =>
          isNodata(message) ||
          (refuses(RCODE.NOTIMP, RCODE.FORMERR)(message) && 'an error for type 0'),
      },
    ],
  }),
]

function nodata(name: string, type: number): Probe {
  return {
    query: { name, type },
    expected: 'NOERROR without an answer',
    judge: isNodata,
  }
}

/** Questions with no answer: for names that exist, and for names that do not. */
function negatives(zone: string): readonly Pick<Probe, 'query'>[] {
  return [
    { query: { name: `${EXISTING_LABEL}.${zone}`, type: TYPE.AAAA } },
    { query: { name: `${EXISTING_LABEL}.${zone}`, type: TYPE.CAA } },
    { query: { name: `ip62001-db8--1.${zone}`, type: TYPE.A } },
    { query: { name: `${ID0_SAMPLES.rsa.label}.${zone}`, type: TYPE.A } },
    { query: { name: zone, type: TYPE.MX } },
    { query: { name: `${MISSING_LABEL}.${zone}`, type: TYPE.A } },
    { query: { name: `_acme-challenge.${MISSING_LABEL}.${zone}`, type: TYPE.TXT } },
    { query: { name: `_acme-challenge.${EXISTING_LABEL}.${zone}`, type: TYPE.TXT } },
    { query: { name: `ip4256-0-0-1.${zone}`, type: TYPE.A } },
  ]
}

/** RFC 2308 §5. */
function negativeTtl(message: Message): number {
  const soa = soaOf(message)
  return soa === undefined ? 0 : Math.min(soa.ttl, parseSoa(soa.text).minimum)
}
