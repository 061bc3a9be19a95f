import { encode } from 'dns-packet'
import fc, { type Arbitrary } from 'fast-check'
import { mutated, noise } from './inputs.ts'

export const ZONE = 'nt.example.org'

const HEADER_BYTES = 12
/** RFC 6891: a requestor's size below 512 counts as 512. */
const RESPONSE_BYTES_MAX_UDP = 1_232
const RESPONSE_BYTES_MAX_TCP = 65_535
const RCODES: readonly number[] = [0, 1, 3, 4, 5]

const label = fc.stringMatching(/^[a-z0-9_-]{1,63}$/)
const octet = fc.nat({ max: 299 })
const name = fc
  .oneof(
    fc.tuple(octet, octet, octet, octet).map((octets) => `ip4${octets.join('-')}.${ZONE}`),
    fc.ipV6().map((address) => `ip6${address.replaceAll(/[:.]/g, '-')}.${ZONE}`),
    fc.tuple(octet, octet).map(([a, b]) => `_acme-challenge.ip4192-0-${a}-${b}.${ZONE}`),
    fc.constantFrom(ZONE, `ns1.${ZONE}`, `pK51QZI5.${ZONE}`, `www.${ZONE}`, 'example.com', '.'),
    label.map((text) => `${text}.${ZONE}`),
    fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.')),
  )
  // No client can ask for a longer one.
  .map((text) => (text.length > 250 ? ZONE : text))
const type = fc.constantFrom('A', 'AAAA', 'TXT', 'NS', 'SOA', 'CAA', 'MX', 'CNAME', 'ANY', 'AXFR')
const edns = fc.record({
  udpPayloadSize: fc.constantFrom(0, 511, 512, 1_232, 4_096, 65_535),
  ednsVersion: fc.constantFrom(0, 0, 0, 1, 255),
  flags: fc.constantFrom(0, 0x80_00),
})

/** Queries as resolvers send them, sensible or not. */
export const wellFormedQuery: Arbitrary<Uint8Array> = fc
  .tuple(name, type, fc.option(edns, { nil: undefined }))
  .map(([asked, askedType, opt]) =>
    encode({
      type: 'query',
      questions: [{ name: asked, type: askedType as 'A' }],
      ...(opt === undefined
        ? {}
        : {
            additionals: [
              { type: 'OPT', name: '.', extendedRcode: 0, flag_do: false, options: [], ...opt },
            ],
          }),
    }),
  )

/** Mostly packets that are nearly queries, since those get furthest. */
export const hostilePacket: Arbitrary<Uint8Array> = fc.oneof(
  { weight: 7, arbitrary: mutated(wellFormedQuery) },
  { weight: 2, arbitrary: wellFormedQuery },
  { weight: 1, arbitrary: noise(600) },
)

/** What a connection says: a length, then the query. */
const stream = wellFormedQuery.map((query) =>
  Buffer.concat([Uint8Array.of(query.length >> 8, query.length & 255), query]),
)
export const wellFormedStream: Arbitrary<Uint8Array> = stream

/** Lengths that lie, and bytes without any. */
export const hostileStream: Arbitrary<Uint8Array> = fc.oneof(
  { weight: 4, arbitrary: mutated(stream) },
  { weight: 1, arbitrary: hostilePacket },
)

/** Whether silence is wrong: everything gets an answer but what is too short or is an answer itself (RFC 8906). */
export function wantsAnswer(packet: Uint8Array): boolean {
  return packet.length >= HEADER_BYTES && ((packet[2] ?? 0) & 0x80) === 0
}

/** What is wrong with an answer, whatever the packet was. */
export function answerProblem(
  packet: Uint8Array,
  answer: Uint8Array,
  transport: 'udp' | 'tcp',
): string | undefined {
  if (!wantsAnswer(packet)) return 'answered what is no query'
  if (answer.length < HEADER_BYTES) return `an answer of ${answer.length} bytes`
  const lengthMax = transport === 'udp' ? RESPONSE_BYTES_MAX_UDP : RESPONSE_BYTES_MAX_TCP
  if (answer.length > lengthMax) return `an answer of ${answer.length} bytes over ${transport}`
  const [flags, rest] = [answer[2] ?? 0, answer[3] ?? 0]
  if ((flags & 0x80) === 0) return 'an answer without QR'
  if ((flags & 0x78) !== ((packet[2] ?? 0) & 0x78)) return 'an answer with another opcode'
  if ((rest & 0x80) !== 0) return 'an answer that offers recursion'
  if (!RCODES.includes(rest & 15)) return `an answer with RCODE ${rest & 15}`
  return undefined
}
