// Whether Node's network modules run on virtual hosts as they do on real ones. Each check is of one thing, so that a
// Node that differs is told of by what broke. See ../self-test.ts for time and chance.
import { strict as assert } from 'node:assert'
import dgram from 'node:dgram'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import dns from 'node:dns'
import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import { text } from 'node:stream/consumers'
import tls from 'node:tls'
import { encode } from 'dns-packet'
import { runOn, type VirtualHost } from '../host-context.ts'
import { inWorld, type Installed } from '../install.ts'
import { Network, type NetworkHost } from '../network/index.ts'
import type { SelfCheck } from '../self-test.ts'
import { connectHost } from './hosts.ts'
import { installNetwork } from './install.ts'
import { makeTestCertificate } from './testing-certificate.ts'

/** One way, between the two hosts of a check. */
const LATENCY_MS = 40
const SERVER = '203.0.113.1'
const CLIENT = '203.0.113.2'
const DAY_MS = 86_400_000
/** So many are hardly in order by chance. */
const CONNECTIONS = 12

interface Stage {
  readonly world: Installed
  readonly machine: NetworkHost
  /** Runs work on the host that serves, and on the one that asks. */
  readonly serve: <T>(work: () => T) => T
  readonly ask: <T>(work: () => T) => T
}

/** Puts two hosts on a network of their own. */
async function stage(tell: (stage: Stage) => Promise<void>): Promise<void> {
  await inWorld(async (world) => {
    const uninstall = installNetwork()
    try {
      const { clock, random } = world
      const network = new Network({ clock, random, link: { latencyMs: LATENCY_MS } })
      const nameServers = [{ address: SERVER, port: 53 }]
      const hosts = [SERVER, CLIENT].map((address, index) => {
        const name = `host${index}`
        const machine = network.host({ name, addresses: [address, `2001:db8::${index + 1}`] })
        const host: VirtualHost = { name, alive: true, skewMs: () => 0 }
        connectHost(host, { machine, nameServers })
        return { host, machine }
      })
      const [server, client] = hosts
      if (server === undefined || client === undefined) return
      await tell({
        world,
        machine: server.machine,
        serve: (work) => runOn(server.host, work),
        ask: (work) => runOn(client.host, work),
      })
    } finally {
      uninstall()
    }
  })
}

/** The error that something emits. */
async function failure(emitter: NodeJS.EventEmitter): Promise<NodeJS.ErrnoException> {
  const { promise, resolve } = Promise.withResolvers<NodeJS.ErrnoException>()
  emitter.once('error', resolve)
  return promise
}

async function listening<T extends NodeJS.EventEmitter>(server: T): Promise<T> {
  await once(server, 'listening')
  return server
}

/** The checks of Node's network modules. The process must have been taken over. */
export function networkChecks(): SelfCheck[] {
  return Object.entries(CHECKS).map(([name, check]) => ({ name, check: () => stage(check) }))
}

