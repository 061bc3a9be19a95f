import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import type { Connection, PrivateKey } from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'
import { memory } from '@libp2p/memory'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { tcp } from '@libp2p/tcp'
import { streamPair } from '@libp2p/utils'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import { setImmediate } from 'node:timers/promises'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type Test } from 'tap'
import { Proof, ProofResponse, ProofWrapper } from '../wire/messages.ts'
import { verifyProof } from '../wire/proofs.ts'
import { CLIENT_FRAME_LENGTH_MAX, ISSUE_PROTOCOL, PROOF_PROTOCOL } from '../wire/protocols.ts'
import { frameStream } from '../wire/stream.ts'
import { proofServer, type ProofServer, type ProofServerInit } from './index.ts'
import { RateLimiter } from '../wire/rate-limiter.ts'

const common = {
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionGater: { denyDialMultiaddr: () => false },
  connectionMonitor: { enabled: false },
  // All clients of these tests share one address; libp2p's default is 5 new connections a second from one.
  connectionManager: { inboundConnectionThreshold: 1_000 },
}
const signal = (): AbortSignal => AbortSignal.timeout(10_000)

async function server(
  t: Test,
  listen: string[],
  init?: ProofServerInit,
): Promise<Libp2p<{ proof: ProofServer }>> {
  const node = await createLibp2p({
    ...common,
    addresses: { listen },
    transports: [tcp(), webSockets(), memory()],
    services: { proof: proofServer(init) },
  })
  t.teardown(() => node.stop())
  return node
}

async function client(t: Test, privateKey?: PrivateKey): Promise<Libp2p> {
  const node = await createLibp2p({
    ...common,
    ...(privateKey === undefined ? {} : { privateKey }),
    transports: [tcp(), webSockets(), memory()],
  })
  t.teardown(() => node.stop())
  return node
}

async function ask(node: Libp2p, address: Parameters<Libp2p['dial']>[0]): Promise<ProofResponse> {
  const stream = await node.dialProtocol(address, PROOF_PROTOCOL, {
    signal: signal(),
    runOnLimitedConnection: true,
  })
  const frames = frameStream(stream, { lengthMax: CLIENT_FRAME_LENGTH_MAX })
  await stream.close()
  const answer = await frames.read(signal())
  if (answer === undefined) throw new Error('no answer')
  if ((await frames.read(signal())) !== undefined) throw new Error('a second answer')
  return ProofResponse.decode(answer)
}

const opened = (response: ProofResponse): Proof =>
  Proof.decode(ProofWrapper.decode(response.proof ?? new Uint8Array()).proof)

test('NT-PROOF-001 … 005 NT-PROOF-015 NT-WIRE-003 NT-WIRE-004 over tcp and ws, IPv4 and IPv6, the caller gets one proof of its id and address, loopback too', async (t) => {
  const node = await server(t, [
    '/ip4/127.0.0.1/tcp/0',
    '/ip4/127.0.0.1/tcp/0/ws',
    '/ip6/::1/tcp/0',
  ])
  for (const type of ['Ed25519', 'secp256k1', 'RSA'] as const) {
    const caller = await client(t, await generateKeyPair(type as 'Ed25519'))
    for (const address of node.getMultiaddrs()) {
      const before = Date.now()
      const response = await ask(caller, address)
      const name = `${type} at ${address.toString().slice(0, 30)}`
      t.equal(response.error, 0, name)
      const callerId = caller.peerId.toMultihash().bytes
      const proof = opened(response)
      t.same(proof.id, callerId, name)
      t.ok(proof.timestamp >= before && proof.timestamp <= Date.now(), name)
      const v6 = address.toString().startsWith('/ip6')
      t.same(
        proof.addrs,
        [v6 ? { type: 2, address: '::1' } : { type: 1, address: '127.0.0.1' }],
        name,
      )
      const keys = [(await generateKeyPair('Ed25519')).publicKey]
      const serverKey = node.peerId.publicKey
      if (serverKey !== undefined) keys.push(serverKey as never)
      t.match(
        await verifyProof(response.proof ?? new Uint8Array(), { keys, callerId, now: Date.now() }),
        { valid: true },
        name,
      )
      await caller.hangUp(node.peerId)
    }
  }
})

test('NT-PROOF-006 proofs are signed with the proof key and not with the key of the node', async (t) => {
  const proofKey = await generateKeyPair('Ed25519')
  const node = await server(t, ['/ip4/127.0.0.1/tcp/0'], { proofKey })
  const caller = await client(t)
  const { proof = new Uint8Array() } = await ask(caller, node.getMultiaddrs())
  const callerId = caller.peerId.toMultihash().bytes
  t.match(await verifyProof(proof, { keys: [proofKey.publicKey], callerId, now: Date.now() }), {
    valid: true,
  })
  const nodeKey = node.peerId.publicKey
  t.match(
    await verifyProof(proof, {
      keys: nodeKey === undefined ? [] : [nodeKey],
      callerId,
      now: Date.now(),
    }),
    { valid: false },
  )
})

