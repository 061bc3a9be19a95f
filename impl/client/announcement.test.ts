// What we announce, and what we make of what others announce.
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromMultihash, peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import fc from 'fast-check'
import { decode as decodeMultihash } from 'multiformats/hashes/digest'
import { mock } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { test, type Test } from 'tap'
import { Announce } from '../wire/messages.ts'
import { DISCOVERY_TOPIC } from '../wire/protocols.ts'
import {
  announcedAddresses,
  isPublicAddress,
  modernAddress,
  secureEndpoints,
  type Endpoint,
} from './addresses.ts'
import { ANNOUNCE_INTERVAL_MS_DEFAULT, Announcer, type Pubsub } from './announce.ts'
import { ANNOUNCEMENT_ADDRESSES_MAX, encodeAnnouncement, readAnnouncement } from './announcement.ts'
import { KnownPeers } from './known-peers.ts'
import { silentLogger } from './testing.ts'

const DAY_MS = 86_400_000

const OLD_ID = 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N'
const self = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
const from = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
const allowing = { self, allowPrivateAddresses: true }
const V4_NAME = 'ip4203-0-113-7.nt.example'
const V6_NAME = 'ip62001-db8--1.nt.example'

test('NT-CLIENT-011 each address name is announced at the ports that its connections can end at', async (t) => {
  const on = (address: string, port: number): Endpoint => ({
    family: address.includes(':') ? 6 : 4,
    address,
    port,
  })
  const cases: [string, string, readonly Endpoint[], number | undefined, readonly string[]][] = [
    ['no listener', V4_NAME, [], undefined, []],
    ['no listener, port given', V4_NAME, [], 443, []],
    ['NAT', V4_NAME, [on('192.168.1.4', 4002)], undefined, [`/dns4/${V4_NAME}/tcp/4002`]],
    ['loopback only', V4_NAME, [on('127.0.0.1', 1)], undefined, [`/dns4/${V4_NAME}/tcp/1`]],
    [
      'loopback and another',
      V4_NAME,
      [on('127.0.0.1', 1), on('10.0.0.1', 2)],
      undefined,
      [`/dns4/${V4_NAME}/tcp/2`],
    ],
    [
      'this very address',
      V4_NAME,
      [on('10.0.0.1', 2), on('203.0.113.7', 3)],
      undefined,
      [`/dns4/${V4_NAME}/tcp/3`],
    ],
    [
      'one port on many interfaces',
      V4_NAME,
      [on('10.0.0.1', 2), on('10.0.0.2', 2)],
      undefined,
      [`/dns4/${V4_NAME}/tcp/2`],
    ],
    [
      'its family',
      V6_NAME,
      [on('10.0.0.1', 2), on('::1', 6)],
      undefined,
      [`/dns6/${V6_NAME}/tcp/6`],
    ],
    ['no other family: nobody would answer there', V6_NAME, [on('10.0.0.1', 2)], undefined, []],
    ['port given', V4_NAME, [on('10.0.0.1', 2)], 443, [`/dns4/${V4_NAME}/tcp/443`]],
    ['the id0 name', 'pabc.nt.example', [on('10.0.0.1', 2)], undefined, []],
  ]
  for (const [name, addressName, endpoints, announcePort, wanted] of cases) {
    t.same(
      announcedAddresses({ names: [addressName], endpoints, announcePort, peerId: self }).map(
        String,
      ),
      wanted.map((address) => `${address}/tls/ws/p2p/${self.toString()}`),
      name,
    )
  }
})

test('only listeners with TLS and WebSockets count as secure', async (t) => {
  t.same(
    secureEndpoints(
      [
        '/ip4/10.0.0.1/tcp/1/ws',
        '/ip4/10.0.0.1/tcp/2/tls/ws',
        '/ip6/::1/tcp/3/tls/ws',
        '/ip4/10.0.0.1/tcp/4/wss',
        '/ip4/10.0.0.1/tcp/5',
      ].map((text) => multiaddr(text)),
    ).map(({ family, address, port }) => `${family} ${address} ${port}`),
    ['4 10.0.0.1 2', '6 ::1 3', '4 10.0.0.1 4'],
  )
})

test('NT-CLIENT-011 NT-ISSUE-004 addresses as 2018 wrote them become what libp2p dials', async (t) => {
  const cases: Record<string, string> = {
    [`/dnsaddr/${V4_NAME}/tcp/4443/wss/ipfs/${OLD_ID}`]: `/dns4/${V4_NAME}/tcp/4443/tls/ws/p2p/${OLD_ID}`,
    [`/dnsaddr/${V6_NAME}/tcp/1/wss`]: `/dns6/${V6_NAME}/tcp/1/tls/ws`,
    '/dnsaddr/proof.example/tcp/8877': '/dns/proof.example/tcp/8877',
    [`/dnsaddr/bootstrap.libp2p.io/p2p/${OLD_ID}`]: `/dnsaddr/bootstrap.libp2p.io/p2p/${OLD_ID}`,
    [`/ip4/192.0.2.1/tcp/1/ipfs/${OLD_ID}`]: `/ip4/192.0.2.1/tcp/1/p2p/${OLD_ID}`,
    '/dns4/a.example/tcp/1/tls/ws': '/dns4/a.example/tcp/1/tls/ws',
  }
  for (const [old, modern] of Object.entries(cases)) {
    t.equal(modernAddress(multiaddr(old)).toString(), modern)
  }
})

