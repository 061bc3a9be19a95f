// What every driver owes the engine: hosts have the addresses they were given, and faults are what they say.
import type { Libp2p } from 'libp2p'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { test } from 'tap'
import type { Driver, Family, Place } from './driver.ts'
import { DRIVER_NAMES, openDriver, type DriverName } from './index.ts'
import { HostNetwork } from './network.ts'

// A simulation wants to be there before libp2p is.
await import('../sim/register.ts')
const { noise } = await import('@chainsafe/libp2p-noise')
const { yamux } = await import('@chainsafe/libp2p-yamux')
const { multiaddr } = await import('@multiformats/multiaddr')
const { createLibp2p } = await import('libp2p')

interface Stage {
  readonly driver: Driver
  /** Starts a libp2p node at a place; it is stopped when the test has been told. */
  readonly start: (place: Place, listen?: readonly string[]) => Promise<Libp2p>
}

/** Tells a test within a world of a driver. */
async function on(name: DriverName, tell: (stage: Stage) => Promise<void>): Promise<void> {
  const driver = await openDriver(name)
  const nodes: Libp2p[] = []
  const start: Stage['start'] = async (place, listen = place.listen) => {
    const node = await driver.run(place, () =>
      createLibp2p({
        addresses: { listen: [...listen] },
        transports: [place.transport as never],
        connectionEncrypters: [noise()],
        streamMuxers: [yamux()],
        connectionMonitor: { enabled: false },
      }),
    )
    nodes.push(node)
    return node
  }
  await driver.drive(async () => {
    try {
      await tell({ driver, start })
    } finally {
      for (const node of nodes) await node.stop()
      await driver.close()
    }
  })
}

for (const name of DRIVER_NAMES) {
  test(`${name}: a listener sees its dialler at the address of the dialler's host, on IPv4 and IPv6`, (t) =>
    on(name, async ({ driver, start }) => {
      const families: readonly Family[] = [4, 6]
      const here = driver.place({ name: 'here', families })
      const there = driver.place({ name: 'there', families })
      const server = await start(here)
      for (const address of server.getMultiaddrs()) {
        const client = await start(there, [])
        const seen = new Promise<string>((resolve) => {
          server.addEventListener(
            'connection:open',
            ({ detail }) => resolve(detail.remoteAddr.toString()),
            {
              once: true,
            },
          )
        })
        await client.dial(address, { signal: AbortSignal.timeout(5_000) })
        const family = address.toString().startsWith('/ip6') ? 6 : 4
        t.match(await seen, new RegExp(`^/ip${family}/${there.addresses[family]}/tcp/\\d+`))
        await client.stop()
      }
    }))

  test(`${name}: a host without an IP version cannot dial it`, (t) =>
    on(name, async ({ driver, start }) => {
      const server = await start(driver.place({ name: 'here', families: [4] }))
      const client = await start(driver.place({ name: 'there', families: [6] }), [])
      await t.rejects(client.dial(server.getMultiaddrs(), { signal: AbortSignal.timeout(5_000) }), {
        message: /no IPv4 address/,
      })
    }))

  test(`${name}: a stopped host refuses, a black hole says nothing until it is closed, and a host comes back where it was`, (t) =>
    on(name, async ({ driver, start }) => {
      const here = driver.place({ name: 'here', families: [4] })
      const server = await start(here)
      const listening = server
        .getMultiaddrs()
        .map((address) => address.decapsulate('/p2p').toString())
      const client = await start(driver.place({ name: 'there', families: [4] }), [])
      const dial = (signal: AbortSignal): Promise<unknown> =>
        client.dial(
          listening.map((address) => multiaddr(address)),
          { signal },
        )

      await server.stop()
      await t.rejects(dial(AbortSignal.timeout(5_000)), {
        message: /ECONNREFUSED|No memory listener/,
      })

      const hole = await driver.blackHole(listening)
      const silence = AbortSignal.timeout(300)
      await t.rejects(dial(silence))
      t.ok(silence.aborted, 'the dial ended by its deadline and not before')
      await hole.close()

      await start(here, listening)
      await dial(AbortSignal.timeout(5_000))
    }))

  test(`${name}: a place that moved has another address, and is seen there`, (t) =>
    on(name, async ({ driver, start }) => {
      const server = await start(driver.place({ name: 'here', families: [4] }))
      const there = driver.place({ name: 'there', families: [4] })
      const client = await start(there, [])
      const before = there.addresses[4]
      driver.move(there)
      t.not(there.addresses[4], before)
      t.match(there.listen[0], there.addresses[4] ?? '', 'what it listens on follows')
      const seen = new Promise<string>((resolve) => {
        server.addEventListener(
          'connection:open',
          ({ detail }) => resolve(detail.remoteAddr.toString()),
          { once: true },
        )
      })
      await client.dial(server.getMultiaddrs(), { signal: AbortSignal.timeout(5_000) })
      t.match(await seen, `/ip4/${there.addresses[4]}/tcp/`)
    }))

  test(`${name}: a host whose network is cut neither dials nor is dialled, and is found where it was when it is mended`, (t) =>
    on(name, async ({ driver, start }) => {
      const network = new HostNetwork('here')
      const here = driver.place({ name: 'here', families: [4] })
      const there = driver.place({ name: 'there', families: [4] })
      const server = await start({ ...here, transport: network.transport(here.transport) })
      const client = await start(there)
      const dial = (from: Libp2p, to: Libp2p): Promise<{ close(): Promise<void> }> =>
        from.dial(to.getMultiaddrs(), { signal: AbortSignal.timeout(5_000) })
      await (await dial(client, server)).close()
      network.cut()
      await t.rejects(dial(client, server))
      await t.rejects(dial(server, client), /host "here" is cut off from the network/)
      network.mend()
      await (await dial(client, server)).close()
      await dial(server, client)
    }))
}

