// What `answer` says to every packet: bytes in, bytes out, no socket. dns-packet, which shares no code with it, reads the
// responses; where form matters more than meaning, they are compared as hex.
import dnsPacket from 'dns-packet'
import fc from 'fast-check'
import { isIPv6, SocketAddress } from 'node:net'
import { test } from 'tap'
import { vectorGroups } from '../../conformance/vectors/files.ts'
import { answer } from './answer.ts'
import { ChallengeStore } from './challenges.ts'
import { DnsCounters } from './counters.ts'
import { createZone, type ZoneInit } from './zone.ts'

const ZONE_INIT: ZoneInit = {
  zone: 'nt.test',
  nameServers: [
    { name: 'ns1.nt.test', addresses: ['192.0.2.1', '2001:db8::1'] },
    { name: 'ns2.dns.nt.test', addresses: ['192.0.2.2'] },
    { name: 'ns.elsewhere.example' },
  ],
  hostmaster: 'ops.team@elsewhere.example',
  caa: [
    { tag: 'issue', value: 'ca.example' },
    { tag: 'iodef', value: 'mailto:a@b.example', critical: true },
  ],
}
const ID0_LABEL = 'pw4t9mvzh6onnp01f80botcm2pek713h2prwjb3qx6j9bnak4a4o8'
const ID0_TEXT = 'id=QmfVDYD9Du7fNR4DKooPXZnRUoArR3FBRR3udbhZAT9m2H'
const TYPES = { A: 1, NS: 2, SOA: 6, MX: 15, TXT: 16, AAAA: 28, AXFR: 252, ANY: 255, CAA: 257 }
const NOERROR = 0
const FORMERR = 1
const NXDOMAIN = 3
const REFUSED = 5

type Context = Parameters<typeof answer>[1]

/** A challenge value that is told apart by its number. */
const value = (number: number): string => String(number).padStart(43, '-')
const hex = (...parts: string[]): Buffer => Buffer.from(parts.join('').replaceAll(' ', ''), 'hex')

function context(changes: Partial<Context> = {}): Context {
  return {
    zone: createZone(ZONE_INIT),
    challenges: new ChallengeStore(),
    now: 0,
    transport: 'udp',
    ...changes,
  }
}

function challengesOf(names: Readonly<Record<string, number>>): ChallengeStore {
  const store = new ChallengeStore()
  for (const [name, count] of Object.entries(names)) {
    for (let number = 1; number <= count; number++) store.set({ name, value: value(number) }, 0)
  }
  return store
}

const lengthAndBytes = (label: string): string =>
  `${label.length.toString(16).padStart(2, '0')}${Buffer.from(label, 'latin1').toString('hex')}`
const nameHex = (name: string): string =>
  `${name === '' ? '' : name.split('.').map(lengthAndBytes).join('')}00`
const uint16 = (number: number): string => number.toString(16).padStart(4, '0')

/** An OPT record: payload size, version and flags, options. */
function opt(
  init: { size?: number; version?: number; flags?: number; options?: string } = {},
): string {
  const { size = 1232, version = 0, flags = 0 } = init
  const options = (init.options ?? '').replaceAll(' ', '')
  const versionHex = version.toString(16).padStart(2, '0')
  return `000029${uint16(size)}00${versionHex}${uint16(flags)}${uint16(options.length / 2)}${options}`
}

interface Ask {
  readonly type?: number
  readonly class?: number
  /** Flags and opcode. */
  readonly flags?: number
  readonly additional?: readonly string[]
}

function query(name: string, ask: Ask = {}): Buffer {
  const { type = TYPES.A, flags = 0x0100, additional = [] } = ask
  return hex(
    `abcd ${uint16(flags)} 0001 0000 0000 ${uint16(additional.length)}`,
    nameHex(name),
    uint16(type),
    uint16(ask.class ?? 1),
    ...additional,
  )
}

function response(packet: Buffer, changes: Partial<Context> = {}): Buffer {
  const bytes = answer(packet, context(changes))
  if (bytes === undefined) throw new Error('no response')
  return Buffer.from(bytes)
}

interface Reading {
  readonly rcode: number
  readonly authoritative: boolean
  readonly truncated: boolean
  readonly answers: string[]
  readonly authority: string[]
  readonly additional: string[]
  readonly length: number
}

