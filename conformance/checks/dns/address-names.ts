import { TYPE } from '../../dns/codes.ts'
import type { Case, CheckContext } from '../../suite/case.ts'
import type { Target } from '../../suite/target.ts'
import { atFirstServer, digLine } from './by-hand.ts'
import { holds, isNxdomain } from './judge.ts'
import { atOnce, probeCase, runProbe, type Probe } from './probe.ts'
import {
  IP4_SAMPLES,
  IP6_LENIENT_SAMPLES,
  IP6_SAMPLES,
  IP6_ZERO_SAMPLES,
  type Sample,
} from './samples.ts'
import { isStatic } from './static-zone.ts'

const RANDOM_NAMES = 32

/** Each is one step away from an address (NT-DNS-011). */
const NO_IP4 = [
  'ip4256-0-0-1',
  'ip41-2-3-256',
  'ip4999-999-999-999',
  'ip401-2-3-4',
  'ip41-2-3-04',
  'ip400-0-0-0',
  'ip41-2-3',
  'ip41-2-3-4-5',
  'ip41-2-3-4-',
  'ip4-1-2-3-4',
  'ip41--2-3-4',
  'ip41-2-3-',
  'ip4',
  'ip41',
  'ip43405803783',
  'ip40x1-2-3-4',
  'ip41-2-3-4a',
  'ip4a-b-c-d',
  'ip4_1-2-3-4',
] as const

/** The same of IPv6 (NT-DNS-015). */
const NO_IP6 = [
  'ip6',
  'ip6-',
  'ip61--2--3',
  'ip6---',
  'ip6---1',
  'ip612345--',
  'ip61-2-3-4-5-6-7-8-9',
  'ip61-2-3-4-5-6-7',
  'ip61-2-3-4-5-6-7-8--',
  'ip6-1-2-3-4-5-6-7-8',
  'ip6g--1',
  'ip6fe80--1_eth0',
  'ip6--ffff-203-0-113-7-',
  'ip62001-db8--1-',
] as const

export const ADDRESS_NAME_CASES: readonly Case[] = [
  probeCase({
    id: 'NT-DNS-010/ip4-names',
    title: 'answers A for the name of an IPv4 address with that address',
    probes: (target) => sampleProbes(IP4_SAMPLES, TYPE.A, target),
  }),
  {
    id: 'NT-DNS-010/random-ip4-names',
    title: 'answers A for the name of any IPv4 address',
    role: 'dns',
    byHand: atFirstServer(
      (server, { zone }) => digLine({ name: `ip4192-0-2-17.${zone}`, type: TYPE.A }, server),
      'NOERROR with the one record 192.0.2.17; so with any other address',
    ),
    run: (context) => runRandom(context, randomIp4, TYPE.A),
  },
  probeCase({
    id: 'NT-DNS-011/no-ip4-addresses',
    title: 'answers NXDOMAIN where an `ip4` label holds no address',
    probes: (target) => missingProbes(NO_IP4, TYPE.A, target),
  }),
  probeCase({
    id: 'NT-DNS-012/ip6-names',
    title: 'answers AAAA for the name of an IPv6 address with that address',
    probes: (target) => sampleProbes(IP6_SAMPLES, TYPE.AAAA, target),
  }),
  {
    id: 'NT-DNS-012/random-ip6-names',
    title: 'answers AAAA for the name of any IPv6 address',
    role: 'dns',
    byHand: atFirstServer(
      (server, { zone }) =>
        digLine({ name: `ip62001-db8-1-2-3-4-5-6.${zone}`, type: TYPE.AAAA }, server),
      'NOERROR with the one record 2001:db8:1:2:3:4:5:6; so with any other address',
    ),
    run: (context) => runRandom(context, randomIp6, TYPE.AAAA),
  },
  probeCase({
    id: 'NT-DNS-013/names-with-a-zero-at-the-end',
    title: 'answers names whose address ends in colons, with the zero that is written after them',
    probes: (target) => sampleProbes(IP6_ZERO_SAMPLES, TYPE.AAAA, target),
  }),
  probeCase({
    id: 'NT-DNS-014/other-spellings-of-ip6',
    title:
      'answers other spellings of IPv6 addresses too: a hyphen at the end, zeros that could be left out',
    probes: (target) => sampleProbes(IP6_LENIENT_SAMPLES, TYPE.AAAA, target),
  }),
  probeCase({
    id: 'NT-DNS-015/no-ip6-addresses',
    title: 'answers NXDOMAIN where an `ip6` label holds no address',
    probes: (target) => [
      ...missingProbes(NO_IP6, TYPE.AAAA, target),
      // A dot within the label, as the original wrote mapped addresses.
      missing(`ip6--ffff-203\\.0\\.113\\.7.${target.zone}`, TYPE.AAAA),
    ],
  }),
  probeCase({
    id: 'NT-DNS-018/deeper-names',
    title: 'answers NXDOMAIN for the name of an address that is not directly below the zone',
    probes: ({ zone }) => [
      missing(`ip41-2-3-4.a.${zone}`, TYPE.A),
      missing(`a.ip41-2-3-4.${zone}`, TYPE.A),
      missing(`ip41-2-3-4.ip41-2-3-4.${zone}`, TYPE.A),
      missing(`ip6--1.a.${zone}`, TYPE.AAAA),
      missing(`ip4203-0-113-7.a.b.c.${zone}`, TYPE.A),
    ],
  }),
  probeCase({
    id: 'NT-DNS-025/ttl-of-names',
    title:
      'lets resolvers keep names of addresses and ids for 36000 s, or as long as was configured: seconds, not ms',
    probes: ({ zone }) => [
      ttlProbe(`ip4203-0-113-7.${zone}`, TYPE.A),
      ttlProbe(`ip62001-db8--1.${zone}`, TYPE.AAAA),
      ttlProbe(`pw4t9mvzh6onnp01f80botcm2pek713h2prwjb3qx6j9bnak4a4o8.${zone}`, TYPE.TXT),
    ],
  }),
]

