import type { Listener, Transport } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import type { Multiaddr } from '@multiformats/multiaddr'
import { HostClock } from '../sim/host-clock.ts'
import { runOn, type VirtualHost } from '../sim/host-context.ts'
import { install } from '../sim/install.ts'
import {
  Network,
  type FirewallOptions,
  type LinkOptions,
  type NetworkHost,
} from '../sim/network/index.ts'
import { connectHost, installNetwork } from '../sim/node/index.ts'
import type { PacketShape, TraceDigest } from '../sim/hashes.ts'
import {
  familiesOfAddresses,
  type Driver,
  type Family,
  type FirewallPlan,
  type Place,
  type PlaceInit,
  type Service,
  type Simulated,
  type SimulatedMachine,
  type TransportComponents,
} from './driver.ts'
import { Routers } from './routers.ts'
import { silentServer } from './silent-server.ts'

export interface SimOptions {
  /** Decides everything that happens. @default 1 */
  readonly seed?: string | number
  /** The way between any two hosts. @default 10 to 15 ms, as between the cities of a country */
  readonly link?: LinkOptions
  /** How long a connection of libp2p may be silent before it is closed. @default what @libp2p/tcp has, two minutes */
  readonly silenceMsMax?: number | undefined
  /** Gets every packet that leaves a host. */
  readonly onPacket?: (shape: PacketShape) => void
}

/** A world in virtual time, and what came of it. */
export interface SimDriver extends Driver {
  readonly network: Network
  readonly simulated: Simulated
  readonly digest: () => TraceDigest
}

const SEED = 1
const LINK: LinkOptions = { latencyMs: 10, jitterMs: 5 }
/** RFC 2544 and RFC 3849: addresses that belong to nobody, for more hosts than the documentation's own have room for. */
const NETWORKS = { 4: '198.18', 6: '2001:db8::' }
const HOSTS_MAX = 65_535
const HOSTS_PER_BYTE = 256
const LISTEN_PORT = 4001
/** The host of the engine itself: stories, judges and strangers are there. */
const ENGINE = 'engine'

/** A host's process: it dies, and the next one is another. */
class Process implements VirtualHost {
  readonly name: string
  alive = true
  /** Each with its own end. */
  readonly sleeps = new Set<object>()
  readonly #clock: HostClock

  constructor(name: string, clock: HostClock) {
    this.name = name
    this.#clock = clock
  }

  get paused(): boolean {
    return this.sleeps.size > 0
  }

  skewMs(nowMs: number): number {
    return this.#clock.skewMs(nowMs)
  }
}

interface Machine {
  readonly place: Place
  readonly host: NetworkHost
  readonly clock: HostClock
  process: Process
}

/**
 * Everything in one process, in virtual time and on a virtual network, and the same each time for one seed. It wants a
 * process that `sim/register.ts` has prepared.
 */