/** A response in words: `TYPE ttl data`. */
function read(bytes: Buffer): Reading {
  const decoded = dnsPacket.decode(bytes)
  const words = (record: dnsPacket.Answer): string => {
    if (record.type === 'OPT') {
      return `OPT ${record.udpPayloadSize} rcode ${record.extendedRcode} version ${record.ednsVersion} flags ${record.flags} options ${record.options.length}`
    }
    const data = 'data' in record ? record.data : undefined
    const text =
      record.type === 'TXT'
        ? String((data as Buffer[])[0])
        : typeof data === 'string'
          ? data
          : JSON.stringify(data)
    return `${record.name} ${record.type} ${'ttl' in record ? record.ttl : ''} ${text}`
  }
  return {
    rcode: bytes.readUInt16BE(2) & 15,
    authoritative: (bytes.readUInt16BE(2) & 0x0400) !== 0,
    truncated: (bytes.readUInt16BE(2) & 0x0200) !== 0,
    answers: (decoded.answers ?? []).map(words),
    authority: (decoded.authorities ?? []).map(words),
    additional: (decoded.additionals ?? []).map(words),
    length: bytes.length,
  }
}

const SOA_DATA = JSON.stringify({
  mname: 'ns1.nt.test',
  // One label before the @, its dot escaped (RFC 1035 §8).
  rname: 'ops\\.team.elsewhere.example',
  serial: 1,
  refresh: 14400,
  retry: 3600,
  expire: 1209600,
  minimum: 10,
})
const NEGATIVE = [`nt.test SOA 10 ${SOA_DATA}`]

test('NT-DNS-010 NT-DNS-025 an ip4 name gets its A record, byte for byte', (t) => {
  t.equal(
    response(query('ip4203-0-113-7.nt.test')).toString('hex'),
    hex(
      'abcd 8500 0001 0001 0000 0000',
      nameHex('ip4203-0-113-7.nt.test'),
      '0001 0001 c00c 0001 0001 00008ca0 0004 cb007107',
    ).toString('hex'),
  )
  t.end()
})

test('NT-DNS-020 NT-DNS-030 NT-DNS-032 NT-DNS-026 names that exist get their records, AA, no RA', (t) => {
  const challenges = challengesOf({ 'ip41-2-3-4.nt.test': 2, 'nt.test': 1 })
  const cases: [
    name: string,
    type: keyof typeof TYPES,
    answers: string[],
    additional?: string[],
  ][] = [
    ['ip62001-db8--1.nt.test', 'AAAA', ['ip62001-db8--1.nt.test AAAA 36000 2001:db8::1']],
    ['ip62001-db8--.nt.test', 'AAAA', ['ip62001-db8--.nt.test AAAA 36000 2001:db8::']],
    ['ip6--ffff-102-304.nt.test', 'AAAA', ['ip6--ffff-102-304.nt.test AAAA 36000 ::ffff:102:304']],
    [`${ID0_LABEL}.nt.test`, 'TXT', [`${ID0_LABEL}.nt.test TXT 36000 ${ID0_TEXT}`]],
    ['nt.test', 'SOA', [`nt.test SOA 60 ${SOA_DATA}`]],
    [
      'nt.test',
      'NS',
      ['ns1.nt.test', 'ns2.dns.nt.test', 'ns.elsewhere.example'].map(
        (ns) => `nt.test NS 3600 ${ns}`,
      ),
      [
        'ns1.nt.test A 3600 192.0.2.1',
        'ns1.nt.test AAAA 3600 2001:db8::1',
        'ns2.dns.nt.test A 3600 192.0.2.2',
      ],
    ],
    ['ns1.nt.test', 'AAAA', ['ns1.nt.test AAAA 3600 2001:db8::1']],
    ['ns2.dns.nt.test', 'A', ['ns2.dns.nt.test A 3600 192.0.2.2']],
    [
      'nt.test',
      'CAA',
      [
        'nt.test CAA 3600 {"flags":0,"tag":"issue","value":"ca.example","issuerCritical":false}',
        'nt.test CAA 3600 {"flags":128,"tag":"iodef","value":"mailto:a@b.example","issuerCritical":true}',
      ],
    ],
    [
      '_acme-challenge.ip41-2-3-4.nt.test',
      'TXT',
      [1, 2].map((n) => `_acme-challenge.ip41-2-3-4.nt.test TXT 0 ${value(n)}`),
    ],
    ['_acme-challenge.nt.test', 'TXT', [`_acme-challenge.nt.test TXT 0 ${value(1)}`]],
    // RFC 8482: dns-packet reads CPU and OS.
    ['ip41-2-3-4.nt.test', 'ANY', ['ip41-2-3-4.nt.test HINFO 3600 {"cpu":"RFC8482","os":""}']],
    ['nt.test', 'ANY', ['nt.test HINFO 60 {"cpu":"RFC8482","os":""}']],
    [
      '_acme-challenge.nt.test',
      'ANY',
      ['_acme-challenge.nt.test HINFO 0 {"cpu":"RFC8482","os":""}'],
    ],
  ]
  for (const [name, type, answers, additional = []] of cases) {
    const bytes = response(query(name, { type: TYPES[type] }), { challenges })
    const { length: _length, ...told } = read(bytes)
    t.same(
      told,
      { rcode: NOERROR, authoritative: true, truncated: false, answers, authority: [], additional },
      `${type} ${name}`,
    )
    t.equal(bytes.readUInt8(3) & 0xf0, 0, 'no RA, AD, CD')
    t.equal(bytes.readUInt8(2) & 1, 1, 'RD is copied')
  }
  t.end()
})

