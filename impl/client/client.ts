import {
  peerDiscoverySymbol,
  serviceCapabilities,
  type IdentifyResult,
  type Logger,
  type Startable,
} from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { CODE_P2P, type Multiaddr } from '@multiformats/multiaddr'
import { TypedEventEmitter } from 'main-event'
import { isGlobalAddress, observedAddress, type IpAddress } from '../wire/addresses.ts'
import { addressLabel } from '../wire/names.ts'
import { DISCOVERY_TOPIC, REQUEST_TIMEOUT_MS } from '../wire/protocols.ts'
import { announcedAddresses } from './addresses.ts'
import { Alarm } from './alarm.ts'
import { ANNOUNCE_INTERVAL_MS_DEFAULT, Announcer, type Pubsub } from './announce.ts'
import { CertificateStore } from './certificate-store.ts'
import type { Certificate } from './check.ts'
import { connect, exchange, type Server } from './exchange.ts'
import type {
  CertificateDetail,
  NodetrustComponents,
  NodetrustEvents,
  NodetrustInit,
} from './init.ts'
import { CertificateKeeper } from './keeper.ts'
import { MeetingPoints } from './meeting-points.ts'
import type { ObtainContext } from './obtain.ts'
import { RETRY_LIMITS_DEFAULT } from './renewal.ts'
import { SecureListeners } from './serve.ts'

/** The issue server waits up to 120 s for its CA (NT-ISSUE-028); the rest is for the way. */
const ISSUE_TIMEOUT_MS_DEFAULT = 150_000

const ADDRESS_CHECK_INTERVAL_MS_DEFAULT = 60_000

