import { EDNS_DO, FLAG, rcodeName, TYPE, typeName } from '../dns/codes.ts'
import { parseSoa, readRdata } from '../dns/rdata.ts'
import { Reader, readMessage, type Message, type ResourceRecord } from '../dns/read.ts'
import type { DnsExpectation } from './schema-dns.ts'

/** Extended errors (RFC 8914) may be sent to whoever has OPT. */
const OPTION_EXTENDED_ERROR = 15
/** A compressed name within a record has the case of the name that it points to. */
const NAMES_WITHIN: ReadonlySet<number> = new Set([TYPE.NS, TYPE.SOA])
const NEGATIVE_TTL_SECONDS_MAX = 60

/**
 * How a response differs from what is expected, a line each. `response` is undefined after silence.
 * @param query to compare the id, opcode and RD with
 */
export function responseDifferences(
  response: Uint8Array | undefined,
  {
    query,
    expect,
    zone,
  }: { readonly query: Uint8Array; readonly expect: DnsExpectation; readonly zone: string },
): readonly string[] {
  if (response === undefined) return expect.reply === 'required' ? ['no answer'] : []
  if (expect.reply === 'none') return ['an answer, where none should be']
  let message: Message
  try {
    message = readMessage(response)
  } catch (error) {
    return [`unreadable: ${(error as Error).message}`]
  }
  return [
    ...headerDifferences(message, query, expect),
    ...recordDifferences(message, expect),
    ...soaDifferences(message, expect, zone),
    ...ednsDifferences(message, expect),
  ]
}

function headerDifferences(
  message: Message,
  query: Uint8Array,
  expect: DnsExpectation,
): readonly string[] {
  const differences: string[] = []
  const differ = (what: string, actual: unknown): void =>
    void differences.push(`${what} is ${String(actual)}`)
  const { flags, rcode, bytes } = message
  if (Buffer.compare(bytes.subarray(0, 2), query.subarray(0, 2)) !== 0) differ('id', message.id)
  if ((flags & FLAG.QR) === 0) differ('QR', 0)
  if ((flags & FLAG.RA) !== 0) differ('RA', 1)
  if (message.opcode !== (((query[2] ?? 0) >> 3) & 15)) differ('opcode', message.opcode)
  if (!expect.rcodes.includes(rcode)) differ('rcode', rcodeName(rcode))
  if (expect.authoritative !== null && message.authoritative !== expect.authoritative) {
    differ('AA', Number(message.authoritative))
  }
  if (message.truncated !== expect.truncated) differ('TC', Number(message.truncated))
  if (bytes.length > expect.bytesMax) differ('length', bytes.length)
  const question = Buffer.concat(message.questions.map((one) => one.bytes)).toString('hex')
  if (expect.questionHex !== null && question !== expect.questionHex) differ('question', question)
  return differences
}

function recordDifferences(message: Message, { answers }: DnsExpectation): readonly string[] {
  if (answers === null) return []
  // As text, because names within records may be compressed.
  const lineOf = (name: string, type: number, text: string): string =>
    `${name.toLowerCase()} ${typeName(type)} ${NAMES_WITHIN.has(type) ? text.toLowerCase() : text}`
  const wanted = answers
    .map(({ name, type, rdataHex }) => {
      const reader = new Reader(Uint8Array.from(Buffer.from(rdataHex, 'hex')))
      return lineOf(name, type, readRdata(type, reader))
    })
    .toSorted()
  const found = message.answers.map(({ name, type, text }) => lineOf(name, type, text)).toSorted()
  const ttlMax = Math.max(0, ...answers.map((record) => record.ttlMax))
  const ttl = Math.max(0, ...message.answers.map((record) => record.ttl))
  return [
    ...(wanted.join() === found.join() ? [] : [`answers are ${JSON.stringify(found)}`]),
    ...(ttl > ttlMax ? [`TTL is ${ttl}`] : []),
  ]
}

function soaDifferences(message: Message, expect: DnsExpectation, zone: string): readonly string[] {
  if (expect.soa === null) return []
  const soa = message.authority.find(({ type }) => type === TYPE.SOA)
  if ((soa !== undefined) !== expect.soa) return [`SOA is ${soa === undefined ? 'not ' : ''}there`]
  return soa === undefined ? [] : wrongSoa(soa, zone)
}

function wrongSoa({ name, ttl, text }: ResourceRecord, zone: string): readonly string[] {
  const max = Math.min(NEGATIVE_TTL_SECONDS_MAX, parseSoa(text).minimum)
  return [
    ...(name.toLowerCase() === zone ? [] : [`SOA is of ${name}`]),
    ...(ttl <= max ? [] : [`SOA has the TTL ${ttl}`]),
  ]
}

function ednsDifferences({ edns }: Message, expect: DnsExpectation): readonly string[] {
  if (expect.edns === null) return []
  if ((edns !== undefined) !== expect.edns)
    return [`OPT is ${edns === undefined ? 'not ' : ''}there`]
  if (edns === undefined) return []
  const options = edns.options.filter((code) => code !== OPTION_EXTENDED_ERROR)
  const dnssecOk = (edns.flags & EDNS_DO) !== 0
  return [
    ...(edns.count === 1 && edns.ownerIsRoot ? [] : ['OPT is not one at the root']),
    ...(edns.version === 0 ? [] : [`OPT has version ${edns.version}`]),
    ...(options.length === 0 ? [] : [`OPT has the options ${options.join()}`]),
    ...(expect.dnssecOk === null || dnssecOk === expect.dnssecOk
      ? []
      : [`DO is ${Number(dnssecOk)}`]),
  ]
}
