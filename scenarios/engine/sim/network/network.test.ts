// The network as a model: what happens, and at which virtual millisecond. No Node sockets here: see ../node.
import { test } from 'tap'
import { VirtualClock } from '../clock.ts'
import { SeededRandom } from '../random.ts'
import {
  endpoint,
  Network,
  NetworkError,
  WINDOW,
  type HostOptions,
  type LinkOptions,
  type NatKind,
  type NetworkHost,
  type TcpSocket,
} from './index.ts'

const LATENCY_MS = 40

/** What came to an end of a connection, and when. */
interface Ear {
  readonly heard: string[]
  socket: TcpSocket | undefined
}

class Stage {
  readonly clock = new VirtualClock()
  readonly network: Network
  readonly packets: string[] = []

  constructor({
    link = { latencyMs: LATENCY_MS },
    seed = 1,
  }: { readonly link?: LinkOptions; readonly seed?: number } = {}) {
    this.network = new Network({
      clock: this.clock,
      random: new SeededRandom(seed),
      link,
      log: {
        sent: ({ atMs, arrivalMs, from, to, packet }) =>
          this.packets.push(`${atMs}-${arrivalMs ?? 'lost'} ${from}>${to} ${packet.kind}`),
      },
    })
  }

  host(name: string, addresses: readonly string[], options: Partial<HostOptions> = {}) {
    return this.network.host({ name, addresses, ...options })
  }

  listen(host: NetworkHost, port: number): Ear {
    const ear: Ear = { heard: [], socket: undefined }
    host.listen({
      address: '0.0.0.0',
      port,
      backlog: 8,
      accept: (socket) => {
        ear.heard.push(`${this.clock.nowMs} accepted ${socket.remote.key}`)
        this.#attach(ear, socket)
      },
    })
    return ear
  }

  dial(host: NetworkHost, address: string, port: number): Ear {
    const ear: Ear = { heard: [], socket: undefined }
    const socket = host.connect({ to: { address, port }, sink: this.#sink(ear) })
    ear.socket = socket
    socket.startReading()
    return ear
  }

  udp(
    host: NetworkHost,
    port: number,
    answers = false,
  ): Ear & { send(to: string, port: number, bytes?: Uint8Array): void } {
    const heard: string[] = []
    const socket = host.bindUdp({
      address: '0.0.0.0',
      port,
      sink: {
        failed: (code) => heard.push(`${this.clock.nowMs} ${code}`),
        message: (bytes, from) => {
          heard.push(`${this.clock.nowMs} ${Buffer.from(bytes).toString()} from ${from.key}`)
          if (answers) socket.send(Buffer.from('answer'), from)
        },
      },
    })
    return {
      heard,
      socket: undefined,
      send: (to, at, bytes = Buffer.from('hello')) => socket.send(bytes, endpoint(to, at)),
    }
  }

  #attach(ear: Ear, socket: TcpSocket): void {
    ear.socket = socket
    socket.sink = this.#sink(ear)
    socket.startReading()
  }

  #sink(ear: Ear) {
    const hear = (what: string): void => void ear.heard.push(`${this.clock.nowMs} ${what}`)
    return {
      connected: () => hear('connected'),
      failed: (code: string) => hear(code),
      data: (bytes: Uint8Array) => hear(`${bytes.length} bytes`),
      ended: () => hear('ended'),
      drained: () => hear('drained'),
    }
  }

  async run(untilMs: number): Promise<void> {
    await this.clock.run({ untilMs })
  }
}

/** Two hosts, the second of which listens. */
function pair(options: ConstructorParameters<typeof Stage>[0] = {}) {
  const stage = new Stage(options)
  const here = stage.host('here', ['203.0.113.1', '2001:db8::1'])
  const there = stage.host('there', ['203.0.113.2', '2001:db8::2'])
  return { stage, here, there, server: stage.listen(there, 80) }
}

test('a connection takes a round trip, bytes one way, an end is heard at the other side', async (t) => {
  const { stage, here, server } = pair()
  const client = stage.dial(here, '203.0.113.2', 80)
  await stage.run(100)
  client.socket?.write(Buffer.from('hello'))
  client.socket?.shutdown()
  await stage.run(200)
  server.socket?.write(Buffer.from('after the end'))
  server.socket?.close()
  await stage.run(1_000)
  t.strictSame(client.heard, ['80 connected', '240 13 bytes', '240 ended'])
  t.match(server.heard[0], /^120 accepted 203\.0\.113\.1:\d+$/)
  t.strictSame(server.heard.slice(1), ['140 5 bytes', '140 ended'])
})