test('NT-PROOF-007 NT-PROOF-009 NT-PROOF-012 memory and relayed connections get E_OTHER and no proof', async (t) => {
  const relay = await createLibp2p({
    ...common,
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    services: { identify: identify(), relay: circuitRelayServer() },
  })
  t.teardown(() => relay.stop())
  const relayAddress = relay.getMultiaddrs()[0] ?? multiaddr('/ip4/127.0.0.1/tcp/1')
  const node = await createLibp2p({
    ...common,
    addresses: { listen: ['/memory/proof', `${relayAddress.toString()}/p2p-circuit`] },
    transports: [tcp(), memory(), circuitRelayTransport()],
    services: { identify: identify(), proof: proofServer() },
  })
  t.teardown(() => node.stop())
  const refused: string[] = []
  node.services.proof.addEventListener('proof:refused', ({ detail }) => refused.push(detail.reason))

  const direct = await client(t)
  t.same(await ask(direct, multiaddr('/memory/proof')), { error: 9 }, 'memory')

  const relayed = await createLibp2p({
    ...common,
    transports: [tcp(), circuitRelayTransport()],
    services: { identify: identify() },
  })
  t.teardown(() => relayed.stop())
  const through = multiaddr(`${relayAddress.toString()}/p2p-circuit/p2p/${node.peerId.toString()}`)
  t.same(await ask(relayed, through), { error: 9 }, 'relayed')
  t.equal(refused.length, 2)
  for (const reason of refused) t.match(reason, /proves no IP address/)
})

test('NT-PROOF-011 a peer or an address that asks too often gets E_RATE_LIMIT, and proofs again later', async (t) => {
  const node = await server(t, ['/ip4/127.0.0.1/tcp/0'], {
    rateLimit: { burst: 3, intervalMs: 60_000 },
  })
  const caller = await client(t)
  const errors: number[] = []
  for (let count = 0; count < 4; count += 1)
    errors.push((await ask(caller, node.getMultiaddrs())).error)
  t.same(errors, [0, 0, 0, 1])
  const neighbour = await client(t)
  t.equal((await ask(neighbour, node.getMultiaddrs())).error, 1, 'another peer at the same address')

  const limiter = new RateLimiter({ burst: 2, intervalMs: 100 })
  t.same(
    [0, 0, 0, 100, 100, 400, 400, 400].map((now) => limiter.take('a', now)),
    [true, true, false, true, false, true, true, false],
  )
  t.throws(() => new RateLimiter({ burst: 0, intervalMs: 1 }), RangeError)
})

test('NT-PROOF-011 each peer has a limit, and all addresses of an IPv6 network of 64 bits share one', async (t) => {
  const node = await server(t, ['/memory/limits'], { rateLimit: { burst: 2, intervalMs: 60_000 } })
  // One machine has no two such addresses, so the connections are made up.
  const { registrar } = (node as unknown as { components: { registrar: Registrar } }).components
  const { handler } = registrar.getHandler(PROOF_PROTOCOL)
  const askFrom = async (address: string, key: PrivateKey): Promise<number> => {
    const [stream, served] = await streamPair()
    const frames = frameStream(stream, { lengthMax: CLIENT_FRAME_LENGTH_MAX })
    const remotePeer = peerIdFromPrivateKey(key)
    const remoteAddr = multiaddr(`/ip6/${address}/tcp/4001`)
    void handler(served, { remotePeer, remoteAddr } as unknown as Connection)
    const answer = await frames.read(signal())
    await stream.close()
    return ProofResponse.decode(answer ?? new Uint8Array()).error
  }
  const errors: number[] = []
  for (const address of ['2001:db8::1', '2001:db8::2', '2001:db8::3', '2001:db8:0:1::1']) {
    errors.push(await askFrom(address, await generateKeyPair('Ed25519')))
  }
  t.same(errors, [0, 0, 1, 0], 'peers of one network, and of another')
  errors.length = 0
  const key = await generateKeyPair('Ed25519')
  for (const address of ['2001:db8:0:2::', '2001:db8:0:3::', '2001:db8:0:4::']) {
    errors.push(await askFrom(address, key))
  }
  t.same(errors, [0, 0, 1], 'one peer of several networks')
})

