// The invariants themselves, on worlds that break them: an invariant that nothing breaks proves nothing.
import { test } from 'tap'
import { wire } from '../../impl/index.ts'
import { invariants } from './invariants.ts'
import { Trace } from './trace.ts'
import type { World } from './world.ts'

const ZONE = 'nt.example'
const PEERS: Readonly<Record<string, string>> = {
  client1: '12D3KooWRawPbxPtP1eZaJpumGnyWX2DcUyd3RQnydr3eAto4Az7',
  client2: 'QmfVDYD9Du7fNR4DKooPXZnRUoArR3FBRR3udbhZAT9m2H',
}
const ids = new Map(
  Object.values(PEERS).map((peer, index) => [peer, Uint8Array.of(0, 2, 1, index)]),
)

/** As much of a world as the invariants look at. */
function world(parts: Partial<Record<keyof World, unknown>> = {}): World {
  return {
    zone: ZONE,
    trace: new Trace(),
    certificates: [],
    failures: [],
    announcements: [],
    clients: Object.entries(PEERS).map(([name, peerId]) => ({ name, peerId })),
    host: (name: string) => ({ name, peerId: PEERS[name] }),
    hostOfPeer: (peer: string) => Object.entries(PEERS).find(([, id]) => id === peer)?.[0] ?? peer,
    peerIdBytes: (peer: string) => ids.get(peer),
    ...parts,
  } as unknown as World
}
const [proven, announced, unproven, silent] = invariants
const names = (peer: string, address: string): string[] => [
  wire.id0Name(ids.get(peer) ?? new Uint8Array(), ZONE),
  wire.addressName(address, ZONE),
]

test('a certificate for an address that was proven to its peer is fine, for any other it is not', async (t) => {
  const { client1 = '', client2 = '' } = PEERS
  const issued = (peer: string, address: string): World => {
    const w = world()
    w.trace.record('proof1', 'proof:signed', { peer: client1, addresses: ['203.0.113.7'] })
    w.trace.record('issue1', 'certificate:issued', { peer, names: names(peer, address) })
    return w
  }
  t.equal(proven?.always?.(issued(client1, '203.0.113.7')), true)
  t.match(
    proven?.always?.(issued(client1, '203.0.113.8')),
    /client1 got a certificate for ip4203-0-113-8/,
  )
  t.match(proven?.always?.(issued(client2, '203.0.113.7')), /client2 got a certificate/)
})

test('a certificate before its proof is one too early', async (t) => {
  const { client1 = '' } = PEERS
  const w = world()
  w.trace.record('issue1', 'certificate:issued', {
    peer: client1,
    names: names(client1, '203.0.113.7'),
  })
  w.trace.record('proof1', 'proof:signed', { peer: client1, addresses: ['203.0.113.7'] })
  t.match(proven?.always?.(w), /client1 got a certificate/)
})

test('a client without a proof that asked all the same is told of', async (t) => {
  const { client1 = '' } = PEERS
  const w = world()
  t.equal(unproven?.always?.(w), true)
  w.trace.record('issue1', 'request:received', { peer: client1 })
  t.match(unproven?.always?.(w), /client1 had no proof and sent a request/)
  w.trace.record('client1', 'proof:received', { server: '', addresses: [] })
  t.equal(unproven?.always?.(w), true)
  const told = world({ certificates: [{ host: 'client2', certificate: '' }] })
  t.match(unproven?.always?.(told), /client2 had no proof and was told of a certificate/)
})

test('an announced address where nobody listens, or whose name does not resolve, is told of', async (t) => {
  const announcement = { host: 'client1', address: '', name: `ip4127-0-0-1.${ZONE}`, port: 1 }
  const driver = { socketAddress: (address: string) => address }
  const rootCertificates = async (): Promise<string> => ''
  const heard = { announcements: [announcement], driver, rootCertificates }
  t.equal(await announced?.atEnd?.(world({ driver, rootCertificates })), true, 'nothing announced')
  t.match(
    await announced?.atEnd?.(world({ ...heard, resolve: async () => ['127.0.0.1'] })),
    /client1: connect ECONNREFUSED/,
  )
  t.match(
    await announced?.atEnd?.(world({ ...heard, resolve: async () => [] })),
    /resolves to nothing/,
  )
})

test('what a host announces that has moved is judged when it has another certificate, and at the end', async (t) => {
  const address = '/dns4/left'
  const announcement = { host: 'client1', address, name: `ip4127-0-0-1.${ZONE}`, port: 1 }
  const w = world({
    announcements: [announcement],
    driver: { socketAddress: (place: string) => place },
    rootCertificates: async () => '',
    resolve: async () => ['127.0.0.1'],
  })
  const heard = { atMs: 0, host: 'client1', event: 'peer:heard', detail: { address } }
  t.match(await announced?.onEvent?.(w, heard), /ECONNREFUSED/)
  w.trace.record('client2', 'host:moved')
  t.match(await announced?.onEvent?.(w, heard), /ECONNREFUSED/, 'another one has moved')
  w.trace.record('client1', 'host:moved')
  t.equal(await announced?.onEvent?.(w, heard), true)
  t.match(await announced?.atEnd?.(w), /ECONNREFUSED/)
  w.trace.record('client1', 'certificate:renewed')
  t.match(await announced?.onEvent?.(w, heard), /ECONNREFUSED/)
})

test('a client that is told to announce nothing, and is heard all the same, is told of', (t) => {
  const announcements = [{ host: 'client1', address: '/dns4/one', name: 'one', port: 1 }]
  const heard = (announces: boolean): World =>
    world({ announcements, clients: [{ name: 'client1', announces }] })
  t.equal(silent?.always?.(heard(true)), true)
  t.match(silent?.always?.(heard(false)), /client1 announces \/dns4\/one/)
  t.end()
})