test('a dial fails as Linux says it does, and after that time', async (t) => {
  const cases: readonly {
    readonly name: string
    readonly to: string
    readonly port?: number
    readonly prepare?: (network: Network, there: NetworkHost) => unknown
    readonly heard: string
  }[] = [
    { name: 'nobody listens', to: '203.0.113.2', port: 81, heard: '80 ECONNREFUSED' },
    { name: 'nobody has the address', to: '203.0.113.9', heard: '127000 ETIMEDOUT' },
    {
      name: 'a router knows no way',
      to: '203.0.113.9',
      prepare: (network) => network.faults.noRoute('203.0.113.9'),
      heard: '80 EHOSTUNREACH',
    },
    {
      name: 'the host is off',
      to: '203.0.113.2',
      prepare: (_, there) => there.powerOff(),
      heard: '127000 ETIMEDOUT',
    },
    {
      name: 'its processes were killed',
      to: '203.0.113.2',
      prepare: (_, there) => there.killProcesses(),
      heard: '80 ECONNREFUSED',
    },
    {
      name: 'a partition',
      to: '203.0.113.2',
      prepare: (network) => network.faults.partition({ from: ['here'] }),
      heard: '127000 ETIMEDOUT',
    },
  ]
  for (const { name, to, port = 80, prepare, heard } of cases) {
    const { stage, here, there } = pair()
    prepare?.(stage.network, there)
    const client = stage.dial(here, to, port)
    await stage.run(200_000)
    t.strictSame(client.heard, [heard], name)
  }
  const stage = new Stage()
  const here = stage.host('here', ['203.0.113.1'])
  t.throws(() => stage.dial(here, '2001:db8::2', 80), new NetworkError('ENETUNREACH'))
})

test('where a router knows no way to a host any more, dials fail, and what is open waits until there is one', async (t) => {
  const { stage, here, server } = pair()
  const before = stage.dial(here, '203.0.113.2', 80)
  await stage.run(1_000)
  const heals = [1, 2].map(() => stage.network.faults.noRoute('203.0.113.2'))
  before.socket?.write(Buffer.from('still here'))
  const during = stage.dial(here, '203.0.113.2', 80)
  const byOther = stage.dial(here, '2001:db8::2', 80)
  heals[0]?.()
  await stage.run(5_000)
  t.strictSame(during.heard, ['1080 EHOSTUNREACH'])
  t.strictSame(byOther.heard, ['1080 ECONNREFUSED'], 'there is a way to its other address')
  t.notOk(server.heard.some((line) => line.endsWith('10 bytes')))
  heals[1]?.()
  await stage.run(6_000)
  t.equal(server.heard.at(-1), '5040 10 bytes')
})

test('a SYN is repeated: a dial into a short partition succeeds when Linux asks again', async (t) => {
  const { stage, here } = pair()
  const heal = stage.network.faults.partition({ from: ['here'], to: ['there'] })
  const client = stage.dial(here, '203.0.113.2', 80)
  await stage.run(2_000)
  heal()
  await stage.run(10_000)
  t.strictSame(client.heard, ['3080 connected'])
})

test('bytes stay in their order, whatever the jitter', async (t) => {
  const { stage, here, server } = pair({ link: { latencyMs: 40, jitterMs: 100 } })
  const client = stage.dial(here, '203.0.113.2', 80)
  await stage.run(1_000)
  for (let length = 1; length <= 20; length++) client.socket?.write(Buffer.alloc(length))
  await stage.run(2_000)
  t.strictSame(
    server.heard.slice(1).map((line) => line.split(' ')[1]),
    Array.from({ length: 20 }, (_, index) => String(index + 1)),
  )
})

test('bytes that a partition has caught on their way come before those that were sent after them', async (t) => {
  const { stage, here, server } = pair()
  const client = stage.dial(here, '203.0.113.2', 80)
  await stage.run(1_000)
  client.socket?.write(Buffer.alloc(1))
  await stage.run(1_019)
  client.socket?.write(Buffer.alloc(2))
  await stage.run(1_020)
  const heal = stage.network.faults.partition({ from: ['here'] })
  await stage.run(1_050)
  heal()
  await stage.run(2_000)
  t.strictSame(server.heard.slice(1), ['1090 1 bytes', '1090 2 bytes'])
})

