import { RCODE, TYPE } from '../../dns/codes.ts'
import type { Message } from '../../dns/read.ts'
import { writeQuery } from '../../dns/write.ts'
import type { Case, CheckContext } from '../../suite/case.ts'
import { CheckFailure } from '../../suite/case.ts'
import { addressText } from '../../dns/udp.ts'
import { atFirstServer, digLine } from './by-hand.ts'
import { aboutTheZone } from './headers.ts'
import { ask, probeCase } from './probe.ts'
import { EXISTING_LABEL, ID0_SAMPLES, IP4_SAMPLES } from './samples.ts'

/** An answer as long is of no use for reflection; what is longer pays for whoever forges the sender. */
const ANSWER_BYTES_MAX = 512
const AMPLIFICATION_MAX = 12
const AT_ONCE = 60

export const SIZE_CASES: readonly Case[] = [
  probeCase({
    id: 'NT-DNS-059/any',
    title: 'answers ANY with little: HINFO "RFC8482", or one set of records',
    probes: ({ zone }) =>
      [zone, `${EXISTING_LABEL}.${zone}`, `${ID0_SAMPLES.rsa.label}.${zone}`].map((name) => ({
        query: { name, type: TYPE.ANY },
        expected: 'NOERROR with HINFO or with records of one type, in 512 bytes',
        judge: (message: Message) => {
          if (message.truncated) return 'truncated, so that only TCP is answered'
          if (message.rcode !== RCODE.NOERROR || message.answers.length === 0) return false
          const types = new Set(message.answers.map(({ type }) => type))
          return (
            (types.size === 1 && message.bytes.length <= ANSWER_BYTES_MAX) ||
            `${types.size} types in ${message.bytes.length} bytes`
          )
        },
      })),
  }),
  probeCase({
    id: 'NT-DNS-066/amplification',
    title: `answers over UDP with at most ${AMPLIFICATION_MAX} times what was asked`,
    probes: ({ zone }) =>
      [
        ...aboutTheZone(zone),
        ...[TYPE.ANY, TYPE.CAA, TYPE.TXT].map((type) => ({ name: zone, type })),
      ]
        .map((query) => ({ ...query, edns: { payloadBytesMax: 4096 } }))
        .map((query) => ({
          query,
          expected: `an answer of at most ${AMPLIFICATION_MAX} times the query's length`,
          judge: ({ bytes }: Message) =>
            bytes.length <= AMPLIFICATION_MAX * writeQuery(query).length,
        })),
  }),
  {
    id: 'NT-DNS-067/queries-at-once',
    title: `answers ${AT_ONCE} queries at once, each with its own answer`,
    role: 'dns',
    byHand: atFirstServer((server, { zone }) => {
      const line = digLine({ name: `${EXISTING_LABEL}.${zone}`, type: TYPE.A }, server)
      return `for i in $(seq ${AT_ONCE}); do ${line} & done; wait`
    }, `${AT_ONCE} times NOERROR with the record 203.0.113.7`),
    run: runAtOnce,
  },
]

async function runAtOnce(context: CheckContext): Promise<void> {
  const { zone, dns } = context.target
  await Promise.all(
    Array.from({ length: AT_ONCE }, async (_, index) => {
      const sample = IP4_SAMPLES[index % IP4_SAMPLES.length]
      const server = dns[index % dns.length]
      if (sample === undefined || server === undefined) return
      const name = `${sample.label}.${zone}`
      const { answers } = await ask({ name, type: TYPE.A }, server, context)
      if (answers[0]?.text !== sample.text) {
        throw new CheckFailure({
          expected: `${sample.text} for ${name}, while ${AT_ONCE} others are asked`,
          actual: `${answers[0]?.text ?? 'no record'} at ${addressText(server)}`,
        })
      }
    }),
  )
}