test('peers and networks on the deny list get E_NOT_AUTHORIZED, and others their proofs', async (t) => {
  const caller = await client(t)
  const denyListFile = join(t.testdir({}), 'denied.txt')
  writeFileSync(denyListFile, `${caller.peerId.toString()}\n127.0.0.0/8 # all of this machine\n`)
  const node = await server(t, ['/ip4/127.0.0.1/tcp/0', '/ip6/::1/tcp/0'], { denyListFile })
  const addresses = (family: string) =>
    node.getMultiaddrs().filter((address) => address.getComponents()[0]?.name === family)
  const refused: string[] = []
  node.services.proof.addEventListener('proof:refused', ({ detail }) => refused.push(detail.reason))
  t.same(await ask(caller, addresses('ip6')), { error: 3 }, 'its id')
  const other = await client(t)
  t.same(await ask(other, addresses('ip4')), { error: 3 }, 'its address')
  t.match(refused, [/peer is on the deny list/, /127.0.0.1 is on the deny list/])
  const another = await client(t)
  t.equal((await ask(another, addresses('ip6'))).error, 0)
  await t.rejects(server(t, [], { denyListFile: `${denyListFile}.none` }), /cannot be read: ENOENT/)
})

test('NT-PROOF-013 NT-PROOF-014 many peers at once never get each other’s proof, and a second proof is a fresh one', async (t) => {
  const node = await server(t, ['/ip4/127.0.0.1/tcp/0'], {
    rateLimit: { burst: 1000, intervalMs: 0 },
  })
  const callers = await Promise.all(Array.from({ length: 20 }, () => client(t)))
  const proofs = await Promise.all(
    callers.flatMap((caller) =>
      Array.from({ length: 5 }, async () => ({
        caller,
        response: await ask(caller, node.getMultiaddrs()),
      })),
    ),
  )
  for (const { caller, response } of proofs) {
    t.same(opened(response).id, caller.peerId.toMultihash().bytes)
  }
  const [first] = callers
  if (first === undefined) throw new Error('no caller')
  const one = opened(await ask(first, node.getMultiaddrs()))
  while (Date.now() <= one.timestamp) await setImmediate()
  const two = opened(await ask(first, node.getMultiaddrs()))
  t.ok(two.timestamp > one.timestamp, 'over the same connection')
  t.equal(node.getConnections(first.peerId).length, 1)
})

test('NT-WIRE-005 NT-WIRE-010 streams over the cap are reset, garbage changes nothing, and others are served meanwhile', async (t) => {
  const node = await server(t, ['/ip4/127.0.0.1/tcp/0'], {
    streams: { perPeer: 4 },
    rateLimit: { burst: 1000, intervalMs: 0 },
  })
  const greedy = await client(t)
  // The muxer itself cuts a connection that opens many streams before its first exchange.
  await ask(greedy, node.getMultiaddrs())
  // Forty streams that are left open: the answer comes, the end of the client's side never does.
  const outcomes = await Promise.all(
    Array.from({ length: 40 }, async () => {
      try {
        const stream = await greedy.dialProtocol(node.getMultiaddrs(), PROOF_PROTOCOL, {
          signal: signal(),
        })
        const frames = frameStream(stream, { lengthMax: CLIENT_FRAME_LENGTH_MAX })
        return (await frames.read(signal())) === undefined ? 'end' : 'proof'
      } catch {
        return 'reset'
      }
    }),
  )
  const proofs = outcomes.filter((outcome) => outcome === 'proof').length
  t.ok(proofs > 0 && proofs <= 4, JSON.stringify(outcomes))
  const other = await client(t)
  t.equal((await ask(other, node.getMultiaddrs())).error, 0, 'another peer is served')
  const garbage = await other.dialProtocol(node.getMultiaddrs(), PROOF_PROTOCOL, {
    signal: signal(),
  })
  garbage.send(Buffer.alloc(1000, 0xff))
  await garbage.close()
  t.equal((await ask(other, node.getMultiaddrs())).error, 0, 'after garbage too')
})

test('NT-WIRE-013 identify names the proof protocol and nothing else that is not libp2p’s; what is not served cannot be dialled', async (t) => {
  const listening = {
    ...common,
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
  }
  const plain = await createLibp2p({ ...listening, services: { identify: identify() } })
  t.teardown(() => plain.stop())
  const node = await createLibp2p({
    ...listening,
    services: { identify: identify(), proof: proofServer() },
  })
  t.teardown(() => node.stop())

  const identified = new Promise<string[]>((resolve) => {
    plain.addEventListener('peer:identify', ({ detail }) => resolve(detail.protocols))
  })
  await plain.dial(node.getMultiaddrs())
  const own = plain.getProtocols()
  t.same((await identified).toSorted(), [...own, PROOF_PROTOCOL].toSorted())
  t.equal((await ask(plain, node.getMultiaddrs())).error, 0)
  const unserved = { name: 'UnsupportedProtocolError' }
  await t.rejects(plain.dialProtocol(node.getMultiaddrs(), ISSUE_PROTOCOL), unserved)

  await node.services.proof.stop()
  t.same(node.getProtocols().toSorted(), own.toSorted())
  await t.rejects(ask(plain, node.getMultiaddrs()), unserved, 'after the stop')
})
