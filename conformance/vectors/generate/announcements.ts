import { multiaddr } from '@multiformats/multiaddr'
import { base58btc } from 'multiformats/bases/base58'
import { fields, frame, join } from '../../wire/index.ts'
import { draft, toHex, type Draft, type DraftFile } from './build.ts'
import { ecdsaKey, ed25519Key } from './keys.ts'

const sender = ed25519Key('announcer')
const receiver = ed25519Key('receiver')
const other = ecdsaKey('secp256k1', 'other announcer')
const textOf = ({ id }: { readonly id: Uint8Array }): string => base58btc.encode(id).slice(1)
const SENDER = textOf(sender)
const OTHER = textOf(other)
const NAME = 'ip41-1-1-1.nt.example'
const OWN = `/dns4/${NAME}/tcp/443/tls/ws/p2p/${SENDER}`
const BYTES_MAX = 4096
/** Of an address in the message: its tag and a length of one byte. */
const ENTRY_OVERHEAD_BYTES = 2

interface Message {
  readonly signed?: boolean
  readonly from?: Uint8Array
  readonly data: Uint8Array
  readonly privateAddresses?: boolean
}

/** What a receiver of a pubsub message learns. */
export function announcements(): DraftFile {
  return {
    header: [
      'A receiver selfHex gets a pubsub message with dataHex, signed by fromHex (or not signed), and learns addresses of that peer: all of these and no other, in any order.',
      'invalid: nothing is learned. Nothing ever throws. A /p2p of the sender at the end of an address may be left out.',
    ],
    notes: {
      Basic: { bugType: 'BASIC', description: 'what peers publish' },
      Legacy: {
        bugType: 'LEGACY',
        description: 'the form of 2018, /dnsaddr/<name>/tcp/<port>/wss/ipfs/<id>',
      },
      OtherPeer: {
        bugType: 'AUTH_BYPASS',
        description: 'addresses of another peer: anybody could redirect it',
      },
      Unsigned: { bugType: 'AUTH_BYPASS', description: 'nobody signed it' },
      Own: { bugType: 'EDGE_CASE', description: 'what oneself published' },
      Malformed: { bugType: 'CAN_OF_WORMS', description: 'no announcement, or no multiaddr' },
      Framed: { bugType: 'WRONG_PRIMITIVE', description: 'with a length before it, as on streams' },
      Bounds: { bugType: 'MISSING_STEP', description: '16 addresses and 4 KiB are read' },
      Private: { bugType: 'MISSING_STEP', description: 'addresses that are not public' },
    },
    groups: [{ type: 'Announcement', tests: [...own(), ...broken(), ...bounds(), ...privacy()] }],
  }
}