test('NT-DISC-008 private addresses are told from public ones, by their names too', async (t) => {
  const cases: Record<string, boolean> = {
    '/ip4/1.1.1.1/tcp/1': true,
    '/ip4/10.0.0.1/tcp/1': false,
    '/ip4/203.0.113.7/tcp/1': false,
    '/ip6/fd00::1/tcp/1': false,
    '/dns4/ip41-1-1-1.nt.example/tcp/1/tls/ws': true,
    '/dns4/ip410-0-0-1.nt.example/tcp/1/tls/ws': false,
    '/dns6/ip6--1.nt.example/tcp/1/tls/ws': false,
    '/dns4/node.example/tcp/1': true,
    '/dns4/localhost/tcp/1': false,
    '/unix/tmp': false,
    [`/p2p/${OLD_ID}`]: false,
  }
  for (const [address, isPublic] of Object.entries(cases)) {
    t.equal(isPublicAddress(multiaddr(address)), isPublic, address)
  }
})

test('NT-DISC-003 NT-DISC-004 NT-DISC-007 NT-DISC-008 NT-DISC-010 an announcement is read with care', async (t) => {
  const bytes = (text: string): Uint8Array => multiaddr(text).bytes
  const own = `/dns4/${V4_NAME}/tcp/1/tls/ws/p2p/${from.toString()}`
  const many = Array.from({ length: 40 }, (_, port) => bytes(`/ip4/1.1.1.1/tcp/${port + 1}`))
  const cases: [string, readonly Uint8Array[], readonly string[] | undefined][] = [
    ['its own address', [bytes(own)], [own]],
    ['no peer id', [bytes('/ip4/1.1.1.1/tcp/1')], ['/ip4/1.1.1.1/tcp/1']],
    ['none', [], undefined],
    ['of another peer', [bytes(`/ip4/1.1.1.1/tcp/1/p2p/${OLD_ID}`)], undefined],
    ['broken among good', [Uint8Array.of(1), bytes(own), Uint8Array.of(255, 255)], [own]],
    ['empty', [new Uint8Array()], undefined],
    ['twice the same', [bytes(own), bytes(own)], [own]],
    [
      'by a relay',
      [bytes(`/ip4/1.1.1.1/tcp/1/p2p/${OLD_ID}/p2p-circuit/p2p/${from.toString()}`)],
      [`/ip4/1.1.1.1/tcp/1/p2p/${OLD_ID}/p2p-circuit/p2p/${from.toString()}`],
    ],
    [
      'by a relay, without saying to whom',
      [bytes(`/ip4/1.1.1.1/tcp/1/p2p/${OLD_ID}/p2p-circuit`)],
      [`/ip4/1.1.1.1/tcp/1/p2p/${OLD_ID}/p2p-circuit`],
    ],
    [
      'by a relay to another peer',
      [bytes(`/ip4/1.1.1.1/tcp/1/p2p/${from.toString()}/p2p-circuit/p2p/${OLD_ID}`)],
      undefined,
    ],
    ['of 2018', [bytes(`/dnsaddr/${V4_NAME}/tcp/1/wss/ipfs/${from.toString()}`)], [own]],
  ]
  for (const [name, addr, wanted] of cases) {
    const peer = readAnnouncement(
      { type: 'signed', from, data: Announce.encode({ addr }) },
      allowing,
    )
    t.same(peer?.multiaddrs.map(String), wanted, name)
  }
  const data = Announce.encode({ addr: [bytes(own)] })
  t.equal(readAnnouncement({ type: 'unsigned', data }, allowing), undefined, 'unsigned')
  const anyones = Announce.encode({ addr: [bytes('/ip4/1.1.1.1/tcp/1')] })
  t.equal(
    readAnnouncement({ type: 'signed', from: self, data: anyones }, allowing),
    undefined,
    'our own',
  )
  t.equal(
    readAnnouncement({ type: 'signed', from, data }, { self, allowPrivateAddresses: false }),
    undefined,
    'private',
  )
  const capped = readAnnouncement(
    { type: 'signed', from, data: Announce.encode({ addr: many }) },
    allowing,
  )
  t.equal(capped?.multiaddrs.length, ANNOUNCEMENT_ADDRESSES_MAX)
  const long = Announce.encode({ addr: [bytes(own), new Uint8Array(4_096)] })
  t.equal(readAnnouncement({ type: 'signed', from, data: long }, allowing), undefined, 'too long')
})