test('bandwidth is what a link carries in a second', async (t) => {
  const { stage, here, server } = pair({ link: { latencyMs: 40, bytesPerSecond: 10_000 } })
  const client = stage.dial(here, '203.0.113.2', 80)
  await stage.run(1_000)
  client.socket?.write(Buffer.alloc(9_960))
  client.socket?.write(Buffer.alloc(4_960))
  await stage.run(5_000)
  t.strictSame(server.heard.slice(1), ['2040 9960 bytes', '2540 4960 bytes'])
})

test('who writes more than the window has to wait until the other side has read', async (t) => {
  const { stage, here, server } = pair()
  const client = stage.dial(here, '203.0.113.2', 80)
  await stage.run(1_000)
  server.socket?.stopReading()
  t.equal(client.socket?.write(Buffer.alloc(WINDOW)), true)
  t.equal(client.socket?.write(Buffer.alloc(10)), false)
  await stage.run(5_000)
  t.strictSame(client.heard, ['80 connected'], 'nothing moves')
  server.socket?.startReading()
  await stage.run(10_000)
  t.strictSame(client.heard, ['80 connected', '5040 drained'])
  t.strictSame(server.heard.slice(1), [`5000 ${WINDOW} bytes`, '5080 10 bytes'])
})

test('a partition holds bytes and delivers them after healing; one way, two ways, one host, a ring', async (t) => {
  const { stage, here, server } = pair()
  const client = stage.dial(here, '203.0.113.2', 80)
  await stage.run(1_000)
  const oneWay = stage.network.faults.partition({ from: ['here'], to: ['there'], oneWay: true })
  client.socket?.write(Buffer.alloc(1))
  client.socket?.write(Buffer.alloc(2))
  server.socket?.write(Buffer.alloc(3))
  await stage.run(2_000)
  oneWay()
  await stage.run(3_000)
  t.strictSame(server.heard.slice(1), ['2040 1 bytes', '2040 2 bytes'])
  t.strictSame(client.heard, ['80 connected', '1040 3 bytes'])
  const isolated = stage.network.faults.isolate('there')
  client.socket?.write(Buffer.alloc(4))
  server.socket?.write(Buffer.alloc(5))
  await stage.run(4_000)
  isolated()
  await stage.run(5_000)
  t.equal(server.heard.at(-1), '4040 4 bytes')
  t.equal(client.heard.at(-1), '4040 5 bytes')
  const ring = stage.network.faults.ring(['a', 'b', 'c', 'd'])
  const { faults } = stage.network
  t.strictSame(
    ['ab', 'ac', 'ad', 'bd', 'da'].map(([one = '', other = '']) => faults.barrier(one, other)),
    [undefined, 'lose', undefined, 'lose', undefined],
  )
  ring()
})

test('what nobody acknowledges is repeated for 924.6 s', async (t) => {
  const { stage, here, there } = pair()
  const client = stage.dial(here, '203.0.113.2', 80)
  await stage.run(1_000)
  there.powerOff()
  client.socket?.write(Buffer.alloc(1))
  await stage.run(2_000_000)
  t.strictSame(client.heard, ['80 connected', '925640 ETIMEDOUT'])
})

test('a connection that was left is gone with the last word of the other side, or 60 s after its own', async (t) => {
  for (const moves of [false, true]) {
    const { stage, here, there } = pair()
    const ear = stage.listen(there, 443)
    const dialled = stage.dial(here, '203.0.113.2', 443)
    await stage.run(1_000)
    if (moves) here.move(['203.0.113.3'])
    dialled.socket?.close()
    await stage.run(1_100)
    ear.socket?.close()
    await stage.run(60_900)
    t.equal(here.sockets, moves ? 1 : 0)
    await stage.run(61_100)
    t.equal(here.sockets, 0)
  }
})

test('a host that comes back after a power cut breaks the connections that it knows no more', async (t) => {
  const { stage, here, there } = pair()
  const client = stage.dial(here, '203.0.113.2', 80)
  await stage.run(1_000)
  there.powerOff()
  client.socket?.write(Buffer.alloc(1))
  await stage.run(5_000)
  t.strictSame(client.heard, ['80 connected'], 'a power cut is not heard')
  there.powerOn()
  await stage.run(6_000)
  t.strictSame(client.heard.slice(1), ['5080 ECONNRESET'])
})