const CHECKS: Readonly<Record<string, (stage: Stage) => Promise<void>>> = {
  'node:net carries bytes both ways, and knows both ends': async ({ serve, ask }) => {
    const server = await listening(
      serve(() => net.createServer((socket) => socket.end('bye')).listen(80, SERVER)),
    )
    const accepted = once(server, 'connection') as Promise<[net.Socket]>
    const socket = ask(() => net.connect(80, SERVER))
    assert.equal(await text(socket), 'bye')
    assert.equal((await accepted)[0].remoteAddress, CLIENT)
    assert.equal(socket.bytesRead, 3)
    assert.deepEqual(server.address(), { address: SERVER, port: 80, family: 'IPv4' })
  },
  'node:net says how a dial has failed': async ({ ask }) => {
    const refused = await failure(ask(() => net.connect(81, SERVER)))
    assert.equal(refused.message, `connect ECONNREFUSED ${SERVER}:81`)
    const silent = await failure(ask(() => net.connect(81, '203.0.113.9')))
    assert.equal(silent.code, 'ETIMEDOUT')
  },
  'node:net says how listening has failed': async ({ serve }) => {
    await listening(serve(() => net.createServer().listen(80, SERVER)))
    assert.equal((await failure(serve(() => net.createServer().listen(80)))).code, 'EADDRINUSE')
    const elsewhere = await failure(serve(() => net.createServer().listen(80, CLIENT)))
    assert.equal(elsewhere.code, 'EADDRNOTAVAIL')
  },
  'resetAndDestroy breaks a connection': async ({ serve, ask }) => {
    await listening(
      serve(() => net.createServer((socket) => socket.resetAndDestroy()).listen(80, SERVER)),
    )
    assert.equal((await failure(ask(() => net.connect(80, SERVER)))).code, 'ECONNRESET')
  },
  'write waits for a slow reader, and drain ends that': async ({ serve, ask }) => {
    const server = await listening(serve(() => net.createServer().listen(80, SERVER)))
    const accepted = once(server, 'connection') as Promise<[net.Socket]>
    const socket = ask(() => net.connect(80, SERVER))
    const [slow] = await accepted
    assert.equal(socket.write(Buffer.alloc(1 << 20)), false)
    const drained = once(socket, 'drain')
    slow.resume()
    await drained
  },
  'socket.setTimeout goes by virtual time': async ({ world, serve, ask }) => {
    await listening(serve(() => net.createServer(() => {}).listen(80, SERVER)))
    const socket = ask(() => net.connect(80, SERVER).setTimeout(60_000))
    await once(socket, 'timeout')
    assert.equal(world.clock.nowMs, 60_000 + 2 * LATENCY_MS)
  },
  'maxConnections drops': async ({ serve, ask }) => {
    const server = await listening(serve(() => net.createServer().listen(80, SERVER)))
    server.maxConnections = 1
    ask(() => net.connect(80, SERVER))
    await once(server, 'connection')
    const dropped = once(server, 'drop') as Promise<[net.DropArgument]>
    ask(() => net.connect(80, SERVER).on('error', () => {}))
    assert.equal((await dropped)[0].remoteAddress, CLIENT)
  },
  'diagnostics channels tell of sockets': async ({ serve, ask }) => {
    const told: string[] = []
    const channels = ['net.server.socket', 'udp.socket']
    const hear = (_: unknown, name: string | symbol): void => void told.push(String(name))
    for (const channel of channels) subscribe(channel, hear)
    try {
      const server = await listening(serve(() => net.createServer().listen(80, SERVER)))
      ask(() => net.connect(80, SERVER))
      await once(server, 'connection')
      ask(() => dgram.createSocket('udp4')).close()
      assert.deepEqual(told.toSorted(), channels)
    } finally {
      for (const channel of channels) unsubscribe(channel, hear)
    }
  },
  'node:http keeps a connection, over IPv6 too': async ({ serve, ask }) => {
    const server = serve(() =>
      http
        .createServer((asked, answer) => void text(asked).then((body) => answer.end(body)))
        .listen(80),
    )
    await listening(server)
    const agent = new http.Agent({ keepAlive: true })
    for (const body of ['one', 'two']) {
      const request = ask(() => http.request({ host: '2001:db8::1', agent, method: 'POST' }))
      request.end(body)
      const [answer] = (await once(request, 'response')) as [http.IncomingMessage]
      assert.equal(await text(answer), body)
    }
    agent.destroy()
  },
  'node:http closes connections in the order in which they came': async ({ serve, ask }) => {
    for (const method of ['closeAllConnections', 'closeIdleConnections'] as const) {
      const server = await listening(
        serve(() => http.createServer((_, answer) => answer.end()).listen(80, SERVER)),
      )
      const closed: number[] = []
      for (let number = 0; number < CONNECTIONS; number++) {
        const agent = new http.Agent({ keepAlive: true })
        const request = ask(() => http.get({ host: SERVER, agent }))
        const [answer] = (await once(request, 'response')) as [http.IncomingMessage]
        answer.socket.once('close', () => closed.push(number))
        await text(answer)
      }
      server[method]()
      await new Promise((resolve) => void server.close(resolve))
      await new Promise((resolve) => void setTimeout(resolve, 2 * LATENCY_MS))
      assert.deepEqual(
        closed,
        closed.toSorted((a, b) => a - b),
      )
      assert.equal(closed.length, CONNECTIONS)
    }
  },
  'fetch goes over the network of its host': async ({ serve, ask }) => {
    await listening(
      serve(() =>
        http
          .createServer((asked, answer) => answer.end(asked.socket.remoteAddress))
          .listen(80, SERVER),
      ),
    )
    const answer = await ask(() => fetch(`http://${SERVER}/`))
    assert.equal(await answer.text(), CLIENT)
  },
  'node:tls agrees on a name and a protocol, and judges dates by the world': async (stage) => {
    const { world, serve, ask } = stage
    const untilMs = Date.now() + DAY_MS
    const certificate = await makeTestCertificate({ name: 'a.example', untilMs })
    const server = await listening(
      serve(() =>
        tls
          .createServer({ ...certificate, ALPNProtocols: ['b', 'c'] }, (socket) =>
            socket.end(`${socket.remoteAddress} ${String(socket.servername)}`),
          )
          .listen(443, SERVER),
      ),
    )
    const dial = (ca: string | undefined): tls.TLSSocket =>
      ask(() =>
        tls.connect({
          host: SERVER,
          port: 443,
          servername: 'a.example',
          ALPNProtocols: ['c'],
          ...(ca === undefined ? {} : { ca }),
        }),
      )
    const trusting = dial(certificate.cert)
    await once(trusting, 'secureConnect')
    assert.deepEqual(
      [trusting.alpnProtocol, trusting.authorized, trusting.remoteAddress],
      ['c', true, SERVER],
    )
    assert.equal(await text(trusting), `${CLIENT} a.example`)
    const strange = await failure(dial(undefined))
    assert.equal(strange.code, 'DEPTH_ZERO_SELF_SIGNED_CERT')
    await new Promise((resolve) => setTimeout(resolve, 2 * DAY_MS))
    assert.equal((await failure(dial(certificate.cert))).code, 'CERT_HAS_EXPIRED')
    const next = await makeTestCertificate({ name: 'a.example', untilMs: Date.now() + DAY_MS })
    server.setSecureContext(next)
    assert.equal(await text(dial(next.cert)), `${CLIENT} a.example`)
    assert.ok(world.clock.nowMs > 2 * DAY_MS)
  },
  'node:https, where a connection breaks in the middle': async ({ serve, ask }) => {
    const { cert, key } = await makeTestCertificate({
      name: 'a.example',
      untilMs: Date.now() + DAY_MS,
    })
    const server = serve(() => https.createServer({ cert, key }).listen(443, SERVER))
    await listening(server)
    let raw: net.Socket | undefined
    server.on('connection', (socket: net.Socket) => (raw = socket))
    server.on('request', () => raw?.resetAndDestroy())
    const request = ask(() =>
      https.get({ host: SERVER, servername: 'a.example', ca: cert, agent: false }),
    )
    assert.equal((await failure(request)).code, 'ECONNRESET')
  },
  'node:dgram carries datagrams, and tells a connected socket that nobody is there': async ({
    serve,
    ask,
  }) => {
    const server = await listening(serve(() => dgram.createSocket('udp4').bind(53, SERVER)))
    server.on('message', (bytes, from) => server.send(bytes, from.port, from.address))
    const socket = ask(() => dgram.createSocket('udp4'))
    ask(() => socket.send('hello', 53, SERVER))
    const [bytes, from] = (await once(socket, 'message')) as [Buffer, dgram.RemoteInfo]
    assert.deepEqual([bytes.toString(), from.address, from.size], ['hello', SERVER, 5])
    socket.setRecvBufferSize(4096)
    assert.equal(socket.getRecvBufferSize(), 4096)
    const lonely = ask(() => dgram.createSocket('udp4'))
    ask(() => lonely.connect(54, SERVER))
    await once(lonely, 'connect')
    lonely.send('hello')
    assert.equal((await failure(lonely)).code, 'ECONNREFUSED')
  },
  'node:dns asks the name servers of its host over the network': async ({ serve, ask }) => {
    const server = await listening(serve(() => dgram.createSocket('udp4').bind(53, SERVER)))
    server.on('message', (query, from) => server.send(answerTo(query), from.port, from.address))
    assert.deepEqual(await ask(() => dns.promises.lookup('a.example')), {
      address: SERVER,
      family: 4,
    })
    const resolver = ask(() => new dns.promises.Resolver())
    resolver.setServers([SERVER])
    assert.deepEqual(await ask(() => resolver.resolve4('a.example')), [SERVER])
    await assert.rejects(
      ask(() => resolver.resolveTxt('a.example')),
      { code: 'ENODATA' },
    )
    const silent = ask(() => new dns.promises.Resolver({ timeout: 1_000, tries: 2 }))
    silent.setServers(['203.0.113.9'])
    await assert.rejects(
      ask(() => silent.resolve4('a.example')),
      { code: 'ETIMEOUT' },
    )
  },
  'work that is on no host has no virtual network': async () => {
    const socket = net.connect(1, '127.0.0.1')
    socket.on('error', () => {})
    await Promise.resolve()
    // The constructor's name is the only thing that tells a handle of libuv.
    const { _handle: handle } = socket as unknown as { _handle: object }
    assert.equal(handle.constructor.name, 'TCP')
    socket.destroy()
  },
}

/** One address, for whatever is asked. */
function answerTo(query: Buffer): Buffer {
  const type = query.readUInt16BE(query.length - 4) === 1 ? ('A' as const) : undefined
  const name = 'a.example'
  return encode({
    type: 'response',
    id: query.readUInt16BE(0),
    questions: [{ name, type: 'A' }],
    answers: type === undefined ? [] : [{ name, type, ttl: 60, data: SERVER }],
  })
}
