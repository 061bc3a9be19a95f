import { noise } from '@chainsafe/libp2p-noise'
import type { GossipSub } from '@libp2p/gossipsub'
import type { PrivateKey, ServiceMap } from '@libp2p/interface'
import { webSockets } from '@libp2p/websockets'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import type { Socket as UdpSocket } from 'node:dgram'
import { wire, type DnsServer, type NodetrustClient } from '../../impl/index.ts'
import { Disk } from './disk.ts'
import type { Driver, Family, Place } from './drivers/driver.ts'
import { mortal } from './drivers/mortal.ts'
import { HostNetwork } from './drivers/network.ts'
import { hostServices, timeoutMs, type SocketAddress } from './host-services.ts'
import type { CrashOptions, HostPlan, Upkeep } from './scenario.ts'
import type { Trace } from './trace.ts'
import { logger, muxer } from './upkeep.ts'

/** What hosts must know of each other, as an operator's configuration would say it. */
export interface WorldFacts {
  readonly zone: string
  readonly trace: Trace
  readonly workDirectory: string
  /** The CA as a host reaches it. */
  readonly ca: (host: string) => {
    readonly directoryUrl: string
    readonly certificateAuthority: string
  }
  /** Whether anybody is behind a NAT. */
  readonly hasRouters: boolean
  readonly hostsOf: (role: HostPlan['role']) => readonly Host[]
  readonly upkeep: Upkeep | undefined
}

/** As `nodetrust` itself has it: see impl/node.ts. */
const CONNECTIONS_MAX = 4_000
/** What libp2p gives a dial, a dial of one address, and an agreement on what to speak. */
const DIAL_TIMEOUT_MS = 10_000
const ADDRESS_DIAL_TIMEOUT_MS = 6_000
const NEGOTIATION_TIMEOUT_MS = 10_000

type Node = Libp2p<
  ServiceMap & { pubsub?: GossipSub; nodetrust?: NodetrustClient; dns?: DnsServer }
>

/** One host of a world: a libp2p node that can be stopped and started again with its key, addresses and disk. */
export class Host {
  readonly plan: HostPlan
  readonly place: Place
  readonly privateKey: PrivateKey
  readonly #facts: WorldFacts
  readonly #driver: Driver
  #node: Node | undefined
  #starting: Promise<void> | undefined
  #disk: Disk
  /** Aborted when the process that runs now ends without a goodbye. */
  #life = new AbortController()
  /** Of the process that runs now. */
  #network: HostNetwork
  /** Crashed nodes on their way out: they hold their ports until then. */
  readonly #dead = new Set<Promise<void>>()
  readonly #denied = new Map<object, string>()
  /** Where it listened first: a host that comes back is found where it was. */
  #multiaddrs: readonly string[] | undefined
  #dnsSockets: readonly SocketAddress[] | undefined

  constructor(init: {
    readonly plan: HostPlan
    readonly place: Place
    readonly privateKey: PrivateKey
    readonly facts: WorldFacts
    readonly driver: Driver
  }) {
    this.plan = init.plan
    this.place = init.place
    this.privateKey = init.privateKey
    this.#facts = init.facts
    this.#driver = init.driver
    this.#network = new HostNetwork(init.plan.name)
    this.#disk = new Disk({ folder: init.facts.workDirectory, host: init.plan.name })
  }

  get name(): string {
    return this.plan.name
  }

  get peerId(): string {
    return this.privateKey.publicKey.toString()
  }

  get running(): boolean {
    return this.#node !== undefined
  }

  /** Whether it is a client that announces the certificate that it has. */
  get announces(): boolean {
    return this.plan.role === 'client' && (this.plan.options?.announce ?? true)
  }