test('connections are reset now, after so many bytes, or in the handshake', async (t) => {
  const now = pair()
  const first = now.stage.dial(now.here, '203.0.113.2', 80)
  await now.stage.run(1_000)
  t.equal(now.stage.network.faults.reset({ from: ['here'], to: ['there'] }), 1)
  await now.stage.run(2_000)
  t.strictSame([first.heard.at(-1), now.server.heard.at(-1)], Array(2).fill('1000 ECONNRESET'))

  const after = pair()
  after.stage.network.faults.resetAfter({ from: ['here'] }, 10)
  const second = after.stage.dial(after.here, '203.0.113.2', 80)
  await after.stage.run(1_000)
  second.socket?.write(Buffer.alloc(9))
  await after.stage.run(2_000)
  second.socket?.write(Buffer.alloc(1))
  await after.stage.run(3_000)
  t.strictSame(after.server.heard.slice(1), ['1040 9 bytes', '2000 ECONNRESET'])

  const handshake = pair()
  handshake.stage.network.faults.resetHandshakes({ to: ['there'] })
  const third = handshake.stage.dial(handshake.here, '203.0.113.2', 80)
  await handshake.stage.run(1_000)
  t.strictSame(third.heard, ['80 connected', '80 ECONNRESET'])
  t.strictSame(handshake.server.heard, [])
})

test('datagrams are lost, doubled, late and damaged at the rates of their link, and longer ones than it takes are lost', async (t) => {
  const COUNT = 2_000
  const cases: readonly [LinkOptions, (heard: readonly string[]) => number, number][] = [
    [{ lossRate: 0.25 }, (heard) => heard.length, 0.75 * COUNT],
    [{ duplicateRate: 0.25 }, (heard) => heard.length, 1.25 * COUNT],
    [
      { corruptRate: 0.25 },
      (heard) => heard.filter((line) => !line.includes('hello')).length,
      0.25 * COUNT,
    ],
    [
      { reorderRate: 0.25 },
      (heard) => heard.filter((line) => line.startsWith('120 ')).length,
      0.25 * COUNT,
    ],
  ]
  for (const [link, count, wanted] of cases) {
    const { stage, here, there } = pair({ link: { latencyMs: LATENCY_MS, ...link } })
    const ear = stage.udp(there, 53)
    const mouth = stage.udp(here, 5353)
    for (let sent = 0; sent < COUNT; sent++) mouth.send('203.0.113.2', 53)
    await stage.run(1_000)
    t.ok(Math.abs(count(ear.heard) - wanted) < 100, `${JSON.stringify(link)}: ${count(ear.heard)}`)
  }
  for (const [max, length, arrives] of [
    [512, 512, 1],
    [512, 513, 0],
    [1_232, 1_232, 1],
    [1_232, 1_233, 0],
    [65_507, 65_507, 1],
  ] as const) {
    const { stage, here, there } = pair({ link: { datagramLengthMax: max } })
    const ear = stage.udp(there, 53)
    stage.udp(here, 5353).send('203.0.113.2', 53, new Uint8Array(length))
    await stage.run(1_000)
    t.equal(ear.heard.length, arrives, `${length} bytes over ${max}`)
  }
  const { stage, here } = pair()
  const mouth = stage.udp(here, 5353)
  t.throws(
    () => mouth.send('203.0.113.2', 53, new Uint8Array(65_508)),
    new NetworkError('EMSGSIZE'),
  )
})

test('a stall holds datagrams too, a partition loses them', async (t) => {
  for (const [kind, heard] of [
    ['stall', ['1040 hello from 203.0.113.1:5353']],
    ['partition', []],
  ] as const) {
    const { stage, here, there } = pair()
    const ear = stage.udp(there, 53)
    const heal = stage.network.faults[kind]({ from: ['here'] })
    stage.udp(here, 5353).send('203.0.113.2', 53)
    await stage.run(1_000)
    heal()
    await stage.run(2_000)
    t.strictSame(ear.heard, heard, kind)
  }
})

