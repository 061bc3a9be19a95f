import { RCODE, TYPE } from '../../dns/codes.ts'
import type { Message } from '../../dns/read.ts'
import { joinBytes, mixCase } from '../../dns/write.ts'
import type { Case } from '../../suite/case.ts'
import type { Target } from '../../suite/target.ts'
import { DNS01Request, frame } from '../../wire/index.ts'
import { send } from '../by-hand.ts'
import { byHandOf } from './by-hand.ts'
import {
  setChallenge,
  withoutChallenges,
  type ChallengeWish,
  type CheckedChallenge,
} from './challenge-values.ts'
import { hasZoneSoa, holds, isNodata, isNxdomain } from './judge.ts'
import { nonstrict, runProbe, type Probe } from './probe.ts'
import { staticChallengeValues } from './static-zone.ts'

const CHALLENGE_TTL_SECONDS_GOOD = 10
const CHALLENGE_TTL_SECONDS_MAX = 120
/** Without EDNS (RFC 1035 §4.2.1); 14 values need 827 bytes. */
const UDP_BYTES_MAX = 512
const SMALL_OFFER_BYTES = 600
const MANY = 14

export const CHALLENGE_CASES: readonly Case[] = [
  challengeCase({
    id: 'NT-DNS-026/one-value',
    title: 'answers TXT at `_acme-challenge` before a name with the value that was set for it',
    wish: { count: 1 },
    probes: ({ name, values }) => [
      hasValues(name, values),
      { ...hasValues(name, values), transport: 'tcp' },
    ],
  }),
  challengeCase({
    id: 'NT-DNS-026/all-values',
    title: 'answers with all values that were set for a name, each in a record of its own',
    wish: { count: 3 },
    probes: ({ name, values }) => [
      hasValues(name, values),
      { ...hasValues(name, values), transport: 'tcp' },
    ],
  }),
  challengeCase({
    id: 'NT-DNS-017/challenge-in-mixed-case',
    title: 'finds challenges whatever the case of the letters in the query',
    wish: { count: 1 },
    probes: ({ name, values }) => {
      let turn = 0
      return [
        hasValues(name.toUpperCase(), values),
        hasValues(
          mixCase(name, () => (turn++ % 2) / 2),
          values,
        ),
      ]
    },
  }),
  challengeCase({
    id: 'NT-DNS-027/challenge-ttl',
    title:
      'lets resolvers keep challenges for 120 s at most, better 10 s: an old value fails the next order',
    wish: { count: 3 },
    probes: ({ name }) => [
      {
        query: { name, type: TYPE.TXT },
        expected: `TTLs of at most ${CHALLENGE_TTL_SECONDS_MAX} s`,
        judge({ answers }) {
          const ttl = Math.max(...answers.map((record) => record.ttl))
          if (ttl <= CHALLENGE_TTL_SECONDS_GOOD) return true
          return ttl <= CHALLENGE_TTL_SECONDS_MAX && `TTL ${ttl}`
        },
      },
    ],
  }),
  challengeCase({
    id: 'NT-DNS-028/negative-ttl-beside-challenges',
    title:
      'lets resolvers remember for 60 s at most that something is not there, beside challenges too',
    wish: { count: 1 },
    probes: ({ fqdn, name }) => [
      negativeTtl(fqdn, TYPE.TXT),
      negativeTtl(name, TYPE.A),
      negativeTtl(`_acme-challenge.missing-${fqdn}`, TYPE.TXT),
    ],
  }),
  challengeCase({
    id: 'NT-DNS-029/name-before-a-challenge',
    title:
      'says that a name exists while a challenge is below it: resolvers that minimise ask it first',
    wish: { count: 1 },
    probes: ({ fqdn }) => [TYPE.A, TYPE.NS, TYPE.TXT, TYPE.CAA].map((type) => nodata(fqdn, type)),
  }),
  challengeCase({
    id: 'NT-DNS-029/names-between',
    title: 'says that every name between a challenge and the zone exists',
    wish: { count: 1, below: true },
    probes: ({ fqdn }) =>
      [fqdn, fqdn.slice(fqdn.indexOf('.') + 1)].flatMap((name) =>
        [TYPE.A, TYPE.NS].map((type) => nodata(name, type)),
      ),
  }),
  challengeCase({
    id: 'NT-DNS-029/nothing-left',
    title: 'says again that a name does not exist when the last challenge below it is gone',
    wish: { count: 1 },
    needs: ['dns01-remove'],
    probes: ({ fqdn, name }) =>
      [fqdn, name].map((one) => ({
        query: { name: one, type: TYPE.TXT },
        expected: 'NXDOMAIN after the removal',
        judge: isNxdomain,
      })),
    before: ({ remove }) => remove(),
  }),
  challengeCase({
    id: 'NT-DNS-016/other-types-beside-challenges',
    title: 'answers NOERROR without an answer to other types where challenges are',
    wish: { count: 1 },
    probes: ({ name }, zone) =>
      [TYPE.A, TYPE.AAAA, TYPE.CAA, TYPE.CNAME].map((type) => ({
        ...nodata(name, type),
        expected: 'NOERROR without an answer, and the SOA of the zone',
        judge: (message) => isNodata(message) && hasZoneSoa(message, zone),
      })),
  }),
  challengeCase({
    id: 'NT-DNS-040/authoritative-for-challenges',
    title: 'sets AA in answers with challenges, and about the names before them',
    wish: { count: 1 },
    probes: ({ name, fqdn }) =>
      [name, fqdn].map((one) => ({
        query: { name: one, type: TYPE.TXT },
        expected: 'the flag AA',
        judge: ({ authoritative }) => authoritative,
      })),
  }),
  challengeCase({
    id: 'NT-DNS-058/truncated-without-edns',
    title: 'truncates over UDP what is longer than 512 bytes, so that TCP is asked',
    wish: { count: MANY },
    probes: ({ name, values }) => [truncated(name, values, undefined)],
  }),
  challengeCase({
    id: 'NT-DNS-058/truncated-to-the-offer',
    title: 'truncates over UDP what is longer than the client offers',
    wish: { count: MANY },
    probes: ({ name, values }) => [
      truncated(name, values, SMALL_OFFER_BYTES),
      truncated(name, values, 0),
    ],
  }),
  challengeCase({
    id: 'NT-DNS-058/whole-where-it-fits',
    title: 'does not truncate what the client has room for',
    wish: { count: MANY },
    probes: ({ name, values }) =>
      [1232, 4096].map((payloadBytesMax) => ({
        ...hasValues(name, values),
        query: { name, type: TYPE.TXT, edns: { payloadBytesMax } },
        expected: `all ${values.length} values, as they fit into ${payloadBytesMax} bytes`,
        judge: (message) => !message.truncated && hasValues(name, values).judge(message),
      })),
  }),
  challengeCase({
    id: 'NT-DNS-060/whole-over-tcp',
    title: 'answers over TCP with all that was too long for UDP',
    wish: { count: MANY },
    probes: ({ name, values }) => [
      {
        ...hasValues(name, values),
        transport: 'tcp',
        judge: (message) => !message.truncated && hasValues(name, values).judge(message),
      },
    ],
  }),
]