/** The service that {@link nodetrust} makes. */
export class NodetrustClient extends TypedEventEmitter<NodetrustEvents> implements Startable {
  readonly [serviceCapabilities]: string[] = ['nodetrust/client', '@libp2p/peer-discovery']
  readonly [Symbol.toStringTag] = 'nodetrust/client'
  readonly #components: NodetrustComponents
  readonly #init: NodetrustInit
  readonly #log: Logger
  readonly #issueServers: readonly Server[]
  readonly #listeners: SecureListeners
  readonly #addressCheck = new Alarm(() =>
    this.#keeper?.runUnattended({ renew: false, fresh: true }),
  )
  #keeper: CertificateKeeper | undefined
  #announcer: Announcer | undefined
  #meetingPoints: MeetingPoints | undefined
  #addresses: readonly Multiaddr[] = []
  /** In ms of performance.now(). */
  #addressCheckedAt = -Infinity
  /** Where others saw us last since there was a new certificate, by family. */
  readonly #seenAt = new Map<IpAddress['family'], IpAddress>()

  /** @throws {RangeError} when no issue server is given, or one without its peer id, or an interval of no length. */
  constructor(components: NodetrustComponents, init: NodetrustInit) {
    super()
    this.#components = components
    this.#init = init
    this.#log = components.logger.forComponent('nodetrust:client')
    this.#issueServers = readIssueServers(init.issueServers)
    const { announceIntervalMs } = init
    if (announceIntervalMs !== undefined && !(announceIntervalMs > 0)) {
      // It would announce without end.
      throw new RangeError(`announceIntervalMs is ${announceIntervalMs}, wanted a time above 0`)
    }
    this.#listeners = new SecureListeners(components, () => this.#updateAddresses())
  }

  /** libp2p takes the peers that we hear of from here. */
  get [peerDiscoverySymbol](): this {
    return this
  }

  /** The certificate that is served now, with its key; `undefined` while there is none. */
  get certificate(): Certificate | undefined {
    return this.#keeper?.certificate
  }

  /** The multiaddrs under which browsers reach this node; none while there is no certificate. */
  get addresses(): readonly Multiaddr[] {
    return this.#addresses
  }

  /**
   * Obtains a new certificate now, and serves it.
   * @throws {RefusalError} when the issue server refuses, {@link NoProofError} when no proof server gave a proof,
   *   {@link CertificateError} when what came is of no use, the reason of `signal`, or libp2p's errors; an
   *   AggregateError of these when there are several issue servers.
   */
  async obtain(options: { readonly signal?: AbortSignal } = {}): Promise<Certificate> {
    return await this.#running().run({ renew: true, fresh: false }, options.signal)
  }

  /**
   * Finds out whether our addresses have changed, and only then obtains a new certificate (NT-CLIENT-014).
   * @throws as {@link obtain} does.
   */
  async refresh(options: { readonly signal?: AbortSignal } = {}): Promise<Certificate> {
    return await this.#running().run({ renew: false, fresh: true }, options.signal)
  }

  start(): void {
    this.#keeper ??= this.#createKeeper()
  }

  /** Listeners and pubsub run from here on. Does not wait for a certificate. */
  async afterStart(): Promise<void> {
    this.#listeners.start()
    this.#components.events.addEventListener('peer:identify', this.#onIdentify)
    this.#announcer = this.#createAnnouncer()
    this.#announcer?.start()
    await this.#running().start({ unattended: this.#init.autoStart ?? true })
  }

  /** Everything that we use of the node still runs here: the way down starts now. */
  async beforeStop(): Promise<void> {
    await this.stop()
  }

  async stop(): Promise<void> {
    this.#components.events.removeEventListener('peer:identify', this.#onIdentify)
    this.#addressCheck.clear()
    this.#seenAt.clear()
    const keeper = this.#keeper
    this.#keeper = undefined
    await keeper?.stop()
    this.#announcer?.stop()
    this.#announcer = undefined
    await this.#meetingPoints?.stop()
    this.#meetingPoints = undefined
    this.#listeners.stop()
  }

  #running(): CertificateKeeper {
    if (this.#keeper === undefined) throw new Error('the node has not been started')
    return this.#keeper
  }

  #createKeeper(): CertificateKeeper {
    const { peerId, datastore } = this.#components
    return new CertificateKeeper({
      issueServers: this.#issueServers,
      store: new CertificateStore(datastore, peerId, this.#log),
      csr: this.#init.csr ?? true,
      retry: { ...RETRY_LIMITS_DEFAULT, ...this.#init.retry },
      context: (signal) => this.#context(signal),
      onCertificate: (certificate, { fromStore, previous }) => {
        this.#listeners.provide(certificate)
        const type = previous === undefined ? 'certificate:obtained' : 'certificate:renewed'
        this.safeDispatchEvent(type, {
          detail: { ...describeCertificate(certificate), fromStore },
        })
        // It may be for where we were when it was asked for.
        const seenAt = [...this.#seenAt.values()]
        this.#seenAt.clear()
        for (const seen of seenAt) this.#checkAddress(seen)
      },
      onAdvised: (certificate, renewAt) => {
        this.safeDispatchEvent('renewal:advised', {
          detail: { serial: certificate.serial, renewAt },
        })
      },
      onExpired: (certificate) => {
        this.#listeners.retire()
        this.safeDispatchEvent('certificate:expired', { detail: describeCertificate(certificate) })
      },
      onFailure: (failure) => {
        this.#log.error('no certificate - %s', failure.reason)
        this.safeDispatchEvent('certificate:failed', { detail: failure })
      },
    })
  }

  #context(signal: AbortSignal): ObtainContext {
    return {
      self: this.#components.peerId,
      ask: async (server, question) =>
        await exchange(this.#components.connectionManager, server, { ...question, signal }),
      requestTimeoutMs: this.#init.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
      issueTimeoutMs: this.#init.issueTimeoutMs ?? ISSUE_TIMEOUT_MS_DEFAULT,
      onProof: ({ server, addresses }) => {
        this.safeDispatchEvent('proof:received', {
          detail: { server, addresses: addresses.map(({ address }) => address) },
        })
      },
      onProofFailure: (failure) => {
        this.safeDispatchEvent('proof:failed', { detail: failure })
      },
    }
  }

  #createAnnouncer(): Announcer | undefined {
    const pubsub = this.#pubsub()
    if (pubsub === undefined) return undefined
    const meetingPoints = new MeetingPoints({
      issueServers: this.#issueServers,
      connect: (server, signal) =>
        connect(this.#components.connectionManager, server, { fresh: false, signal }),
      connections: ({ id }) => this.#components.connectionManager.getConnections(id),
      log: this.#log,
    })
    this.#meetingPoints = meetingPoints
    return new Announcer(pubsub, {
      self: this.#components.peerId,
      topic: this.#init.announceTopic ?? DISCOVERY_TOPIC,
      intervalMs: this.#init.announceIntervalMs ?? ANNOUNCE_INTERVAL_MS_DEFAULT,
      allowPrivateAddresses: this.#init.allowPrivateAddresses ?? false,
      addresses: () => {
        // The clock may have been set since the alarm for the end of the certificate was (NT-DISC-006).
        const lapsed = (this.certificate?.notAfter ?? 0) <= Date.now()
        return lapsed ? [] : this.#addresses
      },
      onAnnounced: (detail) => {
        meetingPoints.found()
        this.safeDispatchEvent('announced', { detail })
      },
      onUnheard: () => meetingPoints.seek(),
      onPeer: (detail) => this.safeDispatchEvent('peer', { detail }),
      log: this.#log,
    })
  }

  /** libp2p's components throw for a service that there is not. */
  #pubsub(): Pubsub | undefined {
    const name = this.#init.pubsub ?? 'pubsub'
    try {
      return (this.#components as unknown as Readonly<Record<string, Pubsub | undefined>>)[name]
    } catch (error) {
      if (this.#init.pubsub !== undefined) throw error
      this.#log('no service "%s": nothing is announced or discovered', name)
      return undefined
    }
  }

  /** Brings the node's own addresses (for identify and peer records) and the announcements up to date. */
  #updateAddresses(): void {
    const { addressManager, peerId } = this.#components
    const certificate = this.certificate
    const addresses =
      certificate === undefined
        ? []
        : announcedAddresses({
            names: certificate.names,
            endpoints: this.#listeners.endpoints(),
            announcePort: this.#init.announcePort,
            peerId,
          })
    const before = this.#addresses
    this.#addresses = addresses
    const removed = before.filter((address) => !addresses.some((other) => other.equals(address)))
    const added = addresses.filter((address) => !before.some((other) => other.equals(address)))
    for (const address of removed) addressManager.removeObservedAddr(address)
    for (const address of added) {
      // A DNS mapping of the address manager would give /ip4/…/tls/sni/…, which browsers do not dial; a confirmed
      // address is passed on as it is.
      addressManager.confirmObservedAddr(address, { type: 'observed' })
    }
    if (removed.length + added.length === 0) return
    this.safeDispatchEvent('addresses:changed', { detail: { addresses: addresses.map(String) } })
    if (addresses.length === 0) this.#announcer?.pause()
    else if (this.#init.announce ?? true) this.#announcer?.announce()
  }

  /**
   * Others tell us at which address they see us. That is no proof, and anybody can say anything, but it is a reason
   * to ask the proof servers, not too often (NT-CLIENT-014).
   */
  readonly #onIdentify = (event: CustomEvent<IdentifyResult>): void => {
    const seen = event.detail.observedAddr && observedAddress(event.detail.observedAddr)
    if (seen === undefined) return
    this.#seenAt.set(seen.family, seen)
    this.#checkAddress(seen)
  }

  #checkAddress(seen: IpAddress): void {
    const certificate = this.certificate
    if (certificate === undefined) return
    if (certificate.names.includes(`${addressLabel(seen.address)}.${certificate.zone}`)) return
    if (!(this.#init.allowPrivateAddresses ?? false) && !isGlobalAddress(seen.address)) return
    if (this.#addressCheck.time !== undefined) return
    const intervalMs = this.#init.addressCheckIntervalMs ?? ADDRESS_CHECK_INTERVAL_MS_DEFAULT
    const now = performance.now()
    const checkAt = Math.max(now, this.#addressCheckedAt + intervalMs)
    this.#addressCheckedAt = checkAt
    this.#addressCheck.setIn(checkAt - now)
  }
}

function describeCertificate(certificate: Certificate): Omit<CertificateDetail, 'fromStore'> {
  const { names, issuer, serial, notBefore, notAfter } = certificate
  return { names, issuer, serial, notBefore, notAfter }
}

/** Addresses of one issue server stand together, in the order in which the servers are first named. */
function readIssueServers(addresses: readonly Multiaddr[]): Server[] {
  if (addresses.length === 0) {
    throw new RangeError(
      'no issue server is given, wanted at least one multiaddr in "issueServers"',
    )
  }
  const servers = new Map<string, Multiaddr[]>()
  for (const address of addresses) {
    const last = address.getComponents().at(-1)
    if (last?.code !== CODE_P2P || last.value === undefined) {
      throw new RangeError(
        `issue server "${address.toString()}" has no peer id, wanted a multiaddr that ends in /p2p/<id>`,
      )
    }
    servers.set(last.value, [...(servers.get(last.value) ?? []), address])
  }
  return [...servers].map(([id, listed]) => ({ id: peerIdFromString(id), addresses: listed }))
}