test('NT-DNS-016 NT-DNS-018 NT-DNS-028 NT-DNS-029 NT-DNS-031 what does not exist is told with the SOA, NODATA and NXDOMAIN apart', (t) => {
  const challenges = challengesOf({ 'foo.nt.test': 1, 'a.b.nt.test': 1, 'ip49-9-9-9.nt.test': 1 })
  const cases: [name: string, types: number[], rcode: number][] = [
    ['ip41-2-3-4.nt.test', [TYPES.AAAA, TYPES.TXT, TYPES.CAA, TYPES.MX, 0, 65535], NOERROR],
    ['ip6--1.nt.test', [TYPES.A, TYPES.CAA], NOERROR],
    [`${ID0_LABEL}.nt.test`, [TYPES.A, TYPES.CAA], NOERROR],
    ['nt.test', [TYPES.A, TYPES.TXT, 43], NOERROR],
    ['ns1.nt.test', [TYPES.TXT, TYPES.CAA], NOERROR],
    // Challenge names below what exists: nothing yet, but never NXDOMAIN.
    ['_acme-challenge.ip41-2-3-4.nt.test', [TYPES.TXT, TYPES.CAA, TYPES.ANY], NOERROR],
    ['_acme-challenge.nt.test', [TYPES.TXT, TYPES.A], NOERROR],
    ['_acme-challenge.ip49-9-9-9.nt.test', [TYPES.A, TYPES.CAA], NOERROR],
    // Empty non-terminals.
    ['dns.nt.test', [TYPES.A, TYPES.ANY], NOERROR],
    ['foo.nt.test', [TYPES.A, TYPES.ANY, TYPES.TXT], NOERROR],
    ['b.nt.test', [TYPES.A], NOERROR],
    ['a.b.nt.test', [TYPES.TXT], NOERROR],
    ['_acme-challenge.b.nt.test', [TYPES.TXT], NOERROR],
    // Nothing at all.
    ['nope.nt.test', [TYPES.A, TYPES.TXT, TYPES.CAA, TYPES.ANY], NXDOMAIN],
    ['a.ip41-2-3-4.nt.test', [TYPES.A], NXDOMAIN],
    ['ip41-2-3-4.a.nt.test', [TYPES.A], NXDOMAIN],
    ['ip41-2-3-4.nt.test.nt.test', [TYPES.A], NXDOMAIN],
    ['_acme-challenge.nope.nt.test', [TYPES.TXT], NXDOMAIN],
    ['_acme-challenge._acme-challenge.nt.test', [TYPES.TXT], NXDOMAIN],
    ['_acme-challenge._acme-challenge.ip49-9-9-9.nt.test', [TYPES.TXT], NXDOMAIN],
    ['c.a.b.nt.test', [TYPES.A], NXDOMAIN],
    ['*.nt.test', [TYPES.A], NXDOMAIN],
    ['p-.nt.test', [TYPES.TXT], NXDOMAIN],
    ['p_.nt.test', [TYPES.TXT], NXDOMAIN],
    ['p.nt.test', [TYPES.TXT], NXDOMAIN],
    ['proof.nt.test', [TYPES.TXT], NXDOMAIN],
    ['ip4\u00e9.nt.test', [TYPES.A], NXDOMAIN],
  ]
  for (const [name, types, rcode] of cases) {
    for (const type of types) {
      const { length: _length, ...told } = read(response(query(name, { type }), { challenges }))
      t.same(
        told,
        {
          rcode,
          authoritative: true,
          truncated: false,
          answers: [],
          authority: NEGATIVE,
          additional: [],
        },
        `type ${type} ${name}`,
      )
    }
  }
  t.end()
})

