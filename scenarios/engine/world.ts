import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromString } from '@libp2p/peer-id'
import { X509Certificate } from 'node:crypto'
import { Resolver as DnsResolver } from 'node:dns/promises'
import { wire, type Certificate } from '../../impl/index.ts'
import {
  CaProxy,
  openAcmeCa,
  openResolver,
  type AcmeCa,
  type AcmeCaOptions,
  type CaRule,
  type RenewalWindow,
  type Resolver,
} from './ca/index.ts'
import type { Driver } from './drivers/driver.ts'
import { familiesOf, Host, type WorldFacts } from './hosts.ts'
import { Observer, type Announcement } from './observer.ts'
import { certificateNames } from './certificates.ts'
import type { CrashOptions, HostPlan, WorldPlan } from './scenario.ts'
import type { Machine } from './machine/machine.ts'
import { Trace } from './trace.ts'

/** What every world's names end in. */
const ZONE = 'nt.example'

/** How long the resolver waits for a DNS server, which has one process with all other hosts. */
const RESOLVER_SILENCE_MS = 250
const RESOLVER_SILENCE_MS_PER_HOST = 25

/** What became of one client's request. */
export type Outcome =
  | { readonly certificate: Certificate; readonly error?: undefined }
  | { readonly error: Error; readonly certificate?: undefined }

export interface WorldInit {
  readonly plan: WorldPlan
  readonly driver: Driver
  readonly trace: Trace
  readonly workDirectory: string
  /** Ends everything that waits. */
  readonly signal: AbortSignal
  /** Without proxies the CA cannot be disturbed or cut off, and its requests are not in the trace. @default true */
  readonly caProxied?: boolean
  readonly ca: Omit<
    AcmeCaOptions,
    'resolver' | 'workDirectory' | 'signal' | 'environment' | 'certificateValiditySeconds'
  >
}

/** One simulated network: its hosts, its CA, and what has happened in it. */
export class World implements AsyncDisposable {
  readonly zone = ZONE
  readonly plan: WorldPlan
  readonly driver: Driver
  readonly trace: Trace
  readonly signal: AbortSignal
  /** What the run may know of the machine that it runs on. */
  readonly machine: Machine
  /** The run's folder; it is removed at the end unless the run is kept. */
  readonly workDirectory: string
  /** Certificates that clients and attackers got, in order; PEM. */
  readonly certificates: { readonly host: string; readonly certificate: string }[] = []
  readonly failures: { readonly host: string; readonly error: Error }[] = []
  readonly #init: WorldInit
  readonly #hosts = new Map<string, Host>()
  readonly #roots = new Set<string>()
  #resolver: Resolver | undefined
  #ca: AcmeCa | undefined
  /** By issue server: each reaches the CA by a proxy of its own, so that it can be cut off alone. */
  readonly #proxies = new Map<string, CaProxy>()
  #observer: Observer | undefined

  private constructor(init: WorldInit) {
    this.#init = init
    this.plan = init.plan
    this.driver = init.driver
    this.trace = init.trace
    this.signal = init.signal
    this.machine = { ...init.ca, signal: init.signal }
    this.workDirectory = init.workDirectory
  }

  /** Builds and starts everything that the plan names; what was started is stopped again when that fails. */
  static async open(init: WorldInit): Promise<World> {
    const world = new World(init)
    try {
      await world.#start()
      return world
    } catch (error) {
      await world[Symbol.asyncDispose]()
      throw error
    }
  }

