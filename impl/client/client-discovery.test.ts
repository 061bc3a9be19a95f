// A client that announces itself, and hears of others.
import 'reflect-metadata'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerInfo } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { test } from 'tap'
import { Announce } from '../wire/messages.ts'
import { DISCOVERY_TOPIC, DISCOVERY_TOPIC_SPECIFICATION } from '../wire/protocols.ts'
import { certify, createServer, provenAt, serveIssue, serveProofs } from './testing.ts'
import {
  ADDRESS,
  ADDRESS_NAME,
  authority,
  createWorld,
  idOf,
  next,
  start,
} from './testing-client.ts'

test('NT-DISC-001 NT-DISC-005 NT-DISC-010 announcements become discovered peers, and not of oneself', async (t) => {
  const { issueServers } = await createWorld(t)
  const client = await start(t, { issueServers })
  await next(client, 'certificate:obtained')
  const listener = await start(t, { issueServers, autoStart: false })
  const own: PeerInfo[] = []
  client.services.nodetrust.addEventListener('peer', ({ detail }) => own.push(detail))
  const heard = next(listener, 'peer')
  const raw = new Promise<{ topic: string; data: Uint8Array }>((resolve) => {
    listener.services.pubsub.addEventListener('message', ({ detail }) => resolve(detail))
  })
  await listener.dial(client.getMultiaddrs())
  const dialledAt = performance.now()
  const peer = await heard
  t.ok(performance.now() - dialledAt < 5_000, 'whoever comes need not wait for the next turn')
  t.equal(peer.id.toString(), client.peerId.toString())
  t.same(peer.multiaddrs.map(String), client.services.nodetrust.addresses.map(String))
  const { topic, data } = await raw
  t.equal(topic, DISCOVERY_TOPIC, 'NT-DISC-002')
  t.equal(Announce.decode(data).addr.length, 1)
  const often = await start(t, { issueServers, announceIntervalMs: 50 })
  await often.dial(listener.getMultiaddrs())
  for (let turn = 0; turn < 3; turn += 1) {
    await next(often, 'announced', ({ recipients }) => recipients > 0)
  }
  t.same(
    own.filter(({ id }) => id.equals(client.peerId)),
    [],
  )
  const stored = await listener.peerStore.get(client.peerId)
  t.ok(stored.addresses.some(({ multiaddr: address }) => address.toString().includes(ADDRESS_NAME)))
})

test('NT-DISC-005 a client whose issue server was restarted announces itself there again, without asking it for anything', async (t) => {
  const privateKey = await generateKeyPair('Ed25519')
  const issueServers = [multiaddr('/ip4/127.0.0.1/tcp/1').encapsulate(`/p2p/${idOf(privateKey)}`)]
  const signer = await createServer()
  t.teardown(() => signer.stop())
  await serveProofs(
    signer,
    provenAt(() => signer, ADDRESS),
  )
  // Its node takes part in pubsub, as an issue server does that passes announcements on.
  const startIssueServer = async (listen: string) => {
    const node = await start(
      t,
      { issueServers, autoStart: false },
      { privateKey, listen: [listen] },
    )
    const { requests } = await serveIssue(node, {
      proofServers: [signer],
      answer: async (request, caller) => await certify(authority, request, caller),
    })
    return { node, requests }
  }
  const first = await startIssueServer('/ip4/127.0.0.1/tcp/0')
  const [address = multiaddr('/')] = first.node.getMultiaddrs()
  const client = await start(t, { issueServers: [address], announceIntervalMs: 100 })
  await next(client, 'announced')
  t.equal(first.requests.length, 1)
  const lost = new Promise((resolve) => {
    client.addEventListener('peer:disconnect', resolve, { once: true })
  })
  await first.node.stop()
  await lost

  const second = await startIssueServer(address.decapsulate('/p2p').toString())
  const { id } = await next(second.node, 'peer')
  t.ok(id.equals(client.peerId))
  t.equal(second.requests.length, 0)
})

test('NT-DISC-002 NT-DISC-003 NT-DISC-007 both topics are heard, and nothing that comes does harm', async (t) => {
  const { issueServers } = await createWorld(t)
  const talker = await start(t, { issueServers, autoStart: false })
  const listener = await start(t, { issueServers, autoStart: false })
  const subscribed = new Promise((resolve) => {
    talker.services.pubsub.addEventListener('subscription-change', resolve, { once: true })
  })
  await talker.dial(listener.getMultiaddrs())
  await subscribed
  const peers: PeerInfo[] = []
  listener.services.nodetrust.addEventListener('peer', ({ detail }) => peers.push(detail))
  const own = `/dns4/${ADDRESS_NAME}/tcp/1/tls/ws/p2p/${talker.peerId.toString()}`
  const foreign = `/dns4/${ADDRESS_NAME}/tcp/2/tls/ws/p2p/${listener.peerId.toString()}`
  const bad = [
    Uint8Array.of(0xff, 0xff),
    new Uint8Array(5_000),
    Announce.encode({ addr: [] }),
    Announce.encode({ addr: [multiaddr(foreign).bytes] }),
    Announce.encode({ addr: [Uint8Array.of(1, 2, 3)] }),
  ]
  for (const data of bad) await talker.services.pubsub.publish(DISCOVERY_TOPIC, data)
  const heard = next(listener, 'peer')
  await talker.services.pubsub.publish(
    DISCOVERY_TOPIC_SPECIFICATION,
    Announce.encode({ addr: [multiaddr(foreign).bytes, Uint8Array.of(9), multiaddr(own).bytes] }),
  )
  t.same((await heard).multiaddrs.map(String), [own])
  t.equal(peers.length, 1)
})
