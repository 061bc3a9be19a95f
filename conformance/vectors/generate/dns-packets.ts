import { CLASS, FLAG, OPCODE, RCODE, TYPE } from '../../dns/codes.ts'
import {
  joinBytes,
  uint16,
  writeHeader,
  writeName,
  writeOpt,
  writeQuery,
  writeQuestion,
  type EdnsInit,
  type QueryInit,
} from '../../dns/write.ts'
import type { DnsZone } from '../schema-dns.ts'
import { fromHex, type Draft } from './build.ts'
import { askZone, sendPacket, type DnsCase } from './dns-case.ts'
import type { DnsRow } from './dns-row.ts'

const FORMERR_OR_SILENCE = { reply: 'optional', rcodes: [RCODE.FORMERR] } as const
/** A name that can be read, if one wants to: of the root, or of nothing that is served. */
const ERROR_OR_SILENCE = { reply: 'optional', rcodes: [RCODE.FORMERR, RCODE.REFUSED] } as const
const SILENCE = { reply: 'none', rcodes: [] } as const

/** Packets that are odd, and what is no query at all. */
export function packets(zone: DnsZone): readonly DnsRow[] {
  const name = `ip4203-0-113-7.${zone.name}`
  const good: QueryInit & { readonly name: string } = { name, type: TYPE.A }
  return [...headers(good, zone), ...malformed(good), ...badEdns(good), ...classes(good, zone)]
}

function headers(good: QueryInit & { readonly name: string }, zone: DnsZone): readonly DnsRow[] {
  const question = writeQuestion(good)
  const header = (counts: object, flags = 0): Uint8Array => writeHeader({ flags }, counts)
  const opcode = (comment: string, code: number): DnsRow =>
    row(
      'invalid',
      'NT-DNS-047',
      'Header',
      comment,
      sendPacket(writeQuery({ ...good, opcode: code }), {
        reply: 'required',
        rcodes: [RCODE.NOTIMP, RCODE.REFUSED, RCODE.NOTAUTH, RCODE.FORMERR, RCODE.NXDOMAIN],
      }),
    )
  const flags = (comment: string, value: number): DnsRow =>
    row('valid', 'NT-DNS-042', 'Header', comment, askZone({ ...good, flags: value }, zone))
  return [
    flags('RD', FLAG.RD),
    flags('AD and CD', FLAG.AD | FLAG.CD),
    flags('the reserved bit', FLAG.Z),
    flags('AA, TC and RA', FLAG.AA | FLAG.TC | FLAG.RA),
    row(
      'acceptable',
      'NT-DNS-042',
      'Header',
      'an rcode in the query, which means nothing',
      askZone({ ...good, flags: RCODE.REFUSED }, zone),
    ),
    row('valid', 'NT-DNS-042', 'Header', 'id 65,535', askZone({ ...good, id: 65_535 }, zone)),
    opcode('STATUS', OPCODE.STATUS),
    opcode('NOTIFY', OPCODE.NOTIFY),
    opcode('UPDATE', OPCODE.UPDATE),
    opcode('opcode 15', 15),
    row(
      'invalid',
      'NT-DNS-044',
      'Header',
      'a response',
      sendPacket(writeQuery({ ...good, flags: FLAG.QR }), SILENCE),
    ),
    row(
      'invalid',
      'NT-DNS-044',
      'Header',
      'a malformed response',
      sendPacket(header({ questions: 1 }, FLAG.QR), SILENCE),
    ),
    row(
      'invalid',
      'NT-DNS-044',
      'Header',
      'a response of another opcode',
      sendPacket(writeQuery({ ...good, opcode: 15, flags: FLAG.QR }), SILENCE),
    ),
    row(
      'invalid',
      'NT-DNS-043',
      'Header',
      'no question',
      sendPacket(header({}), FORMERR_OR_SILENCE),
    ),
    row(
      'invalid',
      'NT-DNS-043',
      'Header',
      'two questions',
      sendPacket(joinBytes(header({ questions: 2 }), question, question), FORMERR_OR_SILENCE),
    ),
    row(
      'invalid',
      'NT-DNS-043',
      'Header',
      'two questions said, one there',
      sendPacket(joinBytes(header({ questions: 2 }), question), FORMERR_OR_SILENCE),
    ),
    row(
      'invalid',
      'NT-DNS-043',
      'Header',
      '65,535 questions said',
      sendPacket(joinBytes(header({ questions: 65_535 }), question), FORMERR_OR_SILENCE),
    ),
    row(
      'invalid',
      'NT-DNS-046',
      'Header',
      'an answer said, none there',
      sendPacket(joinBytes(header({ questions: 1, answers: 1 }), question), FORMERR_OR_SILENCE),
    ),
    row(
      'invalid',
      'NT-DNS-046',
      'Header',
      'an additional record said, none there',
      sendPacket(joinBytes(header({ questions: 1, additional: 1 }), question), FORMERR_OR_SILENCE),
    ),
  ]
}