for (const name of ['memory', 'tcp'] as const) {
  test(`${name}: nobody can be behind a NAT or a firewall, and who asks is told where it can`, (t) =>
    on(name, async ({ driver }) => {
      const host = { name: 'here', families: [4] as const }
      t.throws(() => driver.place({ ...host, nat: { kind: 'symmetric' } }), {
        name: 'RangeError',
        message: /"here" is behind a NAT, .* --transport sim/,
      })
      t.throws(() => driver.place({ ...host, firewall: {} }), { message: /behind a firewall/ })
    }))

  test(`${name}: two worlds at once do not meet`, async (t) => {
    await on(name, (one) =>
      on(name, async (other) => {
        const [first, second] = await Promise.all(
          [one, other].map(({ driver, start }) =>
            start(driver.place({ name: 'host', families: [4] })),
          ),
        )
        t.equal(first?.getMultiaddrs().length, 1)
        t.equal(second?.getMultiaddrs().length, 1)
      }),
    )
  })
}

test('sim: a host behind a NAT is seen at its public address, and reached there by a forwarded port alone', (t) =>
  on('sim', async ({ driver, start }) => {
    const nat = { kind: 'port-restricted', router: 'home' } as const
    const families = [4, 6] as const
    const forwards = [{ port: 5001, to: 4001 }]
    const inside = driver.place({ name: 'inside', families, nat: { ...nat, forwards } })
    const neighbour = driver.place({ name: 'neighbour', families: [4], nat })
    t.equal(inside.addresses[4], neighbour.addresses[4], 'neighbours share it')
    t.not(inside.socketAddresses[4], neighbour.socketAddresses[4])
    t.match(inside.listen[0], '/ip4/192.168.1.10/tcp/4001')
    t.equal(inside.addresses[6], inside.socketAddresses[6], 'a NAT is of IPv4')
    const server = await start(driver.place({ name: 'server', families }))
    const client = await start(inside)
    const seen = new Promise<string>((resolve) => {
      server.addEventListener('connection:open', ({ detail }) =>
        resolve(detail.remoteAddr.toString()),
      )
    })
    const dial = (from: Libp2p, port: number): Promise<unknown> =>
      from.dial(
        multiaddr(`/ip4/${inside.addresses[4]}/tcp/${port}/p2p/${client.peerId.toString()}`),
        {
          signal: AbortSignal.timeout(5_000),
        },
      )
    const [address] = server.getMultiaddrs()
    await client.dial(address ?? [], { signal: AbortSignal.timeout(5_000) })
    t.match(await seen, `/ip4/${inside.addresses[4]}/tcp/`)
    const stranger = await start(driver.place({ name: 'stranger', families: [4] }), [])
    await t.rejects(dial(stranger, 4001))
    await dial(stranger, 5001)
  }))