test('NT-DNS-018 a dot within a label separates nothing', (t) => {
  const challenges = challengesOf({ 'foo.nt.test': 1 })
  for (const [labels, type] of [
    [['ip41.2.3.4', 'nt', 'test'], TYPES.A],
    [['_acme-challenge.foo', 'nt', 'test'], TYPES.TXT],
    [['_acme-challenge', 'foo.nt', 'nt', 'test'], TYPES.TXT],
  ] as const) {
    const name = `${labels.map((label) => lengthAndBytes(label)).join('')}00`
    const packet = hex('abcd 0100 0001 0000 0000 0000', name, uint16(type), '0001')
    t.equal(response(packet, { challenges }).readUInt8(3) & 15, NXDOMAIN, labels.join(' '))
  }
  t.end()
})

test('NT-DNS-018 names outside of the zone, other classes and transfers are refused', (t) => {
  const cases: [name: string, ask: Ask][] = [
    ['example.org', {}],
    ['', { type: TYPES.NS }],
    ['test', {}],
    ['ip41-2-3-4.example.org', {}],
    // Ends in the bytes of the zone, but in the middle of a label.
    ['evilnt.test', {}],
    ['a\u0002nt.test', {}],
    ['nt.test.example', {}],
    ['version.bind', { class: 3, type: TYPES.TXT }],
    ['ip41-2-3-4.nt.test', { class: 3 }],
    ['ip41-2-3-4.nt.test', { class: 255 }],
    ['nt.test', { type: TYPES.AXFR }],
    ['nt.test', { type: 251 }],
  ]
  for (const [name, ask] of cases) {
    for (const transport of ['udp', 'tcp'] as const) {
      const packet = query(name, ask)
      const bytes = response(packet, { transport })
      t.equal(
        bytes.toString('hex'),
        `abcd810${REFUSED}0001000000000000${packet.subarray(12).toString('hex')}`.replace(
          '810',
          '810',
        ),
        `${transport} ${JSON.stringify(name)} ${JSON.stringify(ask)}`,
      )
    }
  }
  t.end()
})

test('NT-DNS-017 answer matches names case-insensitively and repeats the question byte for byte', (t) => {
  for (const [name, type] of [
    ['iP4127-0-0-1.NT.tesT', TYPES.A],
    [`${ID0_LABEL.toUpperCase()}.nT.Test`, TYPES.TXT],
    ['IP6--A.nt.TEST', TYPES.AAAA],
    ['_ACME-challenge.iP41-2-3-4.Nt.test', TYPES.TXT],
    ['NS1.nt.test', TYPES.A],
  ] as const) {
    const packet = query(name, { type })
    const bytes = response(packet, { challenges: challengesOf({ 'ip41-2-3-4.nt.test': 1 }) })
    t.same(bytes.subarray(12, packet.length), packet.subarray(12), name)
    t.equal(bytes.readUInt16BE(6), 1, 'one answer')
  }
  t.end()
})

const canonical = (address: string | null | undefined): string =>
  isIPv6(address ?? '')
    ? new SocketAddress({ address: address ?? '', family: 'ipv6' }).address
    : String(address)