function malformed(good: QueryInit & { readonly name: string }): readonly DnsRow[] {
  const query = writeQuery(good)
  const header = writeHeader({}, { questions: 1 })
  const tail = joinBytes(uint16(TYPE.A), uint16(CLASS.IN))
  const bad = (req: string, comment: string, packet: Uint8Array): DnsRow =>
    row('invalid', req, 'Malformed', comment, sendPacket(packet, FORMERR_OR_SILENCE))
  const pointer = (comment: string, packet: Uint8Array): DnsRow =>
    row('invalid', 'NT-DNS-046', 'Malformed', comment, sendPacket(packet, ERROR_OR_SILENCE))
  const silent = (comment: string, packet: Uint8Array): DnsRow =>
    row('invalid', 'NT-DNS-045', 'Malformed', comment, sendPacket(packet, SILENCE))
  const labels = (size: number, count: number): string =>
    Array.from({ length: count }, () => 'a'.repeat(size)).join('.')
  return [
    silent('one byte', fromHex('00')),
    silent('an id', fromHex('0000')),
    silent('eleven bytes', query.slice(0, 11)),
    bad('NT-DNS-046', 'a header alone', header),
    bad('NT-DNS-046', 'the name cut', query.slice(0, 20)),
    bad('NT-DNS-046', 'the name without its end', query.slice(0, -5)),
    bad('NT-DNS-046', 'the type cut', query.slice(0, -3)),
    bad('NT-DNS-046', 'the class missing', query.slice(0, -2)),
    pointer('a pointer to itself', joinBytes(header, fromHex('c00c'), tail)),
    pointer('a pointer forward', joinBytes(header, fromHex('c0ff'), tail)),
    pointer('a pointer into the header', joinBytes(header, fromHex('c000'), tail)),
    bad(
      'NT-DNS-024',
      'a label of 64 bytes',
      joinBytes(header, [64], new Uint8Array(64).fill(97), writeName('nt.test'), tail),
    ),
    bad(
      'NT-DNS-024',
      'a label with the reserved length 0x80',
      joinBytes(header, [0x80, 97], writeName('nt.test'), tail),
    ),
    bad(
      'NT-DNS-024',
      'a name of 256 bytes',
      joinBytes(header, writeName(`${labels(61, 4)}.nt.test`.slice(-254)), tail),
    ),
    bad(
      'NT-DNS-024',
      'a name of 128 labels',
      joinBytes(header, writeName(`${labels(1, 126)}.nt.test`), tail),
    ),
  ]
}

function badEdns(good: QueryInit): readonly DnsRow[] {
  const question = writeQuestion(good)
  const two = writeHeader({}, { questions: 1, additional: 2 })
  const one = writeHeader({}, { questions: 1, additional: 1 })
  const formerr = (
    req: string,
    comment: string,
    packet: Uint8Array,
    result: Draft['result'] = 'invalid',
  ): DnsRow =>
    row(
      result,
      req,
      'BadEdns',
      comment,
      sendPacket(packet, { reply: 'required', rcodes: [RCODE.FORMERR], questionHex: null }),
    )
  const version = (number: number): DnsRow =>
    row(
      'invalid',
      'NT-DNS-052',
      'BadEdns',
      `version ${number}`,
      sendPacket(writeQuery({ ...good, edns: { version: number } }), {
        reply: 'required',
        rcodes: [RCODE.BADVERS],
        edns: true,
        dnssecOk: false,
      }),
    )
  const data = (init: EdnsInit): Uint8Array => writeQuery({ ...good, edns: init })
  const cookie = (bytes: number): Uint8Array =>
    data({ options: [{ code: 10, data: new Uint8Array(bytes) }] })
  return [
    version(1),
    version(255),
    formerr('NT-DNS-053', 'two OPT records', joinBytes(two, question, writeOpt({}), writeOpt({}))),
    formerr('NT-DNS-053', 'an option longer than OPT', data({ data: fromHex('fde9000401') })),
    formerr('NT-DNS-053', 'an option without its length', data({ data: fromHex('fde9') })),
    formerr(
      'NT-DNS-053',
      'OPT cut',
      joinBytes(one, question, writeOpt({}).slice(0, -2)),
      'acceptable',
    ),
    formerr('NT-DNS-053', 'OPT not at the root', data({ owner: writeName('a') }), 'acceptable'),
    formerr('NT-DNS-057', 'a cookie of 7 bytes', cookie(7), 'acceptable'),
    formerr('NT-DNS-057', 'a cookie of 41 bytes', cookie(41), 'acceptable'),
  ]
}

function classes(good: QueryInit & { readonly name: string }, zone: DnsZone): readonly DnsRow[] {
  const of = (comment: string, code: number, result: Draft['result'] = 'invalid'): DnsRow =>
    row(result, 'NT-DNS-049', 'Class', comment, askZone({ ...good, class: code }, zone))
  return [
    of('CH', CLASS.CH),
    of('HS', CLASS.HS),
    of('NONE', CLASS.NONE),
    of('ANY', CLASS.ANY, 'acceptable'),
    of('0', 0, 'acceptable'),
    row(
      'invalid',
      'NT-DNS-050',
      'Transfer',
      'AXFR over UDP',
      askZone({ ...good, name: zone.name, type: TYPE.AXFR }, zone),
    ),
    row(
      'invalid',
      'NT-DNS-050',
      'Transfer',
      'AXFR over TCP',
      askZone({ ...good, name: zone.name, type: TYPE.AXFR, transport: 'tcp' }, zone),
    ),
    row(
      'acceptable',
      'NT-DNS-050',
      'Transfer',
      'IXFR over UDP, without its SOA',
      askZone({ ...good, name: zone.name, type: TYPE.IXFR }, zone),
    ),
  ]
}

function row(
  result: Draft['result'],
  req: string,
  flag: string,
  comment: string,
  one: DnsCase,
): DnsRow {
  return { result, req, flag, comment, case: one }
}
