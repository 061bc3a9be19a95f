// Servers of a configuration in one process: that all run or none does, and that they know one another.
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { gossipsub, type GossipSub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { decode, encode, type TxtAnswer } from 'dns-packet'
import { createLibp2p } from 'libp2p'
import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { mkdtempSync, rmSync } from 'node:fs'
import os, { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type Test } from 'tap'
import { writeLoopbackConfig } from './config/testing.ts'
import { loadConfig, ROLES } from './config/index.ts'
import { createLog } from './log.ts'
import { startServers, type Servers, type StartOptions } from './node.ts'
import type { IssueServer } from './issue/index.ts'
import {
  DNS01Request,
  DNS01Response,
  IssueInfo,
  IssueRequest,
  IssueResponse,
  ProofResponse,
} from './wire/messages.ts'
import {
  DISCOVERY_TOPIC,
  DNS01_PROTOCOL,
  ISSUE_INFO_PROTOCOL,
  ISSUE_PROTOCOL,
  PROOF_PROTOCOL,
} from './wire/protocols.ts'
import { frameStream } from './wire/stream.ts'

const log = createLog({ format: 'json', level: 'error' })

async function start(
  t: Test,
  edit?: (text: string) => string,
  options: Partial<StartOptions> = {},
): Promise<Servers> {
  const { config } = await loadConfig(await writeLoopbackConfig(t.testdir({}), edit))
  const servers = await startServers(config, { roles: ROLES, log, ...options })
  t.teardown(() => servers.stop())
  return servers
}

async function client(t: Test) {
  const node = await createLibp2p({
    addresses: { listen: [] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify(), pubsub: gossipsub() },
  })
  t.teardown(() => node.stop())
  return node
}

/** A TCP port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function refused(port: number): Promise<unknown> {
  const [error] = await once(connect(port, '127.0.0.1'), 'error').catch((reason: unknown) => [
    reason,
  ])
  return (error as NodeJS.ErrnoException).code
}

test('all roles run in one process, and what is local finds one another', async (t) => {
  const { nodes, addresses } = await start(t)
  const node = await client(t)
  const signal = AbortSignal.timeout(10_000)

  const issue = (addresses.libp2p.issue ?? []).map((address) => multiaddr(address))
  const asked = await node.dialProtocol(issue, ISSUE_INFO_PROTOCOL, { signal })
  const answer = await frameStream(asked, { lengthMax: 65_536 }).read(signal)
  const info = IssueInfo.decode(answer ?? new Uint8Array())
  t.equal(info.domain, 'nt.example.org')
  t.match(info.proofs, [{ id: nodes.proof?.peerId.toMultihash().bytes, display: 'proof-1' }])
  t.strictSame(
    info.proofs[0]?.addrs.map((bytes) => multiaddr(bytes).toString()),
    addresses.libp2p.proof,
  )

  // The issue server's key is the writer that the DNS server knows.
  const dns = (addresses.libp2p.dns ?? []).map((address) => multiaddr(address))
  const stream = await nodes.issue?.dialProtocol(dns, DNS01_PROTOCOL, { signal })
  if (stream === undefined) throw new Error('no issue server runs')
  const frames = frameStream(stream, { lengthMax: 65_536 })
  const fqdn = 'ip4203-0-113-7.nt.example.org'
  const value = 'v'.repeat(43)
  await frames.write(DNS01Request.encode({ fqdn, value }), signal)
  const response = DNS01Response.decode((await frames.read(signal)) ?? new Uint8Array())
  t.equal(response.error, 0)

  const [queries] = addresses.dns
  const socket = createSocket('udp4')
  t.teardown(() => socket.close())
  const query = encode({
    id: 7,
    type: 'query',
    questions: [{ type: 'TXT', name: `_acme-challenge.${fqdn}` }],
  })
  socket.send(query, queries?.port, queries?.address)
  const [packet] = (await once(socket, 'message', { signal })) as [Buffer]
  const [txt] = decode(packet).answers ?? []
  t.equal(String((txt as TxtAnswer).data), value)
})

test('servers name the public addresses that the machine has, although nobody has dialled them yet', async (t) => {
  const { networkInterfaces } = os
  t.teardown(() => {
    os.networkInterfaces = networkInterfaces
  })
  const address = { family: 'IPv4', netmask: '255.255.255.0', mac: '', internal: false } as const
  os.networkInterfaces = () => ({
    eth0: [{ ...address, address: '45.1.1.53', cidr: '45.1.1.53/24' }],
  })
  const { addresses } = await start(t, (text) =>
    text.replaceAll('/ip4/127.0.0.1/tcp/0', '/ip4/0.0.0.0/tcp/0'),
  )
  for (const role of ROLES) {
    t.match(addresses.libp2p[role]?.join(), /^\/ip4\/45\.1\.1\.53\/tcp\/\d+\/p2p\/\w+$/, role)
  }
})

test('budgets and deny lists of a configuration reach its servers', async (t) => {
  const budget = { count: 9, periodMs: 1_000_000 }
  const denied = join(t.testdir({ 'denied.txt': '127.0.0.0/8\n' }), 'denied.txt')
  // A second t.testdir would empty the first.
  const folder = mkdtempSync(join(tmpdir(), 'nodetrust-node-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = await writeLoopbackConfig(folder, (text) =>
    text
      .replace('display: proof-1', `denyListFile: ${denied}`)
      .replace('# denyListFile: denied.txt', `denyListFile: ${denied}`)
      .replace('# budgets: #', `budgets: { certificatesPerDomain: ${JSON.stringify(budget)} } #`),
  )
  const servers = await startServers((await loadConfig(file)).config, { roles: ROLES, log })
  t.teardown(() => servers.stop())
  const { nodes, addresses } = servers
  const issue = nodes.issue?.services['issue'] as unknown as IssueServer
  t.strictSame(issue.budgets(), [
    { budget: 'certificatesPerDomain', key: 'nt.example.org', ...budget, left: 9 },
  ])
  const node = await client(t)
  const signal = AbortSignal.timeout(10_000)
  const ask = async (role: 'proof' | 'issue', protocol: string): Promise<Uint8Array> => {
    const dialled = (addresses.libp2p[role] ?? []).map((address) => multiaddr(address))
    const frames = frameStream(await node.dialProtocol(dialled, protocol, { signal }), {
      lengthMax: 65_536,
    })
    const request = IssueRequest.encode({ proofs: [], supportedCryptos: [1] })
    if (role === 'issue') await frames.write(request, signal)
    return (await frames.read(signal)) ?? new Uint8Array()
  }
  t.match(ProofResponse.decode(await ask('proof', PROOF_PROTOCOL)), { error: 3 })
  t.match(IssueResponse.decode(await ask('issue', ISSUE_PROTOCOL)), { error: 3 })
})

test('NT-DISC-009 NT-DISC-008 announcements pass through DNS and issue servers, oversized ones do not', async (t) => {
  const { nodes, addresses } = await start(t)
  const signal = AbortSignal.timeout(20_000)
  for (const role of ['dns', 'issue'] as const) {
    const [address = ''] = addresses.libp2p[role] ?? []
    const relay = nodes[role]?.services['pubsub'] as Relay
    const [speaker, listener] = [await client(t), await client(t)]
    listener.services.pubsub.subscribe(DISCOVERY_TOPIC)
    for (const node of [speaker, listener]) await node.dial(multiaddr(address), { signal })
    const { pubsub } = speaker.services
    await until(pubsub, 'subscription-change', signal, () =>
      pubsub.getSubscribers(DISCOVERY_TOPIC).some((peer) => peer.equals(nodes[role]?.peerId)),
    )
    await until(relay, 'gossipsub:heartbeat', signal, () =>
      relay.getMeshPeers(DISCOVERY_TOPIC).includes(listener.peerId.toString()),
    )
    const heard = once(emitter(listener.services.pubsub), 'message', { signal })
    // The first would be heard first, if it were passed on.
    for (const length of [4_097, 4_096]) {
      await pubsub.publish(DISCOVERY_TOPIC, new Uint8Array(length))
    }
    const [{ detail }] = (await heard) as [CustomEvent<{ data: Uint8Array }>]
    t.equal(detail.data.length, 4_096, role)
  }
})

test('NT-DISC-009 announcements pass to clients of an address that many others have', async (t) => {
  const { nodes, addresses } = await start(t)
  const signal = AbortSignal.timeout(20_000)
  const [address = ''] = addresses.libp2p['dns'] ?? []
  const relay = nodes['dns']?.services['pubsub'] as Relay
  // By default gossipsub passes nothing on to any of the peers at an address that has so many.
  const clients = await Promise.all(Array.from({ length: 12 }, () => client(t)))
  await Promise.all(
    clients.map(async (node) => {
      node.services.pubsub.subscribe(DISCOVERY_TOPIC)
      await node.dial(multiaddr(address), { signal })
    }),
  )
  await until(relay, 'gossipsub:heartbeat', signal, () =>
    clients.every(({ peerId }) =>
      relay.getSubscribers(DISCOVERY_TOPIC).some((peer) => peer.equals(peerId)),
    ),
  )
  const [speaker, ...listeners] = clients
  const heard = listeners.map((node) => once(emitter(node.services.pubsub), 'message', { signal }))
  await speaker?.services.pubsub.publish(DISCOVERY_TOPIC, new Uint8Array(100))
  await t.resolves(Promise.all(heard))
})

test('a port that is taken is named with its role, all of them at once, and nothing starts', async (t) => {
  // Below the ports that the system gives to whoever asks for any, of whom one may have the same number over TCP.
  const socket = createSocket('udp4').bind(randomInt(20_000, 30_000), '127.0.0.1')
  await once(socket, 'listening')
  t.teardown(() => socket.close())
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const [udp, taken] = [socket.address().port, (server.address() as AddressInfo).port]
  const proof = await freePort()
  const starting = start(t, (text) =>
    text
      .replace('tcp/0', `tcp/${proof}`)
      .replace('port: 0', `port: ${udp}`)
      .replace(/(issue:[^]*?)tcp\/0/, `$1tcp/${taken}`),
  )
  const advice = 'end what listens there (`ss -lntup` shows it) or choose another port'
  await t.rejects(starting, {
    name: 'SetupError',
    message: [
      `dns: port ${udp} on 127.0.0.1 (udp) is taken (EADDRINUSE): ${advice}`,
      `issue: port ${taken} on 127.0.0.1 (tcp) is taken (EADDRINUSE): ${advice}`,
    ].join('\n'),
  })
  t.equal(await refused(proof), 'ECONNREFUSED')
})

test('when one role cannot start, those that had started are stopped', async (t) => {
  const [proof, dns] = [await freePort(), await freePort()]
  const starting = start(t, (text) =>
    text
      .replace('tcp/0', `tcp/${proof}`)
      .replace('port: 0', `port: ${dns}`)
      .replace('storePath: issue.sqlite', 'storePath: .'),
  )
  await t.rejects(starting, { name: 'SetupError', message: /^issue: cannot open the store/ })
  t.equal(await refused(proof), 'ECONNREFUSED')
  t.equal(await refused(dns), 'ECONNREFUSED')
})

test('an address that the machine does not have is named', async (t) => {
  const starting = start(t, (text) =>
    text.replace('/ip4/127.0.0.1/tcp/0', '/ip4/192.0.2.1/tcp/4001'),
  )
  await t.rejects(starting, {
    message: /^proof: port 4001 on 192.0.2.1 \(tcp\) cannot be had \(EADDRNOTAVAIL\): /,
  })
})

test('a role without its section, or without the servers that it calls local, does not start', async (t) => {
  await t.rejects(start(t, undefined, { roles: ['issue'] }), {
    name: 'SetupError',
    message: [
      'issue: issue.proofServers[0] is local, but no proof server runs in this process: ',
      'run `nodetrust serve all`, or write down where it is\n',
      'issue: issue.dnsServers[0] is local, but no dns server runs in this process: ',
      'run `nodetrust serve all`, or write down where it is',
    ].join(''),
  })
  const withoutDns = (text: string): string => text.replace(/^(dns|issue):\n(?:[ #].*\n|\n)+/gm, '')
  await t.rejects(start(t, withoutDns, { roles: ['dns'] }), {
    message: 'dns: the configuration has no section "dns"',
  })
})

test('a start that is aborted starts nothing', async (t) => {
  const signal = AbortSignal.abort(new Error('enough'))
  await t.rejects(start(t, undefined, { signal }), { message: 'enough' })
})

test('a stop that hangs ends after its time and names what hung, the others being stopped', async (t) => {
  const servers = await start(t)
  const { proof } = servers.nodes
  if (proof === undefined) throw new Error('no proof server runs')
  const stop = proof.stop.bind(proof)
  t.teardown(stop)
  proof.stop = () => new Promise(() => {})
  await t.rejects(servers.stop({ timeoutMs: 5_000 }), {
    name: 'StopError',
    message: 'proof did not stop within 5000 ms',
  })
  t.equal(servers.nodes.dns?.status, 'stopped')
  t.equal(servers.nodes.issue?.status, 'stopped')
  proof.stop = stop
})

/** node:events knows EventTargets; gossipsub's type does not say that it is one. */
function emitter(pubsub: GossipSub): EventTarget {
  return pubsub as unknown as EventTarget
}

async function until(
  pubsub: GossipSub,
  event: string,
  signal: AbortSignal,
  reached: () => boolean,
): Promise<void> {
  while (!reached()) await once(emitter(pubsub), event, { signal })
}

/** The published type leaves the mesh out. */
type Relay = GossipSub & { getMeshPeers(topic: string): string[] }

test('a stranger who connects to a WebSocket listener and says nothing does not keep the servers from stopping', async (t) => {
  const servers = await start(t, (text) =>
    text.replaceAll(/(\/ip4\/127\.0\.0\.1\/tcp\/\d+)$/gm, '$1/ws'),
  )
  const [address] = servers.addresses.libp2p.proof ?? []
  t.match(address, /\/ws/)
  const [, port] = multiaddr(address ?? '').getComponents()
  const silent = connect(Number(port?.value), '127.0.0.1')
  t.teardown(() => silent.destroy())
  await once(silent, 'connect')
  const closed = once(silent, 'close')
  await servers.stop({ timeoutMs: 20_000 })
  await closed
})