test('NT-DNS-010 … 015 NT-DNS-020 … 023 every label of the vectors resolves as it says', (t) => {
  for (const group of vectorGroups('ip_label')) {
    if (group.type !== 'IpLabelDecode') continue
    for (const { tcId, label, ip, family, result } of group.tests) {
      if (label.length > 63 || label.includes('.')) continue
      const type = family === 4 ? TYPES.A : TYPES.AAAA
      const { rcode, answers } = read(response(query(`${label}.nt.test`, { type })))
      const name = `ip_label ${tcId} ${label}`
      if (result === 'invalid') t.equal(rcode, NXDOMAIN, name)
      else if (result === 'acceptable') t.ok(rcode === NXDOMAIN || answers.length === 1, name)
      else t.equal(canonical(answers[0]?.split(' ').at(-1)), canonical(ip), name)
    }
  }
  for (const group of vectorGroups('id0_label')) {
    for (const { tcId, label, peerId, result } of group.tests) {
      if (label.length > 63) continue
      const { rcode, answers } = read(response(query(`${label}.nt.test`, { type: TYPES.TXT })))
      if (result === 'invalid') t.equal(rcode, NXDOMAIN, `id0_label ${tcId} ${label}`)
      else t.ok(answers[0]?.endsWith(` id=${peerId}`), `id0_label ${tcId} ${label}: ${answers[0]}`)
    }
  }
  t.end()
})

const NAME = 'ip41-2-3-4.nt.test'
const OPT_ANSWER = 'OPT 1232 rcode 0 version 0 flags 0 options 0'

test('EDNS: OPT answers OPT, DO is copied, unknown options and flags are ignored, odd ones are errors (RFC 6891, 7873)', (t) => {
  const cases: [title: string, additional: string[], rcode: number, opt: string | undefined][] = [
    ['no OPT', [], NOERROR, undefined],
    ['plain', [opt()], NOERROR, OPT_ANSWER],
    ['DO', [opt({ flags: 0x8000 })], NOERROR, OPT_ANSWER.replace('flags 0', 'flags 32768')],
    ['unknown flags', [opt({ flags: 0x7fff })], NOERROR, OPT_ANSWER],
    ['unknown option', [opt({ options: 'fde9 0003 010203' })], NOERROR, OPT_ANSWER],
    ['cookie of 8', [opt({ options: `000a0008${'11'.repeat(8)}` })], NOERROR, OPT_ANSWER],
    ['cookie of 16', [opt({ options: `000a0010${'11'.repeat(16)}` })], NOERROR, OPT_ANSWER],
    ['cookie of 40', [opt({ options: `000a0028${'11'.repeat(40)}` })], NOERROR, OPT_ANSWER],
    ['cookie of 7', [opt({ options: `000a0007${'11'.repeat(7)}` })], FORMERR, OPT_ANSWER],
    ['cookie of 9', [opt({ options: `000a0009${'11'.repeat(9)}` })], FORMERR, OPT_ANSWER],
    ['cookie of 41', [opt({ options: `000a0029${'11'.repeat(41)}` })], FORMERR, OPT_ANSWER],
    ['size 0', [opt({ size: 0 })], NOERROR, OPT_ANSWER],
    ['size 511', [opt({ size: 511 })], NOERROR, OPT_ANSWER],
    ['size 65535', [opt({ size: 65535 })], NOERROR, OPT_ANSWER],
    ['two OPT', [opt(), opt()], FORMERR, OPT_ANSWER],
    ['option past the end', [opt({ options: 'fde90004010203' })], FORMERR, OPT_ANSWER],
    ['option header cut', [opt({ options: 'fde900' })], FORMERR, OPT_ANSWER],
    ['OPT of another owner', [`0161${opt()}`], FORMERR, undefined],
    ['other record before OPT', [`c00c0001000100000000000401020304`, opt()], NOERROR, OPT_ANSWER],
    ['version 1', [opt({ version: 1 })], 0, OPT_ANSWER.replace('rcode 0', 'rcode 1')],
    [
      'version 255, odd options',
      [opt({ version: 255, options: 'ff' })],
      0,
      OPT_ANSWER.replace('rcode 0', 'rcode 1'),
    ],
  ]
  for (const [title, parts, rcode, expected] of cases) {
    const additional = parts.map((part) => part.replaceAll(' ', ''))
    const reading = read(response(query(NAME, { additional })))
    const answered = rcode === NOERROR && !title.startsWith('version')
    t.equal(reading.rcode, rcode, title)
    t.equal(reading.answers.length, answered ? 1 : 0, `answers to ${title}`)
    t.equal(reading.authoritative, answered, `AA of ${title}`)
    t.same(reading.additional, expected === undefined ? [] : [expected], `OPT to ${title}`)
  }
  for (const [name, rcode] of [
    ['nope.nt.test', NXDOMAIN],
    ['example.org', REFUSED],
  ] as const) {
    const reading = read(response(query(name, { additional: [opt()] })))
    t.match(reading, { rcode, additional: [OPT_ANSWER] }, name)
  }
  t.end()
})

