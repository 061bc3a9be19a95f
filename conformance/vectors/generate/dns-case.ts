// One packet with what is expected of a server that gets it.
import { CLASS, EDNS_DO, FLAG, RCODE, TYPE } from '../../dns/codes.ts'
import {
  joinBytes,
  uint16,
  writeHeader,
  writeOpt,
  writeQuery,
  writeQuestion,
  type QueryInit,
} from '../../dns/write.ts'
import type { DnsExpectation, DnsZone } from '../schema-dns.ts'
import { toHex } from './build.ts'
import { recordsAt, soaRecord, type ZoneRecord } from './dns-zone.ts'

export interface DnsCase {
  readonly transport: 'udp' | 'tcp'
  readonly query: Uint8Array
  readonly expect: DnsExpectation
  /** One response that conforms, where one is expected. */
  readonly response: Uint8Array | undefined
}

const OFFERED_BYTES = 1232
const UDP_BYTES_MAX = 512
const TCP_BYTES_MAX = 65_535
const EXTENDED_RCODE_SHIFT = 4

/** A good query, and its answer from the zone. */
export function askZone(
  init: QueryInit & { readonly name: string; readonly transport?: 'udp' | 'tcp' },
  zone: DnsZone,
): DnsCase {
  const { transport = 'udp' } = init
  const name = init.name.toLowerCase()
  const outside = name !== zone.name && !name.endsWith(`.${zone.name}`)
  const otherClass = (init.class ?? CLASS.IN) !== CLASS.IN
  const refused = outside || otherClass || isTransfer(init.type)
  const records = refused ? [] : recordsAt(name, zone)
  const all = init.type === TYPE.ANY
  const answers = (records ?? []).filter(({ type }) => all || type === init.type)
  const negative = !refused && answers.length === 0
  const rcode = refused ? RCODE.REFUSED : records === undefined ? RCODE.NXDOMAIN : RCODE.NOERROR
  const bytesMax = transport === 'tcp' ? TCP_BYTES_MAX : udpBytesMax(init)
  const content = { rcode, authoritative: !refused, answers, negative }
  const whole = writeResponse(init, zone, content)
  const truncated = whole.length > bytesMax
  return {
    transport,
    query: writeQuery(init),
    expect: {
      reply: 'required',
      rcodes: rcodesOf(init, rcode),
      authoritative: refused ? null : true,
      truncated,
      questionHex: otherClass ? null : toHex(writeQuestion(init)),
      answers:
        all || truncated
          ? null
          : answers.map(({ type, ttlSeconds, rdata }) => ({
              name,
              type,
              ttlMax: ttlSeconds,
              rdataHex: toHex(rdata),
            })),
      soa: refused ? false : negative ? true : null,
      edns: init.edns !== undefined,
      dnssecOk: init.edns === undefined ? null : ((init.edns.flags ?? 0) & EDNS_DO) !== 0,
      bytesMax,
    },
    response: truncated ? writeResponse(init, zone, { ...content, answers: [], truncated }) : whole,
  }
}

/** The first is ours; servers differ in how they say that they do not do something. */
function rcodesOf(init: QueryInit, rcode: number): readonly number[] {
  if (isTransfer(init.type)) return [RCODE.REFUSED, RCODE.NOTIMP, RCODE.NOTAUTH]
  if ((init.class ?? CLASS.IN) !== CLASS.IN) return [RCODE.REFUSED, RCODE.FORMERR, RCODE.NOTIMP]
  return [rcode]
}

/** A packet that is no good query: an error or silence. */
export function sendPacket(
  query: Uint8Array,
  expect: Pick<DnsExpectation, 'reply' | 'rcodes'> & Partial<DnsExpectation>,
  transport: 'udp' | 'tcp' = 'udp',
): DnsCase {
  const complete = {
    authoritative: null,
    truncated: false,
    questionHex: null,
    answers: [],
    soa: false,
    edns: null,
    dnssecOk: null,
    bytesMax: transport === 'udp' ? UDP_BYTES_MAX : TCP_BYTES_MAX,
    ...expect,
  }
  const [rcode = 0] = expect.rcodes
  const extended = rcode >> EXTENDED_RCODE_SHIFT
  // Id and opcode of the query, RD left out: what we answer where nothing else was understood.
  const header = writeHeader(
    {
      id: ((query[0] ?? 0) << 8) | (query[1] ?? 0),
      opcode: ((query[2] ?? 0) >> 3) & 15,
      flags: FLAG.QR | (rcode & 15),
    },
    { additional: extended === 0 ? 0 : 1 },
  )
  const opt = extended === 0 ? new Uint8Array(0) : writeOpt({}).with(5, extended)
  return {
    transport,
    query,
    expect: complete,
    response: expect.reply === 'none' ? undefined : joinBytes(header, opt),
  }
}

interface Content {
  readonly rcode: number
  readonly authoritative: boolean
  readonly answers: readonly ZoneRecord[]
  readonly negative: boolean
  readonly truncated?: boolean
}

function writeResponse(query: QueryInit, zone: DnsZone, content: Content): Uint8Array {
  const { rcode, authoritative, answers, negative, truncated = false } = content
  const flags =
    FLAG.QR |
    (authoritative ? FLAG.AA : 0) |
    (truncated ? FLAG.TC : 0) |
    ((query.flags ?? 0) & FLAG.RD) |
    rcode
  const opcode = query.opcode ?? 0
  const soa = soaRecord(zone)
  const zoneName = writeQuestion({ name: zone.name, type: 0 }).slice(0, -4)
  return joinBytes(
    writeHeader(
      { id: query.id ?? 0, opcode, flags },
      {
        questions: 1,
        answers: answers.length,
        authority: negative ? 1 : 0,
        additional: query.edns === undefined ? 0 : 1,
      },
    ),
    writeQuestion(query),
    // The owner of every answer is the name in the question, at byte 12.
    ...answers.map((record) => writeRecord(Uint8Array.of(0xc0, 12), record)),
    negative ? writeRecord(zoneName, soa) : [],
    query.edns === undefined ? [] : writeOpt({ flags: (query.edns.flags ?? 0) & EDNS_DO }),
  )
}

function writeRecord(owner: Uint8Array, { type, ttlSeconds, rdata }: ZoneRecord): Uint8Array {
  const ttl = [...uint16(ttlSeconds >>> 16), ...uint16(ttlSeconds & 0xffff)]
  return joinBytes(owner, uint16(type), uint16(CLASS.IN), ttl, uint16(rdata.length), rdata)
}

function udpBytesMax({ edns }: QueryInit): number {
  if (edns === undefined) return UDP_BYTES_MAX
  const offered = edns.payloadBytesMax ?? OFFERED_BYTES
  return Math.min(OFFERED_BYTES, Math.max(UDP_BYTES_MAX, offered))
}

function isTransfer(type: number): boolean {
  return type === TYPE.AXFR || type === TYPE.IXFR
}