function own(): readonly Draft[] {
  const dns6 = `/dns6/ip62a00-1450--1.nt.example/tcp/443/tls/ws/p2p/${SENDER}`
  return [
    keeps('NT-DISC-001', 'Basic', 'one address', announce(OWN), OWN),
    keeps('NT-DISC-001', 'Basic', 'both families', announce(OWN, dns6), OWN, dns6),
    keeps('NT-DISC-001', 'Basic', 'the same twice', announce(OWN, OWN), OWN),
    keeps(
      'NT-DISC-003',
      'Basic',
      'no peer id in it',
      announce('/ip4/1.1.1.1/tcp/4001'),
      '/ip4/1.1.1.1/tcp/4001',
    ),
    keeps(
      'NT-DISC-003',
      'Basic',
      'over a relay',
      announce(`/ip4/1.1.1.1/tcp/1/p2p/${OTHER}/p2p-circuit/p2p/${SENDER}`),
      `/ip4/1.1.1.1/tcp/1/p2p/${OTHER}/p2p-circuit/p2p/${SENDER}`,
    ),
    keeps(
      'NT-CLIENT-011',
      'Legacy',
      'IPv4',
      announce(`/dnsaddr/${NAME}/tcp/443/wss/ipfs/${SENDER}`),
      OWN,
    ),
    keeps(
      'NT-CLIENT-011',
      'Legacy',
      'IPv6',
      announce(`/dnsaddr/ip62a00-1450--1.nt.example/tcp/443/wss/p2p/${SENDER}`),
      dns6,
    ),
    keeps(
      'NT-WIRE-011',
      'Basic',
      'an unknown field',
      { data: join(fields([9, 1]), announce(OWN).data, fields([15, 'x'])) },
      OWN,
    ),
    drops(
      'NT-DISC-003',
      'OtherPeer',
      'alone',
      announce(`/dns4/${NAME}/tcp/443/tls/ws/p2p/${OTHER}`),
    ),
    drops(
      'NT-DISC-003',
      'OtherPeer',
      'over a relay',
      announce(`/ip4/1.1.1.1/tcp/1/p2p/${SENDER}/p2p-circuit/p2p/${OTHER}`),
    ),
    drops(
      'NT-DISC-003',
      'OtherPeer',
      'in the form of 2018',
      announce(`/dnsaddr/${NAME}/tcp/443/wss/ipfs/${OTHER}`),
    ),
    keeps(
      'NT-DISC-003',
      'OtherPeer',
      'among good ones',
      announce(`/ip4/1.1.1.1/tcp/1/p2p/${OTHER}`, OWN),
      OWN,
    ),
    drops('NT-DISC-004', 'Unsigned', 'with a good address', { ...announce(OWN), signed: false }),
    drops('NT-DISC-010', 'Own', 'with the own peer id in it', {
      ...announce(`/dns4/${NAME}/tcp/443/tls/ws/p2p/${textOf(receiver)}`),
      from: receiver.id,
    }),
    drops('NT-DISC-010', 'Own', 'no peer id in it', {
      ...announce('/ip4/1.1.1.1/tcp/4001'),
      from: receiver.id,
    }),
  ]
}

function broken(): readonly Draft[] {
  const good = multiaddr(OWN).bytes
  const addresses: readonly (readonly [string, Uint8Array])[] = [
    ['empty', new Uint8Array(0)],
    ['an unknown protocol', Uint8Array.of(0xff, 0xff, 0x7f)],
    ['an IPv4 address of three bytes', Uint8Array.of(4, 1, 1, 1)],
    ['a port of one byte', Uint8Array.of(4, 1, 1, 1, 1, 6, 1)],
    ['text for bytes', new Uint8Array(Buffer.from('/ip4/1.1.1.1/tcp/1'))],
    ['a name that says more bytes than there are', Uint8Array.of(0x36, 0x20, 0x61)],
    [
      'a peer id that is none',
      join(Uint8Array.of(4, 1, 1, 1, 1, 6, 0, 1, 0xa5, 3, 1), Uint8Array.of(7)),
    ],
  ]
  return [
    drops('NT-DISC-007', 'Malformed', 'no address', { data: new Uint8Array(0) }),
    drops('NT-DISC-007', 'Malformed', 'random bytes', {
      data: Uint8Array.of(0xde, 0xad, 0xbe, 0xef),
    }),
    drops('NT-DISC-007', 'Malformed', 'a field that is cut', {
      data: join(fields([1, good]).subarray(0, 20)),
    }),
    drops('NT-DISC-007', 'Malformed', 'an address, then a field that is cut', {
      data: join(fields([1, good]), Uint8Array.of(10, 99, 1)),
    }),
    drops('NT-DISC-007', 'Malformed', 'a number where an address should be', {
      data: fields([1, 7]),
    }),
    drops('NT-DISC-001', 'Framed', 'with a good address', { data: frame(announce(OWN).data) }),
    ...addresses.flatMap(([comment, bytes]) => [
      drops('NT-DISC-007', 'Malformed', comment, { data: fields([1, bytes]) }),
      keeps(
        'NT-DISC-007',
        'Malformed',
        `${comment}, between good ones`,
        { data: fields([1, bytes], [1, good], [1, bytes]) },
        OWN,
      ),
    ]),
  ]
}