test('NT-DNS-024 packets that are no well-formed query get FORMERR, NOTIMP or silence (RFC 8906, 9619)', (t) => {
  const question = `${nameHex(NAME)}00010001`
  const longName = nameHex(Array.from({ length: 4 }, () => 'x'.repeat(63)).join('.'))
  const cases: [title: string, packet: Buffer, expected: string | undefined][] = [
    ['empty', hex(), undefined],
    ['one byte', hex('ab'), undefined],
    ['11 bytes', hex('abcd 0100 0001 0000 0000 00'), undefined],
    ['response', hex('abcd 8100 0001 0000 0000 0000', question), undefined],
    ['response, opcode 5', hex('abcd a900 0001 0000 0000 0000', question), undefined],
    ['no question', hex('abcd 0100 0000 0000 0000 0000'), 'abcd81010000000000000000'],
    [
      'two questions',
      hex('abcd 0100 0002 0000 0000 0000', question, question),
      'abcd81010000000000000000',
    ],
    [
      'an answer',
      hex('abcd 0100 0001 0001 0000 0000', question, 'c00c000100010000000000000'.slice(0, 24)),
      'abcd81010000000000000000',
    ],
    ['header only', hex('abcd 0000 0001 0000 0000 0000'), 'abcd80010000000000000000'],
    ['cut name', hex('abcd 0100 0001 0000 0000 0000 05 6162'), 'abcd81010000000000000000'],
    ['no root', hex('abcd 0100 0001 0000 0000 0000 02 6162'), 'abcd81010000000000000000'],
    ['cut type', hex('abcd 0100 0001 0000 0000 0000 00 0001 00'), 'abcd81010000000000000000'],
    [
      'pointer to itself',
      hex('abcd 0100 0001 0000 0000 0000 c00c 0001 0001'),
      'abcd81010000000000000000',
    ],
    [
      'label of 64',
      hex('abcd 0100 0001 0000 0000 0000 40', '61'.repeat(64), '00 0001 0001'),
      'abcd81010000000000000000',
    ],
    [
      'label type 10',
      hex('abcd 0100 0001 0000 0000 0000 80', '61'.repeat(64), '00 0001 0001'),
      'abcd81010000000000000000',
    ],
    [
      'name of 257',
      hex('abcd 0100 0001 0000 0000 0000', longName, '0001 0001'),
      'abcd81010000000000000000',
    ],
    [
      'bytes after the question',
      hex('abcd 0100 0001 0000 0000 0000', question, 'ff'),
      `abcd81010001000000000000${question}`,
    ],
    [
      'bytes after OPT',
      query(NAME, { additional: [`${opt()}ff`] }),
      `abcd81010001000000000001${question}${opt()}`,
    ],
    [
      'record missing',
      hex('abcd 0100 0001 0000 0000 0001', question),
      `abcd81010001000000000000${question}`,
    ],
    [
      'record name cut',
      hex('abcd 0100 0001 0000 0000 0001', question, '0561'),
      `abcd81010001000000000000${question}`,
    ],
    [
      'record data cut',
      hex('abcd 0100 0001 0000 0001 0000', question, '00 0001 0001 00000000 0004 0102'),
      `abcd81010001000000000000${question}`,
    ],
    [
      'NOTIFY with RD and CD',
      hex('abcd 2110 0001 0000 0000 0000', question),
      'abcda0040000000000000000',
    ],
    ['UPDATE', hex('abcd 2800 0001 0000 0000 0000', question), 'abcda8040000000000000000'],
    [
      'opcode 15, all flags',
      hex('abcd 7fff 0001 0000 0000 0000', question),
      'abcdf8040000000000000000',
    ],
    ['inverse query', hex('abcd 0800 0000 0000 0000 0000'), 'abcd88040000000000000000'],
  ]
  for (const [title, packet, expected] of cases) {
    for (const transport of ['udp', 'tcp'] as const) {
      const bytes = answer(packet, context({ transport }))
      t.equal(
        bytes === undefined ? undefined : Buffer.from(bytes).toString('hex'),
        expected,
        `${title}, ${transport}`,
      )
    }
  }
  const longest = `${['x'.repeat(63), 'x'.repeat(63), 'x'.repeat(63), 'x'.repeat(53)].join('.')}.nt.test`
  t.equal(response(query(longest)).readUInt8(3) & 15, NXDOMAIN, 'a name of 255 bytes is one')
  t.end()
})