test('NT-DISC-001 what is encoded is the bare protobuf message, and is read back', async (t) => {
  const address = multiaddr(`/dns4/${V4_NAME}/tcp/1/tls/ws/p2p/${from.toString()}`)
  const data = encodeAnnouncement([address])
  t.equal(data[0], 0x0a, 'field 1 without a length before it')
  t.equal(data[1], address.bytes.length)
  t.equal(encodeAnnouncement(Array.from({ length: 40 }, () => address)).length, data.length * 16)
})

test('NT-DISC-007 no bytes make reading an announcement throw', async (t) => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 200 }),
        fc
          .array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 })
          .map((addr) => Announce.encode({ addr })),
      ),
      (data) => {
        readAnnouncement({ type: 'signed', from, data }, allowing)
        return true
      },
    ),
    { numRuns: 2_000 },
  )
  t.pass()
})

test('NT-DISC-011 repeated announcements are no news, and nobody fills our memory', async (t) => {
  const known = new KnownPeers()
  const announce = (ports: readonly number[], id: PeerId = from) => ({
    id,
    multiaddrs: ports.map((port) => multiaddr(`/ip4/1.1.1.1/tcp/${port}`)),
  })
  t.equal(known.isNews(announce([1, 2]), 0), true)
  t.equal(known.isNews(announce([2, 1]), 10_000), false, 'the same in another order')
  t.equal(known.isNews(announce([1, 2]), 600_000), true, 'before the peer store forgets it')
  t.equal(known.isNews(announce([3]), 600_001), true, 'another address')
  let news = 0
  for (let port = 100; port < 1_000; port += 1) {
    if (known.isNews(announce([port]), 600_002)) news += 1
  }
  t.equal(news, 64 - 3, 'a flood of addresses ends')
  t.equal(known.isNews(announce([5_000]), 4_000_000), true, 'and is forgiven')
  for (let index = 0; index < 1_500; index += 1) {
    const digest = new Uint8Array(34)
    digest.set([0x12, 0x20, index & 255, index >> 8])
    known.isNews(announce([1], peerIdFromMultihash(decodeMultihash(digest))), 0)
  }
  t.equal(known.size, 1_024)
})

test('NT-DISC-005 announcements go out at once and then every 10 s ± 10 %', async (t) => {
  for (const jitter of [0, 0.5, 0.999]) {
    const { pass, announced } = announceEvery(t, ANNOUNCE_INTERVAL_MS_DEFAULT, jitter)
    for (let turn = 1; turn <= 3; turn += 1) {
      await setImmediate()
      t.equal(announced.length, turn)
      const waitMs = 9_000 + 2_000 * jitter
      pass(waitMs - 1)
      await setImmediate()
      t.equal(announced.length, turn, `${waitMs} ms are not over`)
      pass(2)
    }
  }
})

test('announcements may be months apart, although no timer is as long', async (t) => {
  const { pass, announced } = announceEvery(t, 60 * DAY_MS, 0.5)
  for (let day = 0; day < 121; day += 1) {
    await setImmediate()
    pass(DAY_MS)
  }
  await setImmediate()
  t.equal(announced.length, 3, 'at once, after 60 days, and after 120')
})

/** An announcer whose clock is the test's. */
function announceEvery(
  t: Test,
  intervalMs: number,
  jitter: number,
): { readonly announced: readonly number[]; readonly pass: (ms: number) => void } {
  const { random } = Math
  const now = performance.now.bind(performance)
  let nowMs = 0
  Math.random = () => jitter
  performance.now = () => nowMs
  mock.timers.reset()
  mock.timers.enable({ apis: ['setTimeout'] })
  const announced: number[] = []
  const announcer = new Announcer(new FakePubsub() as unknown as Pubsub, {
    self,
    topic: DISCOVERY_TOPIC,
    intervalMs,
    allowPrivateAddresses: true,
    addresses: () => [multiaddr('/dns4/a.nt.example/tcp/1/tls/ws')],
    onAnnounced: ({ recipients }) => announced.push(recipients),
    onUnheard: () => {},
    onPeer: () => {},
    log: silentLogger,
  })
  t.teardown(() => {
    announcer.stop()
    mock.timers.reset()
    Math.random = random
    performance.now = now
  })
  announcer.start()
  announcer.announce()
  const pass = (ms: number): void => {
    nowMs += ms
    mock.timers.tick(ms)
  }
  return { announced, pass }
}

/** Has one neighbour, who is subscribed. */
class FakePubsub extends EventTarget {
  getTopics(): string[] {
    return []
  }

  subscribe(): void {}

  unsubscribe(): void {}

  async publish(): Promise<{ readonly recipients: readonly unknown[] }> {
    return { recipients: [from] }
  }
}