/** Asks for names of which each has one record. */
export function sampleProbes(
  samples: readonly Sample[],
  type: number,
  { zone }: Target,
): readonly Probe[] {
  return samples.map(({ label, text }) => ({
    query: { name: `${label}.${zone}`, type },
    expected: `NOERROR with the one record ${text}`,
    judge: holds(type, [text]),
  }))
}

export function missingProbes(
  labels: readonly string[],
  type: number,
  { zone }: Target,
): readonly Probe[] {
  return labels.map((label) => missing(`${label}.${zone}`, type))
}

export function missing(name: string, type: number): Probe {
  return { query: { name, type }, expected: 'NXDOMAIN', judge: isNxdomain }
}

const NAMES_TTL_SECONDS = 36_000
const WEEK_SECONDS = 7 * 86_400
const TTL_SECONDS_MIN = 60

/** A week is more than any name needs, and less than 36,000 s written in milliseconds. */
function ttlProbe(name: string, type: number): Probe {
  return {
    query: { name, type },
    expected: `a TTL of ${NAMES_TTL_SECONDS} s (${TTL_SECONDS_MIN} to ${WEEK_SECONDS} where configured)`,
    judge({ answers: [record] }) {
      if (record?.ttl === NAMES_TTL_SECONDS) return true
      const ttl = record?.ttl ?? -1
      return ttl >= TTL_SECONDS_MIN && ttl <= WEEK_SECONDS && `TTL ${ttl}, not ${NAMES_TTL_SECONDS}`
    },
  }
}

async function runRandom(
  context: CheckContext,
  make: (random: () => number) => Sample,
  type: number,
): ReturnType<Case['run']> {
  if (isStatic(context.target)) return COMPUTES_NAMES
  const samples = Array.from({ length: RANDOM_NAMES }, () => make(context.random))
  const probes = sampleProbes(samples, type, context.target)
  const jobs = context.target.dns.flatMap((server) =>
    probes.map((probe) => () => runProbe(probe, server, context)),
  )
  await atOnce(jobs, 8)
  return undefined
}

const COMPUTES_NAMES = {
  verdict: 'unsupported',
  reason: 'a static zone holds some names only, and these are any',
} as const

function randomIp4(random: () => number): Sample {
  const octets = Array.from({ length: 4 }, () => Math.floor(random() * 256))
  return { label: `ip4${octets.join('-')}`, text: octets.join('.') }
}

/** Groups that are not zero, so that there is nothing to shorten. */
function randomIp6(random: () => number): Sample {
  const groups = Array.from({ length: 8 }, () => (1 + Math.floor(random() * 0xffff)).toString(16))
  return { label: `ip6${groups.join('-')}`, text: groups.join(':') }
}