test('NT-DNS-026 UDP answers over the limit are truncated to no records, TCP answers carry all values', (t) => {
  // 12 + 34 + 4 bytes of header and question, 56 for each value, 11 of OPT.
  const name = '_acme-challenge.ip41-2-3-4.nt.test'
  const question = 12 + name.length + 2 + 4
  const cases: [
    count: number,
    additional: string[],
    transport: 'udp' | 'tcp',
    truncated: boolean,
  ][] = [
    [1, [], 'udp', false],
    [8, [], 'udp', false],
    [9, [], 'udp', true],
    [14, [], 'udp', true],
    [14, [opt({ size: 512 })], 'udp', true],
    [14, [opt({ size: 0 })], 'udp', true],
    [14, [opt({ size: 4096 })], 'udp', false],
    [16, [opt({ size: 1232 })], 'udp', false],
    [16, [], 'tcp', false],
    [8, [opt({ size: question + 8 * 56 + 11 })], 'udp', false],
    [9, [opt({ size: question + 9 * 56 + 11 })], 'udp', false],
    [9, [opt({ size: question + 9 * 56 + 10 })], 'udp', true],
  ]
  for (const [count, additional, transport, truncated] of cases) {
    const challenges = challengesOf({ 'ip41-2-3-4.nt.test': count })
    const reading = read(
      response(query(name, { type: TYPES.TXT, additional }), { challenges, transport }),
    )
    const title = `${count} values, ${transport}, ${additional.join()}`
    t.match(reading, { truncated, rcode: NOERROR, authoritative: true }, title)
    t.equal(reading.answers.length, truncated ? 0 : count, title)
    t.equal(reading.length, question + (truncated ? 0 : count * 56) + additional.length * 11, title)
  }
  const many = context({ challenges: new ChallengeStore({ valuesPerNameMax: 40 }) })
  for (let n = 0; n < 40; n++) many.challenges.set({ name: 'nt.test', value: value(n) }, 0)
  const bytes = answer(
    query('_acme-challenge.nt.test', { type: TYPES.TXT, additional: [opt({ size: 65535 })] }),
    many,
  )
  t.match(
    read(Buffer.from(bytes ?? [])),
    { truncated: true, answers: [] },
    'never more than 1232 bytes over UDP',
  )
  t.end()
})

test('small questions get small answers: nothing to amplify', (t) => {
  for (const type of [TYPES.NS, TYPES.SOA, TYPES.ANY, TYPES.TXT, TYPES.CAA]) {
    const packet = query('nt.test', { type, additional: [opt({ size: 65535 })] })
    t.ok(response(packet).length <= 200, `type ${type}: ${response(packet).length} bytes`)
  }
  const zone = createZone({
    ...ZONE_INIT,
    nameServers: Array.from({ length: 13 }, (_, n) => ({
      name: `ns${n}.nt.test`,
      addresses: ['192.0.2.1', '2001:db8::1'],
    })),
  })
  const reading = read(response(query('nt.test', { type: TYPES.NS }), { zone }))
  t.match(reading, { truncated: false, additional: [] }, 'glue that does not fit is left out')
  t.equal(reading.answers.length, 13)
  t.end()
})