export function simDriver({
  seed = SEED,
  link = LINK,
  silenceMsMax,
  onPacket,
}: SimOptions = {}): SimDriver {
  const { clock, random, randomness, hashes, uninstall } = install(seed)
  const uninstallNetwork = installNetwork()
  const network = new Network({
    clock,
    random: random.fork('network'),
    link,
    log: {
      sent({ atMs, from, to, packet: { kind, bytes, flow } }) {
        const secret = flow?.opaque === true
        const shape = { atMs, from, to: `${to} ${kind}`, length: secret ? 0 : bytes.length }
        hashes.packet(shape, secret ? undefined : bytes)
        onPacket?.(shape)
      },
    },
  })
  /** By their addresses: the one thing of a place that stays with it in copies. */
  const machines = new Map<Place['addresses'], Machine>()
  const services = new Map<string, Service>()
  let hosts = 0

  const addressesFor = (families: readonly Family[]): Partial<Record<Family, string>> => {
    hosts += 1
    if (hosts > HOSTS_MAX) throw new RangeError(`a simulated world has at most ${HOSTS_MAX} hosts`)
    const bytes = `${Math.trunc(hosts / HOSTS_PER_BYTE)}.${hosts % HOSTS_PER_BYTE}`
    return {
      ...(families.includes(4) ? { 4: `${NETWORKS[4]}.${bytes}` } : {}),
      ...(families.includes(6) ? { 6: `${NETWORKS[6]}${hosts.toString(16)}` } : {}),
    }
  }

  const routers = new Routers(network, () => addressesFor([4])[4] ?? '')

  const start = (name: string, host: NetworkHost, hostClock: HostClock): Process => {
    const process = new Process(name, hostClock)
    connectHost(process, { machine: host })
    return process
  }

  const machineOf = (place: Place): Machine => {
    const machine = machines.get(place.addresses)
    if (machine === undefined) throw new Error('this place is of another world')
    return machine
  }

  const run = <T>(place: Place, work: () => T): T => runOn(machineOf(place).process, work)

  const place = (init: PlaceInit): Place => {
    const { name, families, nat, firewall } = init
    const isBehind = nat !== undefined && families.includes(4)
    const addresses = addressesFor(isBehind ? families.filter((family) => family !== 4) : families)
    const router = isBehind ? routers.join({ ...init, nat }, addresses) : undefined
    const socketAddresses =
      router === undefined ? addresses : { ...addresses, 4: router.privateAddress }
    const host = network.host({
      name,
      addresses: Object.values(socketAddresses),
      ...(router === undefined ? {} : { nat: router.nat }),
      ...(firewall === undefined ? {} : { firewall: firewallOf(firewall) }),
    })
    const hostClock = new HostClock()
    const made: Place = {
      addresses,
      socketAddresses,
      get listen() {
        return Object.entries(socketAddresses).map(
          ([family, address]) => `/ip${family}/${address}/tcp/${LISTEN_PORT}`,
        )
      },
      transport: (components) => transportOf(made, components),
    }
    const process = start(name, host, hostClock)
    machines.set(addresses, { place: made, host, clock: hostClock, process })
    return made
  }

  /** Whoever asks a node to dial, it is its host that does. */
  const transportOf = (made: Place, components: TransportComponents): Transport => {
    const timeouts =
      silenceMsMax === undefined
        ? {}
        : {
            inboundSocketInactivityTimeout: silenceMsMax,
            outboundSocketInactivityTimeout: silenceMsMax,
          }
    const transport = tcp(timeouts)(components as never)
    const dial = transport.dial.bind(transport)
    const createListener = transport.createListener.bind(transport)
    return Object.assign(transport, {
      async dial(to: Multiaddr, options: Parameters<Transport['dial']>[1]) {
        const family = to.getComponents()[0]?.name === 'ip6' ? 6 : 4
        if (made.addresses[family] === undefined) {
          throw new Error(`this host has no IPv${family} address to dial ${to.toString()} from`)
        }
        return run(made, () => dial(to, options as never))
      },
      createListener(options: Parameters<Transport['createListener']>[0]): Listener {
        const listener = createListener(options as never)
        const listen = listener.listen.bind(listener)
        return Object.assign(listener, {
          listen: (at: Multiaddr) => run(made, () => listen(at)),
        })
      },
    })
  }

  const service = (name: string): Service => {
    let known = services.get(name)
    if (known === undefined) {
      const made = place({ name, families: [4, 6] })
      known = { address: made.addresses[4] ?? '', run: (work) => run(made, work) }
      services.set(name, known)
    }
    return known
  }

  const sleep = (machine: Machine): (() => void) => {
    const { process, host } = machine
    const own = {}
    process.sleeps.add(own)
    const heals = [
      network.faults.stall({ from: [host.name] }),
      network.faults.stall({ to: [host.name] }),
    ]
    return () => {
      process.sleeps.delete(own)
      if (!process.paused) clock.resume(process)
      for (const heal of heals) heal()
    }
  }

  const simulated: Simulated = {
    network,
    clock,
    draws: () => Object.values(randomness.draws()).reduce((sum, draws) => sum + draws, 0),
    machine(name): SimulatedMachine {
      for (const machine of machines.values()) {
        if (machine.host.name !== name) continue
        return {
          host: machine.host,
          clock: machine.clock,
          sleep: () => sleep(machine),
          rebind: (address) => routers.rebind(name, address),
        }
      }
      throw new RangeError(`this world has no machine "${name}"`)
    },
  }

  return {
    name: 'sim',
    network,
    simulated,
    record: ({ atMs, host, event, detail }) => hashes.event(atMs, host, event, detail),
    digest: () => hashes.digest(),
    place,
    run,
    service,
    move(made) {
      const { host } = machineOf(made)
      const { addresses, socketAddresses } = made
      const isBehind = host.nat !== undefined
      const own = familiesOfAddresses(addresses).filter((family) => family !== 4 || !isBehind)
      const fresh = addressesFor(own)
      Object.assign(addresses, fresh)
      Object.assign(socketAddresses, fresh)
      if (!isBehind) return host.move(Object.values(addresses))
      const { nat, privateAddress } = routers.move(host.name)
      Object.assign(socketAddresses, { 4: privateAddress })
      host.move(Object.values(socketAddresses), nat)
    },
    socketAddress: (address) => address,
    async blackHole(multiaddrs) {
      const holes = await Promise.all(
        multiaddrs.map((address) => {
          const [owner, ...others] = [...machines.values()].filter((machine) =>
            Object.values(machine.place.socketAddresses).some((own) =>
              address.includes(`/${own}/`),
            ),
          )
          if (owner === undefined || others.length > 0) {
            throw new Error(
              `${owner === undefined ? 'nobody' : 'more than one host'} in this world has "${address}"`,
            )
          }
          return runOn(owner.process, () => silentServer(address))
        }),
      )
      return { close: async () => void (await Promise.all(holes.map((hole) => hole.close()))) }
    },
    kill(made, { powerCut = false } = {}) {
      const machine = machineOf(made)
      machine.process.alive = false
      if (powerCut) machine.host.powerOff()
      // As by `kill -9`: the process says nothing more, and the operating system breaks its connections.
      else machine.host.killProcesses()
    },
    revive(made) {
      const machine = machineOf(made)
      if (machine.process.alive) return
      machine.host.powerOn()
      machine.process = start(machine.host.name, machine.host, machine.clock)
    },
    async drive(work) {
      const engine = service(ENGINE)
      try {
        return await clock.drive(() => engine.run(work))
      } finally {
        uninstallNetwork()
        uninstall()
      }
    },
    close: async () => {},
  }
}

function firewallOf({ open = [], policy }: FirewallPlan): FirewallOptions {
  return {
    open: open.map((port) => ({ protocol: 'tcp', port })),
    ...(policy === undefined ? {} : { policy }),
  }
}