function bounds(): readonly Draft[] {
  const many = Array.from({ length: 17 }, (_, port) => `/ip4/1.1.1.1/tcp/${port + 1}`)
  const sized = (bytes: number): Message => {
    const first = announce(OWN).data
    // An unknown field fills the message up.
    const rest = bytes - first.length - ENTRY_OVERHEAD_BYTES - 1
    return { data: join(first, fields([15, new Uint8Array(rest)])) }
  }
  if (sized(BYTES_MAX).data.length !== BYTES_MAX)
    throw new Error('the size is not what it should be')
  return [
    keeps(
      'NT-DISC-008',
      'Bounds',
      '16 addresses',
      announce(...many.slice(0, 16)),
      ...many.slice(0, 16),
    ),
    draft(
      'acceptable',
      'NT-DISC-008',
      'Bounds',
      '17 addresses: the first 16 count',
      rest(announce(...many), many.slice(0, 16)),
    ),
    draft(
      'acceptable',
      'NT-DISC-008',
      'Bounds',
      '16 broken addresses, then a good one',
      rest(
        {
          data: join(
            ...many.slice(0, 16).map(() => fields([1, Uint8Array.of(1)])),
            announce(OWN).data,
          ),
        },
        [],
      ),
    ),
    keeps('NT-DISC-008', 'Bounds', '4,096 bytes', sized(BYTES_MAX), OWN),
    draft('acceptable', 'NT-DISC-008', 'Bounds', '4,097 bytes', rest(sized(BYTES_MAX + 1), [])),
  ]
}

function privacy(): readonly Draft[] {
  const privates = [
    '/ip4/10.0.0.1/tcp/1',
    '/ip4/127.0.0.1/tcp/1',
    '/ip4/203.0.113.7/tcp/1',
    '/ip4/0.0.0.0/tcp/1',
    '/ip6/fd00::1/tcp/1',
    '/ip6/fe80::1/tcp/1',
    '/dns4/ip4192-168-0-1.nt.example/tcp/443/tls/ws',
    '/dns6/ip6--1.nt.example/tcp/443/tls/ws',
    '/dns4/localhost/tcp/443/tls/ws',
  ]
  const publics = [
    '/ip4/1.1.1.1/udp/1/quic-v1',
    '/ip6/2a00:1450::1/tcp/1',
    '/dns4/node.example/tcp/443/tls/ws',
  ]
  return [
    ...privates.flatMap((address) => [
      drops('NT-DISC-008', 'Private', address, { ...announce(address), privateAddresses: false }),
      keeps('NT-DISC-008', 'Private', `${address}, allowed`, announce(address), address),
    ]),
    ...publics.map((address) =>
      keeps(
        'NT-DISC-008',
        'Private',
        address,
        { ...announce(address), privateAddresses: false },
        address,
      ),
    ),
    keeps(
      'NT-DISC-008',
      'Private',
      'one of two',
      { ...announce(OWN, '/ip4/10.0.0.1/tcp/1'), privateAddresses: false },
      OWN,
    ),
  ]
}

function announce(...addresses: readonly string[]): Message {
  return { data: fields(...addresses.map((text) => [1, multiaddr(text).bytes] as const)) }
}

function keeps(
  req: string,
  flag: string,
  comment: string,
  message: Message,
  ...addresses: readonly string[]
): Draft {
  return draft('valid', req, flag, comment, rest(message, addresses))
}

function drops(req: string, flag: string, comment: string, message: Message): Draft {
  return draft('invalid', req, flag, comment, rest(message, []))
}

function rest(message: Message, addresses: readonly string[]): Readonly<Record<string, unknown>> {
  const { signed = true, from = sender.id, data, privateAddresses = true } = message
  return {
    signed,
    fromHex: toHex(from),
    selfHex: toHex(receiver.id),
    dataHex: toHex(data),
    privateAddresses,
    addresses,
  }
}