/** A host behind a NAT has asked `asked`; who reaches it at the socket that this one saw? */
test('a NAT lets in whom its kind lets in, and gives the sockets that its kind gives', async (t) => {
  const kinds: readonly [NatKind, same: boolean, otherPort: boolean, otherHost: boolean][] = [
    ['full-cone', true, true, true],
    ['restricted', true, true, false],
    ['port-restricted', true, false, false],
    ['symmetric', false, false, false],
  ]
  for (const [kind, sameSocket, fromOtherPort, fromOtherHost] of kinds) {
    const stage = new Stage()
    const nat = stage.network.nat({ name: 'nat', publicAddress: '198.51.100.20', kind })
    const inside = stage.udp(stage.host('inside', ['192.168.1.10'], { nat }), 5353)
    const one = stage.host('one', ['203.0.113.1'])
    const asked = stage.udp(one, 53)
    const otherPort = stage.udp(one, 54)
    const other = stage.udp(stage.host('other', ['203.0.113.2']), 53)
    inside.send('203.0.113.1', 53)
    await stage.run(100)
    const [, address = '', port] = /from (.*):(\d+)$/.exec(asked.heard[0] ?? '') ?? []
    t.equal(address, '198.51.100.20')
    otherPort.send(address, Number(port))
    other.send(address, Number(port))
    asked.send(address, Number(port))
    await stage.run(200)
    t.strictSame(
      ['203.0.113.1:54', '203.0.113.2:53', '203.0.113.1:53'].map((from) =>
        inside.heard.some((line) => line.endsWith(from)),
      ),
      [fromOtherPort, fromOtherHost, true],
      kind,
    )
    inside.send('203.0.113.2', 53)
    await stage.run(300)
    t.equal(other.heard[0]?.endsWith(`:${port}`), sameSocket, `${kind}: the socket towards another`)
    // The mapping ends when nothing has left by it for two minutes.
    await stage.run(130_000)
    const before = inside.heard.length
    asked.send(address, Number(port))
    await stage.run(131_000)
    t.equal(inside.heard.length, before, `${kind}: expired`)
  }
})

test('behind a NAT: connections out, none in but by a forwarded port, neighbours at once, the public address by hairpin', async (t) => {
  for (const hairpin of [true, false]) {
    const stage = new Stage()
    const nat = stage.network.nat({
      name: 'nat',
      publicAddress: '198.51.100.20',
      kind: 'port-restricted',
      hairpin,
    })
    const server = stage.host('server', ['203.0.113.1'])
    const inside = stage.host('inside', ['192.168.1.10'], { nat })
    const neighbour = stage.host('neighbour', ['192.168.1.11'], { nat })
    nat.forward({ protocol: 'tcp', port: 8080, to: { address: '192.168.1.10', port: 80 } })
    const ear = stage.listen(server, 80)
    stage.listen(inside, 80)
    const out = stage.dial(inside, '203.0.113.1', 80)
    const refused = stage.dial(server, '198.51.100.20', 80)
    const forwarded = stage.dial(server, '198.51.100.20', 8080)
    const near = stage.dial(neighbour, '192.168.1.10', 80)
    const pinned = stage.dial(neighbour, '198.51.100.20', 8080)
    await stage.run(1_000)
    t.match(out.heard, ['80 connected'])
    t.match(ear.heard[0], /accepted 198\.51\.100\.20:\d+/)
    t.strictSame(refused.heard, [], 'a black hole')
    t.strictSame(forwarded.heard, ['80 connected'])
    t.strictSame(near.heard, ['80 connected'])
    t.strictSame(pinned.heard.length, hairpin ? 1 : 0)
    // A router that was started again knows its connections no more: the server meets a stranger.
    nat.rebind('198.51.100.21')
    out.socket?.write(Buffer.from('who am I'))
    await stage.run(2_000)
    t.equal(out.heard.at(-1), '1080 ECONNRESET')
  }
})

test('a firewall lets in what it is told to and the answers to what its host asks; it drops the rest, or refuses it', async (t) => {
  for (const [policy, heard] of [
    ['drop', []],
    ['refuse', ['80 ECONNREFUSED']],
  ] as const) {
    const stage = new Stage()
    const open = [{ protocol: 'tcp', port: 80 }] as const
    const here = stage.host('here', ['203.0.113.1'])
    const guarded = stage.host('guarded', ['203.0.113.2'], { firewall: { open, policy } })
    for (const port of [80, 81]) stage.listen(guarded, port)
    stage.listen(here, 80)
    const admitted = stage.dial(here, '203.0.113.2', 80)
    const stopped = stage.dial(here, '203.0.113.2', 81)
    const out = stage.dial(guarded, '203.0.113.1', 80)
    await stage.run(500)
    t.strictSame(admitted.heard, ['80 connected'], policy)
    t.strictSame(stopped.heard, heard, policy)
    t.strictSame(out.heard, ['80 connected'], policy)
  }
})