  get ca(): AcmeCa {
    if (this.#ca === undefined) throw new Error('the CA of this world is not open yet')
    return this.#ca
  }

  /**
   * Whether every request to the CA passes our proxies, is in the trace as `ca:request`, and can be disturbed: so
   * with every CA that this run started.
   */
  get caIsProxied(): boolean {
    return this.ca.controllable && (this.#init.caProxied ?? true)
  }

  /** Follows the rules for all requests to the CA; returns the way to end that. */
  disturbCa(rules: readonly CaRule[]): () => void {
    if (!this.caIsProxied) throw new Error('a CA given by URL is reached directly: not disturbed')
    const ends = [...this.#proxies.values()].map((proxy) => proxy.disturb(rules))
    return () => {
      for (const end of ends) end()
    }
  }

  /**
   * Has the CA want the certificates that it was asked about by now renewed at another time (ms from now). Only in a
   * world whose plan has `renewalInfo`.
   */
  suggestRenewal(window: Pick<RenewalWindow, 'startMs' | 'endMs'>): void {
    if (!this.caIsProxied) throw new Error('a CA given by URL is reached directly: not disturbed')
    for (const proxy of this.#proxies.values()) proxy.suggest(window)
    this.trace.record('ca', 'ca:renewal-wanted', { ...window })
  }

  /** Ends the CA as a crash would; connections are refused until `startCa`. */
  async killCa(): Promise<void> {
    await Promise.all([...this.#proxies.values()].map((proxy) => proxy.refuse()))
    await this.ca.kill()
  }

  /** Starts a killed CA again: it has lost all that it knew. */
  async startCa(): Promise<void> {
    await this.driver.service('ca').run(() => this.ca.start())
    await this.rootCertificates()
    await Promise.all([...this.#proxies.values()].map((proxy) => this.#accept(proxy)))
  }

  /** Has the CA sign with other keys, below other roots, from now on; it goes on otherwise. Only the built-in one can. */
  async changeCaKeys(): Promise<void> {
    const { changeKeys } = this.ca
    if (changeKeys === undefined) throw new Error('only the built-in CA changes its keys')
    await this.driver.service('ca').run(changeKeys)
    await this.rootCertificates()
    this.trace.record('ca', 'ca:keys-changed')
  }

  /** Ends a host without a goodbye, at once; returns the way to start it again, from its disk as it is now. */
  crash(name: string, options: CrashOptions = {}): () => Promise<void> {
    const host = this.host(name)
    host.crash(options)
    const proxy = this.#proxies.get(name)
    const cut = proxy?.cut()
    return async () => {
      await cut
      if (proxy !== undefined) await this.#accept(proxy)
      await host.start()
    }
  }

  /** Gives a host other addresses. */
  async move(name: string): Promise<void> {
    const host = this.host(name)
    if (!host.running) throw new Error(`host "${name}" is down and cannot move`)
    this.driver.move(host.place)
    await host.move()
  }

  get hosts(): readonly Host[] {
    return [...this.#hosts.values()]
  }

  get clients(): readonly Host[] {
    return this.hostsOf('client')
  }

  /** What each host announced last, as an observer of the network heard it. */
  get announcements(): readonly Announcement[] {
    return this.#observer?.announcements ?? []
  }

  hostsOf(role: HostPlan['role']): readonly Host[] {
    return this.hosts.filter(({ plan }) => plan.role === role)
  }

  host(name: string): Host {
    const host = this.#hosts.get(name)
    if (host === undefined) throw new RangeError(`this world has no host "${name}"`)
    return host
  }

  hostOfPeer(peerId: string): string {
    return this.hosts.find((host) => host.peerId === peerId)?.name ?? peerId
  }

  peerIdBytes(peerId: string): Uint8Array {
    return peerIdFromString(peerId).toMultihash().bytes
  }

  /** The DNS names of a PEM certificate. */
  namesOf(certificate: string): string[] {
    return certificateNames(certificate)
  }

  /** The serial number of a PEM certificate; lower case hex. */
  serialOf(certificate: string): string {
    return new X509Certificate(certificate).serialNumber.toLowerCase()
  }

  /** Has a client obtain a certificate, and remembers what became of it. */
  async obtain(name: string): Promise<Outcome> {
    const host = this.host(name)
    try {
      const service = host.node.services.nodetrust
      if (service === undefined) throw new TypeError(`host "${name}" is no client`)
      const certificate = await host.run(() => service.obtain({ signal: this.signal }))
      return { certificate }
    } catch (error) {
      this.signal.throwIfAborted()
      this.failures.push({ host: name, error: error as Error })
      return { error: error as Error }
    }
  }

  /** Has all clients obtain at once. */
  async obtainAll(): Promise<Outcome[]> {
    return Promise.all(this.clients.map(({ name }) => this.obtain(name)))
  }

  /** Waits until the network has heard every client that has a certificate, at each of its names. */
  async announced(): Promise<void> {
    const wanted = this.clients.flatMap((host) =>
      host.running && host.announces ? (host.node.services.nodetrust?.addresses ?? []) : [],
    )
    await this.#observer?.heard(
      wanted.map((address) => address.toString()),
      this.signal,
    )
  }

  /** Sends one message on a new stream from one host to another and returns the frames of the answer. */
  async exchange(
    from: Host,
    to: Host,
    protocol: string,
    messages: readonly Uint8Array[],
  ): Promise<Uint8Array[]> {
    const stream = await from.run(() =>
      from.node.dialProtocol([...to.multiaddrs], protocol, { signal: this.signal }),
    )
    const frames = wire.frameStream(stream, { lengthMax: wire.CLIENT_FRAME_LENGTH_MAX })
    const answers: Uint8Array[] = []
    for (const message of messages) await frames.write(message, this.signal)
    await stream.close({ signal: this.signal })
    for (;;) {
      const answer = await frames.read(this.signal)
      if (answer === undefined) return answers
      answers.push(answer)
    }
  }

  /** The addresses that the public DNS gives for a name of the zone; none when it gives none. */
  async resolve(name: string): Promise<string[]> {
    const resolver = this.#publicDns()
    const found = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)])
    return found.flatMap((result) => (result.status === 'fulfilled' ? result.value : []))
  }

  /** The TXT values that the public DNS gives for a name of the zone. */
  async resolveTxt(name: string): Promise<string[]> {
    const found = await this.#publicDns()
      .resolveTxt(name)
      .catch(() => [])
    return found.map((strings) => strings.join(''))
  }

  /** The challenge values that one DNS server answers for a name that is to be certified. */
  async challengesOn(host: string, name: string): Promise<string[]> {
    const [socket] = this.host(host).dnsSockets
    const resolver = dnsResolver(`${socket?.address}:${socket?.port}`)
    const found = await resolver
      .resolveTxt(`${wire.CHALLENGE_LABEL}.${name}`)
      .catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOTFOUND' || error.code === 'ENODATA') return []
        throw error
      })
    const values = found.map((strings) => strings.join(''))
    this.trace.record(host, 'dns:asked', { name, values })
    return values
  }

  /** The roots of all certificates that this world's CA has issued: a CA that lost its state has new ones. */
  async rootCertificates(): Promise<string> {
    try {
      this.#roots.add(await this.ca.rootCertificates())
    } catch (error) {
      // A CA that is down has issued nothing since it was asked last: it is asked whenever it starts.
      if (this.#roots.size === 0) throw error
    }
    return [...this.#roots].join('\n')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Clients first: a client that outlives its servers would only report their absence.
    const order: readonly HostPlan['role'][] = ['attacker', 'client', 'issue', 'dns', 'proof']
    await this.#observer?.stop()
    for (const role of order) await Promise.all(this.hostsOf(role).map((host) => host.stop()))
    await this.#resolver?.close()
    await Promise.all([...this.#proxies.values()].map((proxy) => proxy[Symbol.asyncDispose]()))
    await this.#ca?.stop()
    await this.driver.close()
  }

  async #start(): Promise<void> {
    const facts: WorldFacts = {
      zone: this.zone,
      trace: this.trace,
      workDirectory: this.#init.workDirectory,
      ca: (host) => {
        const { directoryUrl, certificateAuthority } = this.#proxies.get(host) ?? this.ca
        return { directoryUrl, certificateAuthority }
      },
      hasRouters: this.plan.hosts.some(({ nat }) => nat !== undefined),
      hostsOf: (role) => this.hostsOf(role),
      upkeep: this.plan.upkeep,
    }
    for (const plan of this.plan.hosts) {
      const { name, nat, firewall } = plan
      const place = this.driver.place({
        name,
        families: familiesOf(plan),
        ...(nat === undefined ? {} : { nat }),
        ...(firewall === undefined ? {} : { firewall }),
      })
      // From the host's own randomness, where hosts have their own: no other host changes it.
      const privateKey = await this.driver.run(place, () => generateKeyPair('Ed25519'))
      this.#hosts.set(plan.name, new Host({ plan, place, privateKey, facts, driver: this.driver }))
    }
    await this.#startAll('proof')
    await this.#startAll('dns')
    const dns = this.driver.service('resolver')
    const resolver = await dns.run(() =>
      openResolver({
        upstreams: () => this.hostsOf('dns').flatMap((host) => host.dnsSockets),
        listenAddress: dns.address,
        silenceMs: Math.max(
          RESOLVER_SILENCE_MS,
          this.plan.hosts.length * RESOLVER_SILENCE_MS_PER_HOST,
        ),
      }),
    )
    this.#resolver = resolver
    this.#ca = await this.driver.service('ca').run(() =>
      openAcmeCa({
        ...this.#init.ca,
        resolver: resolver.address,
        workDirectory: this.#init.workDirectory,
        signal: this.signal,
        environment: this.plan.caEnvironment ?? {},
        proxied: this.#init.caProxied ?? true,
        ...(this.plan.certificateValiditySeconds === undefined
          ? {}
          : { certificateValiditySeconds: this.plan.certificateValiditySeconds }),
        ...(this.plan.builtInCa === undefined ? {} : { builtIn: this.plan.builtInCa }),
      }),
    )
    await this.#openProxies(this.#ca)
    this.trace.record('ca', 'ca:ready', { description: this.#ca.description })
    await this.rootCertificates()
    await this.#startAll('issue')
    await this.#startAll('client')
    await this.#startAll('attacker')
    const place = this.driver.place({ name: 'observer', families: [4, 6] })
    const observer = await this.driver.run(place, () =>
      Observer.open({
        place,
        meetingPoints: [...this.hostsOf('issue'), ...this.hostsOf('dns')].flatMap((host) =>
          host.multiaddrs.slice(0, 1),
        ),
        hostOfPeer: (peerId) => this.hostOfPeer(peerId),
        onHeard: ({ host, address }) => this.trace.record(host, 'peer:heard', { address }),
        signal: this.signal,
        upkeep: this.plan.upkeep,
      }),
    )
    this.#observer = observer
    this.trace.follow(({ event, host }) => {
      if (event === 'certificate:expired') observer.forget(host)
      if (event === 'certificate:obtained' || event === 'certificate:renewed') this.#keep(host)
    })
  }

  /** Remembers the certificate that a client serves now. */
  #keep(host: string): void {
    const client = this.host(host)
    if (!client.running) return
    const certificate = client.node.services.nodetrust?.certificate?.certificate
    const known = this.certificates.some((got) => got.certificate === certificate)
    if (certificate !== undefined && !known) this.certificates.push({ host, certificate })
  }

  async #openProxies(ca: AcmeCa): Promise<void> {
    // Only Pebble builds its URLs from the Host header, and a CA given by URL may be another.
    if (!this.caIsProxied) return
    for (const { name: via } of this.hostsOf('issue')) {
      const service = this.driver.service('ca')
      const proxy = await service.run(() =>
        CaProxy.open({
          upstream: ca,
          renewalInfo: this.plan.renewalInfo,
          listenAddress: service.address,
          onRequest: (request) => this.trace.record('ca', 'ca:request', { ...request, via }),
        }),
      )
      this.#proxies.set(via, proxy)
    }
  }

  async #accept(proxy: CaProxy): Promise<void> {
    await this.driver.service('ca').run(() => proxy.accept())
  }

  async #startAll(role: HostPlan['role']): Promise<void> {
    const present = this.hostsOf(role).filter(({ plan }) => plan.role !== 'client' || !plan.late)
    await Promise.all(present.map((host) => host.start()))
  }

  #publicDns(): DnsResolver {
    if (this.#resolver === undefined) throw new Error('the resolver of this world is not open yet')
    return dnsResolver(this.#resolver.address)
  }
}

function dnsResolver(server: string): DnsResolver {
  const resolver = new DnsResolver({ timeout: 2_000, tries: 2 })
  resolver.setServers([server])
  return resolver
}