test('answer never throws, never answers a response, repeats the id, keeps to the limit', (t) => {
  const challenges = challengesOf({ 'ip41-2-3-4.nt.test': 16, 'a.b.nt.test': 3 })
  const seeds = [
    query(NAME),
    query('nt.test', { type: TYPES.NS, additional: [opt()] }),
    query('_acme-challenge.ip41-2-3-4.nt.test', {
      type: TYPES.TXT,
      additional: [opt({ size: 700, options: '000a00081111111111111111' })],
    }),
    query(`${ID0_LABEL}.nt.test`, { type: TYPES.TXT }),
    query('nope.b.nt.test', { additional: [opt({ version: 1 })] }),
  ]
  const mutated = fc
    .tuple(
      fc.constantFrom(...seeds),
      fc.array(fc.tuple(fc.nat(120), fc.nat(255)), { maxLength: 6 }),
      fc.option(fc.nat(120)),
      fc.uint8Array({ maxLength: 12 }),
    )
    .map(([seed, changes, cut, tail]) => {
      const bytes = Buffer.concat([seed.subarray(0, cut ?? seed.length), tail])
      for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte
      return bytes
    })
  const check = (packet: Uint8Array, transport: 'udp' | 'tcp'): void => {
    const bytes = answer(packet, context({ challenges, transport }))
    const isQuery = packet.length >= 12 && ((packet[2] ?? 0) & 0x80) === 0
    if ((bytes !== undefined) !== isQuery) throw new Error('only queries are answered')
    if (bytes === undefined) return
    if (bytes[0] !== packet[0] || bytes[1] !== packet[1]) throw new Error('another id')
    if (((bytes[2] ?? 0) & 0x80) === 0) throw new Error('not a response')
    if (transport === 'udp' && bytes.length > 1232) throw new Error(`${bytes.length} bytes`)
    if (((packet[2] ?? 0) & 0x78) === 0 && bytes[4] === 0 && bytes[5] === 1) {
      const length = bytes.length > packet.length ? packet.length : 12
      if (Buffer.compare(bytes.subarray(12, 16), packet.subarray(12, 16)) !== 0 && length > 16) {
        throw new Error('another question')
      }
    }
    dnsPacket.decode(Buffer.from(bytes))
  }
  const packets = fc.oneof(fc.uint8Array({ maxLength: 300 }), mutated)
  fc.assert(fc.property(packets, fc.constantFrom('udp' as const, 'tcp' as const), check), {
    numRuns: 5_000,
  })
  t.pass('5,000 packets')
  t.end()
})

test('NT-DNS-025 NT-DNS-027 NT-DNS-028 NT-DNS-030 a zone that could not be served is refused with the reason', (t) => {
  const ns = ZONE_INIT.nameServers
  const cases: [changes: Partial<ZoneInit>, message: RegExp][] = [
    [{ zone: '-x.test' }, /zone "-x.test" is no domain name/],
    [{ nameServers: [] }, /has no name server/],
    [{ nameServers: [{ name: 'ns1.nt.test' }] }, /lies in its own zone and has no addresses/],
    [
      { nameServers: [{ name: 'ns1.nt.test', addresses: ['1.2.3'] }] },
      /"1.2.3", wanted an IP address/,
    ],
    [
      { nameServers: [{ name: 'ip41-2-3-4.nt.test', addresses: ['1.2.3.4'] }] },
      /means something else/,
    ],
    [{ nameServers: [{ name: 'nt.test', addresses: ['1.2.3.4'] }] }, /means something else/],
    [{ nameServers: [{ name: 'a b' }] }, /"a b" is no host name/],
    [{ hostmaster: 'nobody' }, /hostmaster "nobody" is no mail address/],
    [{ caa: [{ tag: 'is sue', value: '' }] }, /CAA tag "is sue"/],
    [{ ttl: { negative: 61 } }, /ttl.negative is 61, wanted whole seconds from 0 to 60/],
    [{ ttl: { challenge: 121 } }, /ttl.challenge is 121/],
    [{ ttl: { names: 0.5 } }, /ttl.names is 0.5/],
  ]
  for (const [changes, message] of cases) {
    t.throws(() => createZone({ ...ZONE_INIT, nameServers: ns, ...changes }), {
      name: 'RangeError',
      message,
    })
  }
  const zone = createZone({ ...ZONE_INIT, zone: 'NT.Test.', ttl: { names: 5, negative: 60 } })
  t.match(read(response(query(NAME), { zone })).answers[0], ' A 5 ')
  t.match(read(response(query('nope.nt.test'), { zone })).authority[0], ' SOA 60 ')
  t.end()
})

test('counters tell what was asked and answered', (t) => {
  const counters = new DnsCounters()
  for (const packet of [
    query(NAME),
    query('nope.nt.test'),
    query('example.org'),
    query(NAME, { additional: [opt({ version: 1 })] }),
    query(NAME, { flags: 0x2000 }),
    hex('abcd 0100 0000 0000 0000 0000'),
    hex('ab'),
  ]) {
    counters.count(answer(packet, context()), 'udp')
  }
  const expected = {
    queriesUdp: 7,
    noerror: 1,
    nxdomain: 1,
    refused: 1,
    badvers: 1,
    notimp: 1,
    formerr: 1,
    ignored: 1,
  }
  t.match(counters, { ...expected, queriesTcp: 0, truncated: 0 })
  t.end()
})