type ChallengeCase = Pick<Case, 'id' | 'title' | 'needs'> & {
  readonly wish: ChallengeWish
  readonly probes: (challenge: CheckedChallenge, zone: string) => readonly Probe[]
  /** Between the values and the probes. */
  readonly before?: (challenge: CheckedChallenge) => Promise<void>
}

/** A case that needs values at a name, and then asks every server. */
function challengeCase({ wish, probes, before, ...rest }: ChallengeCase): Case {
  return {
    ...rest,
    role: 'dns',
    byHand: (target) => challengeByHand(target, wish, probes),
    async run(context) {
      const reason = withoutChallenges(context.target)
      if (reason !== undefined) return { verdict: 'unsupported', reason }
      const challenge = await setChallenge(context, wish)
      await before?.(challenge)
      const remarks: string[] = []
      for (const server of context.target.dns) {
        const found = await Promise.all(
          probes(challenge, context.target.zone).map((probe) => runProbe(probe, server, context)),
        )
        remarks.push(...found.filter((remark) => remark !== undefined))
      }
      return nonstrict(remarks)
    },
  }
}

type JudgedProbe = Probe & { readonly judge: (message: Message) => boolean }

function hasValues(name: string, values: readonly string[]): JudgedProbe {
  return {
    query: { name, type: TYPE.TXT },
    expected: `TXT records with just the values ${values.join(', ')}`,
    judge: (message) =>
      // What does not fit is NT-DNS-058's, and TCP has it all.
      message.truncated ||
      holds(
        TYPE.TXT,
        values.map((value) => `"${value}"`),
      )(message),
  }
}

function nodata(name: string, type: number): Probe {
  return {
    query: { name, type },
    expected: 'NOERROR without an answer: the name exists, because a challenge is below it',
    judge: isNodata,
  }
}

function negativeTtl(name: string, type: number): Probe {
  return {
    query: { name, type },
    expected: 'a SOA with a TTL of at most 60 s',
    judge: ({ authority }) =>
      authority.every((record) => record.type !== TYPE.SOA || record.ttl <= 60),
  }
}

/** TC, and nothing that could be taken for all of the values (RFC 2181 §9). */
function truncated(name: string, values: readonly string[], offer: number | undefined): Probe {
  const bytesMax = Math.max(offer ?? 0, UDP_BYTES_MAX)
  return {
    query: {
      name,
      type: TYPE.TXT,
      ...(offer === undefined ? {} : { edns: { payloadBytesMax: offer } }),
    },
    expected: `TC, and at most ${bytesMax} bytes, as ${values.length} values do not fit`,
    judge: ({ rcode, truncated: isTruncated, bytes, answers }) =>
      // Knot: an offer of nothing is malformed.
      (offer === 0 && rcode === RCODE.FORMERR && 'FORMERR for an offer of 0 bytes') ||
      (rcode === RCODE.NOERROR &&
        isTruncated &&
        bytes.length <= bytesMax &&
        (answers.length === 0 || `${answers.length} of ${values.length} values beside TC`)),
  }
}

/** Values that anybody can set again, and then the questions. */
function challengeByHand(
  target: Target,
  { count, below = false }: ChallengeWish,
  probes: ChallengeCase['probes'],
): string {
  const fqdn = `check${below ? '.below' : ''}.${target.zone}`
  const values = staticChallengeValues(count)
  const requests = values.map((value) => frame(DNS01Request.encode({ fqdn, value })))
  const set = send(target, {
    protocol: 'dns01',
    bytes: joinBytes(...requests),
    asWriter: true,
    shows: 'an answer with error 0 for each value',
  })
  const challenge = {
    fqdn,
    name: `_acme-challenge.${fqdn}`,
    values,
    remove: () => Promise.resolve(),
  }
  return `${set}\n${byHandOf(target, probes(challenge, target.zone))}`
}