  /** The host's libp2p node; throws while the host is down. */
  get node(): Node {
    if (this.#node === undefined) throw new Error(`host "${this.name}" is not running`)
    return this.#node
  }

  /** Where others dial the host, with its peer id. */
  get multiaddrs(): readonly Multiaddr[] {
    return (this.#multiaddrs ?? []).map((address) => multiaddr(`${address}/p2p/${this.peerId}`))
  }

  /** Where a DNS server is asked. */
  get dnsSockets(): readonly SocketAddress[] {
    return this.#dnsSockets ?? []
  }

  /** Of its services. */
  get udpSockets(): readonly UdpSocket[] {
    return this.#network.udpSockets
  }

  /** What its programs keep. */
  get disk(): Disk {
    return this.#disk
  }

  /** Does work as this host: what it opens and dials is the host's. */
  run<T>(work: () => T): T {
    return this.#driver.run(this.place, () => this.#network.run(work))
  }

  /** Does nothing where it runs; who calls while it starts waits for that. */
  async start(): Promise<void> {
    this.#starting ??= this.#start().finally(() => {
      this.#starting = undefined
    })
    await this.#starting
  }

  async #start(): Promise<void> {
    if (this.#node !== undefined) return
    await Promise.all(this.#dead)
    this.#driver.revive?.(this.place)
    this.#life = new AbortController()
    this.#network = new HostNetwork(this.name)
    const node = await this.#orEnd(() => this.run(() => this.#createNode()))
    this.#node = node
    this.#multiaddrs ??= listeningAt(node)
    node.addEventListener('peer:discovery', ({ detail }) => {
      this.#facts.trace.record(this.name, 'peer:discovered', { peer: detail.id.toString() })
    })
    const { dns, pubsub } = node.services
    if (dns !== undefined) this.#dnsSockets ??= [...dns.addresses]
    if (this.plan.role === 'issue' || this.plan.role === 'dns') {
      // They are the meeting points of a zone, so they pass announcements on (NT-DISC-009).
      pubsub?.subscribe(wire.DISCOVERY_TOPIC)
      pubsub?.subscribe(wire.DISCOVERY_TOPIC_SPECIFICATION)
    }
    this.#facts.trace.record(this.name, 'host:started', {
      addresses: Object.values(this.place.addresses),
      peer: this.peerId,
      ...this.#surroundings(),
    })
  }

  /** What is between the host and the internet, as its start tells it. */
  #surroundings(): Readonly<Record<string, string | boolean>> {
    const { nat, firewall } = this.plan
    return {
      ...(nat === undefined ? {} : { nat: nat.kind, forwarded: (nat.forwards ?? []).length > 0 }),
      ...(firewall === undefined
        ? {}
        : { firewall: (firewall.open ?? []).length > 0 ? 'open' : 'closed' }),
    }
  }

  async #createNode(): Promise<Node> {
    return (await createLibp2p({
      logger,
      privateKey: this.privateKey,
      datastore: this.#disk.datastore,
      addresses: { listen: [...(this.#multiaddrs ?? this.place.listen), ...this.#secureListen()] },
      transports: [
        this.#reachable(this.place.transport) as never,
        ...(this.plan.role === 'client' ? [this.#reachable(webSockets() as never) as never] : []),
      ],
      connectionEncrypters: [noise()],
      streamMuxers: [muxer(this.#facts.upkeep)],
      // As libp2p has it: nobody else finds out that a router has forgotten a connection. Without routers it would only
      // find that one process answers late for all hosts.
      connectionMonitor: { enabled: this.#facts.hasRouters },
      // On tcp with IPv6 all hosts share one address.
      connectionManager: {
        maxConnections: CONNECTIONS_MAX,
        inboundConnectionThreshold: 10_000,
        maxIncomingPendingConnections: CONNECTIONS_MAX,
        dialTimeout: timeoutMs(DIAL_TIMEOUT_MS, this.#facts),
        addressDialTimeout: timeoutMs(ADDRESS_DIAL_TIMEOUT_MS, this.#facts),
        inboundUpgradeTimeout: timeoutMs(DIAL_TIMEOUT_MS, this.#facts),
        inboundStreamProtocolNegotiationTimeout: timeoutMs(NEGOTIATION_TIMEOUT_MS, this.#facts),
        outboundStreamProtocolNegotiationTimeout: timeoutMs(NEGOTIATION_TIMEOUT_MS, this.#facts),
      },
      services: hostServices({
        plan: this.plan,
        place: this.place,
        facts: this.#facts,
        disk: this.#disk,
        dnsSockets: this.#dnsSockets,
        denied: [...this.#denied.values()],
        life: this.#life.signal,
      }) as never,
    })) as Node
  }

  async stop(): Promise<void> {
    const node = this.#node
    this.#node = undefined
    await Promise.all(this.#dead)
    if (node === undefined) return
    await this.#orEnd(() => this.run(() => node.stop()))
    this.#facts.trace.record(this.name, 'host:stopped')
  }

  /** A process that fails to start or to stop, for want of room on its disk, ends: nothing of it is left half open. */
  async #orEnd<T>(work: () => Promise<T> | T): Promise<T> {
    try {
      return await work()
    } catch (error) {
      this.#driver.kill?.(this.place)
      throw error
    }
  }

  /**
   * Ends the host at this moment as a power cut would: its connections break and its events are heard no more. A later
   * `start` goes on with its disk as it is now.
   */
  crash({ powerCut, ...disk }: CrashOptions = {}): void {
    const node = this.#node
    this.#node = undefined
    if (node === undefined) return
    this.#disk = this.#disk.copy(disk)
    this.#driver.kill?.(this.place, { powerCut })
    this.#life.abort(new Error(`host "${this.name}" has crashed`))
    if (this.#driver.kill !== undefined) return
    for (const connection of node.getConnections()) connection.abort(this.#life.signal.reason)
    const dying = Promise.resolve(node.stop())
      .catch(() => {})
      .finally(() => this.#dead.delete(dying))
    this.#dead.add(dying)
  }

  /**
   * Cuts the host off from the network. It goes on, with all that it knows.
   *
   * @returns the way to have it reached again, where it was
   */
  isolate(): () => void {
    // A host that is down, or on its way up, has nothing to be cut off; one that starts again is not cut off any more.
    const { node } = this
    const network = this.#network
    network.cut()
    for (const connection of node.getConnections()) {
      connection.abort(new Error(`host "${this.name}" is cut off from the network`))
    }
    return () => network.mend()
  }

  /** Puts a peer on the host's deny list; returns the way to take it off again. */
  deny(peerId: string): () => void {
    const entry = {}
    this.#denied.set(entry, peerId)
    this.#disk.writeDenyList([...this.#denied.values()])
    return () => {
      this.#denied.delete(entry)
      this.#disk.writeDenyList([...this.#denied.values()])
    }
  }

  /** A transport that ends with the host's process, and is cut with its network. */
  #reachable(transport: Place['transport']): Place['transport'] {
    return this.#network.transport(mortal(transport, this.#life.signal))
  }

  /** Goes on at the addresses that its place has now. Connections from the old ones break. */
  async move(): Promise<void> {
    const { node } = this
    // What a change of the machine's interfaces does to a process; libp2p has no call for it.
    const { transportManager } = (node as unknown as { components: NodeInternals }).components
    const closing = transportManager.getListeners().map((listener) => listener.close())
    const moved = new Error(`host "${this.name}" has moved`)
    for (const connection of node.getConnections()) connection.abort(moved)
    this.#network.breakOff(moved)
    await Promise.all(closing)
    const listen = [...this.place.listen, ...this.#secureListen()]
    await this.run(() => transportManager.listen(listen.map((address) => multiaddr(address))))
    this.#multiaddrs = listeningAt(node)
    this.#facts.trace.record(this.name, 'host:moved', {
      addresses: Object.values(this.place.addresses),
    })
  }

  /** Where a client's WebSockets stand, plain and secure on one port. */
  #secureListen(): string[] {
    if (this.plan.role !== 'client') return []
    const { securePort = 0 } = this.plan
    return Object.entries(this.place.socketAddresses).map(
      ([family, address]) => `/ip${family}/${address}/tcp/${securePort}/ws`,
    )
  }
}

/** As much of a node's inside as a move needs. */
interface NodeInternals {
  readonly transportManager: {
    getListeners(): { close(): Promise<void> }[]
    listen(addresses: Multiaddr[]): Promise<void>
  }
}

function listeningAt(node: Node): string[] {
  return node
    .getMultiaddrs()
    .filter((address) => !/\/(ws|tls)\b/.test(address.toString()))
    .map((address) => address.decapsulate('/p2p').toString())
}

/** The families of a host's plan. */
export function familiesOf(plan: HostPlan): readonly Family[] {
  return plan.families ?? [4]
}