test('a NAT remembers a connection on which the host only listens, and forgets one on which nothing goes', async (t) => {
  const stage = new Stage()
  const options = { kind: 'symmetric', tcpMappingMs: 60_000 } as const
  const nat = stage.network.nat({ name: 'nat', publicAddress: '198.51.100.20', ...options })
  const inside = stage.host('inside', ['192.168.1.10'], { nat })
  const ear = stage.listen(stage.host('server', ['203.0.113.1']), 80)
  const out = stage.dial(inside, '203.0.113.1', 80)
  for (const untilMs of [50_000, 100_000, 150_000]) {
    await stage.run(untilMs)
    ear.socket?.write(Buffer.from('news'))
  }
  await stage.run(200_000)
  t.equal(out.heard.filter((line) => line.endsWith('4 bytes')).length, 3)
  await stage.run(220_000)
  ear.socket?.write(Buffer.from('lost'))
  await stage.run(230_000)
  t.equal(out.heard.length, 4, 'nobody knows whom it is for')
  out.socket?.write(Buffer.from('who am I'))
  await stage.run(231_000)
  t.match(out.heard.at(-1), 'ECONNRESET', 'from another port it is a stranger')
})

test('a firewall that is closed lets nobody new in, whatever was open; connections go on; then it is as it was', async (t) => {
  for (const [policy, heard] of [
    ['drop', []],
    ['refuse', ['1080 ECONNREFUSED']],
  ] as const) {
    const { stage, here, there, server } = pair()
    const before = stage.dial(here, '203.0.113.2', 80)
    stage.udp(there, 53, true)
    const asker = stage.udp(here, 5353)
    await stage.run(1_000)
    const open = there.closeFirewall(policy, stage.clock.nowMs)
    const during = stage.dial(here, '203.0.113.2', 80)
    stage.listen(here, 81)
    const out = stage.dial(there, '203.0.113.1', 81)
    before.socket?.write(Buffer.from('still here'))
    asker.send('203.0.113.2', 53)
    await stage.run(1_500)
    t.strictSame(during.heard, heard, policy)
    t.match(out.heard, ['1080 connected'])
    t.match(server.heard.at(-1), '10 bytes')
    t.strictSame(asker.heard, [])
    open()
    const after = stage.dial(here, '203.0.113.2', 80)
    asker.send('203.0.113.2', 53)
    await stage.run(2_500)
    t.match(after.heard, ['1580 connected'])
    t.equal(asker.heard.length, 1)
    if (policy === 'drop') t.match(during.heard, ['2080 connected'], 'its SYN was repeated')
  }
})

test('a half-closed connection ends in one direction and goes on in the other', async (t) => {
  const { stage, here, server } = pair()
  const out = stage.dial(here, '203.0.113.2', 80)
  await stage.run(100)
  t.equal(stage.network.faults.halfClose({ from: ['here'] }), 1)
  await stage.run(200)
  t.match(server.heard.at(-1), 'ended')
  t.equal(out.socket?.writeError, 'EPIPE')
  server.socket?.write(Buffer.from('news'))
  await stage.run(300)
  t.match(out.heard.at(-1), '4 bytes')
})

test('the same seed is the same traffic, another seed is not, and a link that changes moves no other link', async (t) => {
  const link = { latencyMs: 40, jitterMs: 50, lossRate: 0.2, duplicateRate: 0.1 }
  const traffic = async (seed: number, lossRate = 0.2): Promise<readonly string[]> => {
    const { stage, here, there } = pair({ link, seed })
    const third = stage.host('third', ['203.0.113.3'])
    stage.network.link('here', 'third', { lossRate })
    stage.udp(there, 53, true)
    stage.udp(third, 53, true)
    const mouth = stage.udp(here, 5353)
    for (let sent = 0; sent < 50; sent++) {
      mouth.send('203.0.113.2', 53)
      mouth.send('203.0.113.3', 53)
    }
    await stage.run(10_000)
    return stage.packets
  }
  const first = await traffic(1)
  t.strictSame(await traffic(1), first)
  t.notSame(await traffic(2), first)
  const calm = await traffic(1, 0)
  const towardsThird = (lines: readonly string[]) => lines.filter((line) => /here>third/.test(line))
  t.ok(
    towardsThird(first)
      .filter((line) => !line.includes('lost'))
      .every((line) => towardsThird(calm).includes(line)),
    'what is not lost comes when it would have come',
  )
  const ofOthers = (lines: readonly string[]) => lines.filter((line) => !line.includes('third'))
  t.strictSame(ofOthers(calm), ofOthers(first))
})