test('sim: a router that takes another address takes all behind it along; a host that moves goes alone', (t) =>
  on('sim', async ({ driver }) => {
    const forwards = [{ port: 5001, to: 4001 }]
    const home = (name: string, more = {}) =>
      driver.place({
        name,
        families: [4],
        nat: { kind: 'full-cone', router: 'home', ...more },
      })
    const [one, other] = [home('one', { forwards }), home('other')]
    const [before] = Object.values(one.addresses)
    t.strictSame(driver.simulated?.machine('one').rebind('kept'), [])
    t.equal(one.addresses[4], before)
    t.strictSame(driver.simulated?.machine('one').rebind('new'), ['one', 'other'])
    t.not(one.addresses[4], before)
    t.equal(one.addresses[4], other.addresses[4])
    const shared = other.addresses[4]
    driver.move(one)
    t.not(one.addresses[4], shared)
    t.equal(other.addresses[4], shared)
    t.equal(one.socketAddresses[4], '192.168.1.10', 'every home has the same')
    t.throws(() => home('third', { kind: 'symmetric' }), { message: /full-cone/ })
    home('fourth', { forwards })
    t.throws(() => home('fifth', { forwards }), { message: /5001 .* leads to "fourth" already/ })
    driver.place({ name: 'public', families: [4] })
    t.throws(() => driver.simulated?.machine('public').rebind('new'), {
      name: 'RangeError',
      message: /behind no router/,
    })
  }))

test('sim: there is one world at a time in a process', async (t) => {
  await on('sim', async () => {
    await t.rejects(openDriver('sim'), { message: /one at a time/ })
  })
})

test('connections that are being made end when their host moves, or is cut off', async (t) => {
  for (const end of ['breakOff', 'cut'] as const) {
    const network = new HostNetwork('here')
    const signals: AbortSignal[] = []
    const upgraded = Promise.withResolvers<void>()
    const upgrader = { upgradeInbound: () => upgraded.promise }
    const transport = {
      dial: (_to: unknown, { signal }: { readonly signal: AbortSignal }) =>
        new Promise((_resolve, reject) => {
          signals.push(signal)
          signal.addEventListener('abort', () => reject(signal.reason as Error))
        }),
      createListener: (options: object) => options,
    }
    const made = network.transport(() => transport as never)({} as never)
    const { dial, createListener } = made as unknown as {
      dial(this: void, to: undefined, options: object): Promise<never>
      createListener(this: void, options: object): { readonly upgrader: typeof upgrader }
    }
    const dialled = dial(undefined, {})
    const listener = createListener({ upgrader })
    const aborted: unknown[] = []
    const accept = listener.upgrader.upgradeInbound as (connection: object) => Promise<void>
    const accepted = accept({ abort: (reason: unknown) => aborted.push(reason) })
    if (end === 'cut') network.cut()
    else network.breakOff(new Error('host "here" has moved'))
    await t.rejects(dialled, end === 'cut' ? /cut off/ : /moved/)
    t.equal(aborted.length, 1)
    upgraded.resolve()
    await accepted
    if (end === 'cut') continue
    const later = dial(undefined, {})
    t.equal(signals.at(-1)?.aborted, false, 'who dials from the new address is not concerned')
    network.breakOff(new Error('enough'))
    await t.rejects(later, /enough/)
    t.equal(aborted.length, 1, 'a connection that was made is libp2p’s')
  }
})

test('the sockets that a host opens by itself hear nothing until every cut of its network is mended; others do', async (t) => {
  const network = new HostNetwork('here')
  const heard: string[] = []
  const open = async (name: string) => {
    const socket = createSocket('udp4')
    t.teardown(() => socket.close())
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    socket.on('message', (message) => heard.push(`${name} ${message.toString()}`))
    return socket
  }
  const mine = await network.run(() => open('mine'))
  const another = await open('another')
  /** Packets over loopback come in their order: when the last one is there, the others have been. */
  const send = async (text: string): Promise<void> => {
    another.send(text, mine.address().port, '127.0.0.1')
    const arrived = once(another, 'message')
    another.send(text, another.address().port, '127.0.0.1')
    await arrived
    await new Promise((resolve) => setImmediate(resolve))
  }
  await send('1')
  network.cut()
  network.cut()
  await send('2')
  network.mend()
  await send('2')
  network.mend()
  await send('3')
  const wanted = ['another 1', 'another 2', 'another 2', 'another 3', 'mine 1', 'mine 3']
  t.strictSame(heard.toSorted(), wanted)
})
