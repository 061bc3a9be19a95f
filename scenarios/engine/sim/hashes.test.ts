import { test } from 'tap'
import { TraceHashes, type TraceDigest } from './hashes.ts'

const PACKET = { atMs: 5, from: '192.0.2.1', to: '192.0.2.2', length: 3 }

function digest(fill: (hashes: TraceHashes) => void): TraceDigest {
  const hashes = new TraceHashes()
  fill(hashes)
  return hashes.digest()
}

test('each hash tells what it is of, and no more', (t) => {
  const usual = digest((hashes) => {
    hashes.event(1, 'proof-1', 'proof:given', { to: 'a' })
    hashes.packet(PACKET, Uint8Array.of(1, 2, 3))
  })
  const cases: Record<string, [(hashes: TraceHashes) => void, (keyof TraceDigest)[]]> = {
    'another detail': [
      (hashes) => {
        hashes.event(1, 'proof-1', 'proof:given', { to: 'b' })
        hashes.packet(PACKET, Uint8Array.of(1, 2, 3))
      },
      ['events'],
    ],
    'another time': [
      (hashes) => {
        hashes.event(2, 'proof-1', 'proof:given', { to: 'a' })
        hashes.packet(PACKET, Uint8Array.of(1, 2, 3))
      },
      ['events'],
    ],
    'other bytes': [
      (hashes) => {
        hashes.event(1, 'proof-1', 'proof:given', { to: 'a' })
        hashes.packet(PACKET, Uint8Array.of(1, 2, 4))
      },
      ['bytes'],
    ],
    'a later packet': [
      (hashes) => {
        hashes.event(1, 'proof-1', 'proof:given', { to: 'a' })
        hashes.packet({ ...PACKET, atMs: 6 }, Uint8Array.of(1, 2, 3))
      },
      ['shape'],
    ],
    'another receiver': [
      (hashes) => {
        hashes.event(1, 'proof-1', 'proof:given', { to: 'a' })
        hashes.packet({ ...PACKET, to: '192.0.2.3' }, Uint8Array.of(1, 2, 3))
      },
      ['shape'],
    ],
    'a packet whose bytes are not counted': [
      (hashes) => {
        hashes.event(1, 'proof-1', 'proof:given', { to: 'a' })
        hashes.packet(PACKET)
      },
      ['bytes'],
    ],
    nothing: [() => {}, ['events', 'shape', 'bytes', 'eventCount', 'packetCount', 'byteCount']],
  }
  for (const [name, [fill, differing]] of Object.entries(cases)) {
    const other = digest(fill)
    const keys = Object.keys(usual) as (keyof TraceDigest)[]
    t.strictSame(
      keys.filter((key) => usual[key] !== other[key]),
      differing,
      name,
    )
  }
  t.end()
})

test('the thread that an error of OpenSSL names does not count', (t) => {
  const failing = (thread: string): TraceDigest =>
    digest((hashes) => {
      hashes.event(1, 'client1', 'socket:looked-at', { problem: `${thread}:error:0A000410:SSL` })
    })
  t.strictSame(failing('406D6547047F0000'), failing('402D2A1D7E7F0000'))
  t.notSame(failing('406D6547047F0000'), failing('another'))
  t.end()
})

test('a digest can be taken on the way, and changes nothing', (t) => {
  const many = (hashes: TraceHashes, look: boolean): void => {
    for (let packet = 0; packet < 3_000; packet++) {
      hashes.packet({ ...PACKET, atMs: packet })
      hashes.event(packet, 'host', 'event')
      if (look && packet % 700 === 0) hashes.digest()
    }
  }
  const [looked, alone] = [
    digest((hashes) => many(hashes, true)),
    digest((hashes) => many(hashes, false)),
  ]
  t.strictSame(looked, alone)
  t.equal(alone.packetCount, 3_000)
  t.equal(alone.byteCount, 9_000)
  t.end()
})
