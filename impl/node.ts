import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { gossipsub, TopicValidatorResult, type GossipSub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import {
  isStartable,
  type Libp2pEvents,
  type Metrics,
  type PrivateKey,
  type ServiceMap,
  type Startable,
  type TypedEventTarget,
} from '@libp2p/interface'
import type { AddressManager, TransportManager } from '@libp2p/interface-internal'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import type { Multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import { SilentSockets } from './client/silent-sockets.ts'
import { ROLES, type Config, type Role } from './config/schema.ts'
import { dnsOf, needed, roleService, type Running, type ServiceFactory } from './config/services.ts'
import { checkStart } from './config/start.ts'
import { connectionRoom } from './connection-room.ts'
import { componentLogger, logEvents, type Log } from './log.ts'
import { ServerMetrics } from './metrics/index.ts'
import { openOperatorPort, readStore, type OperatorPort } from './operator-port.ts'
import { DISCOVERY_TOPIC, DISCOVERY_TOPIC_SPECIFICATION } from './wire/protocols.ts'

/** Servers cannot start as configured: the operator has to change something. */
export class SetupError extends Error {
  override readonly name = 'SetupError'
}

/** Servers that did not stop in time. */
export class StopError extends Error {
  override readonly name = 'StopError'
}

/** Where the servers of a process are found. */
export interface ServerAddresses {
  /** Multiaddrs of each role's libp2p node. */
  readonly libp2p: Readonly<Partial<Record<Role, readonly string[]>>>
  /** Where DNS queries are answered, on UDP and TCP. */
  readonly dns: readonly { readonly address: string; readonly port: number }[]
  /** Where metrics, health and status are, if the configuration wants them. */
  readonly http?: { readonly address: string; readonly port: number }
}

/** Servers that run. */
export interface Servers {
  readonly nodes: Readonly<Partial<Record<Role, Libp2p<ServiceMap>>>>
  readonly addresses: ServerAddresses
  /** @throws {StopError} naming the roles that have not stopped within `timeoutMs`. @default 5 s */
  stop(options?: { readonly timeoutMs?: number }): Promise<void>
}

export interface StartOptions {
  readonly roles: readonly Role[]
  readonly log: Log
  readonly signal?: AbortSignal
}

const STOP_TIMEOUT_MS = 5_000

/**
 * Starts servers of a configuration in this process, each role as a libp2p node of its own: libp2p cannot dial
 * itself, and roles are told apart by their peer ids. When one cannot start, none runs afterwards.
 * @throws {SetupError} saying for each obstacle whose it is, or the reason of `signal`.
 */
export async function startServers(config: Config, options: StartOptions): Promise<Servers> {
  const { log, signal } = options
  const roles = ROLES.filter((role) => options.roles.includes(role))
  if (roles.length === 0) throw new SetupError('no role to start')
  const problems = await checkStart(config, roles)
  if (problems.length > 0) {
    throw new SetupError(problems.map(({ role, message }) => `${role}: ${message}`).join('\n'))
  }
  const running: Partial<Record<Role, Libp2p<ServiceMap>>> = {}
  const metrics = config.http === undefined ? undefined : new ServerMetrics()
  let http: OperatorPort | undefined
  try {
    // ROLES has the order: an issue server has to know where the others are.
    for (const role of roles) {
      signal?.throwIfAborted()
      running[role] = await start(role, config, { running, log, metrics })
    }
    signal?.throwIfAborted()
    // Last: what it tells of is there then.
    if (metrics !== undefined) http = await openHttp(config, { running, metrics })
  } catch (error) {
    await stopAll(running, STOP_TIMEOUT_MS).catch((stopError: Error) => {
      log.error({ event: 'stop:failed' }, stopError.message)
    })
    throw error
  }
  const addresses = addressesOf(running)
  return {
    nodes: running,
    addresses:
      http === undefined
        ? addresses
        : { ...addresses, http: { address: http.address, port: http.port } },
    async stop({ timeoutMs = STOP_TIMEOUT_MS } = {}) {
      await http?.close()
      await stopAll(running, timeoutMs)
    },
  }
}

interface StartContext {
  readonly running: Running
  readonly log: Log
  readonly metrics: ServerMetrics | undefined
}

async function start(
  role: Role,
  config: Config,
  { running, log, metrics }: StartContext,
): Promise<Libp2p<ServiceMap>> {
  const service = roleService(role, config, { running, onAcmeRequest: metrics?.onAcmeRequest })
  const roleLog = log.child({ role })
  try {
    const node = await createNode(needed(config[role]), {
      log: roleLog,
      metrics: metrics?.ofNode(role),
      services: {
        // Proof servers meet every client once: announcements are not their business.
        ...(role === 'proof' ? {} : { pubsub: announcementRelay() }),
        [role]: watched(service, (made) => {
          logEvents(made, roleLog)
          metrics?.watch(role, made, () => readStore(config))
        }),
      },
    })
    await startNode(node)
    relayAnnouncements(node)
    return node
  } catch (cause) {
    roleLog.debug({ err: cause }, 'start failed')
    throw new SetupError(`${role}: ${withoutStack(cause)}`, { cause })
  }
}

async function openHttp(
  config: Config,
  servers: { readonly running: Running; readonly metrics: ServerMetrics },
): Promise<OperatorPort> {
  try {
    return await openOperatorPort(config, servers)
  } catch (cause) {
    throw new SetupError(`http: ${withoutStack(cause)}`, { cause })
  }
}

function addressesOf(running: Running): ServerAddresses {
  const entries = ROLES.flatMap((role) => {
    const node = running[role]
    return node === undefined ? [] : [[role, node.getMultiaddrs().map(String)] as const]
  })
  return { libp2p: Object.fromEntries(entries), dns: dnsOf(running.dns) }
}

/** The issue server first: it still has challenges to remove from the DNS servers. */
async function stopAll(running: Running, timeoutMs: number): Promise<void> {
  const stopping = new Set(ROLES.filter((role) => running[role] !== undefined))
  const failures: string[] = []
  const stop = async (role: Role): Promise<void> => {
    try {
      await running[role]?.stop()
    } catch (error) {
      // The others must be stopped all the same.
      failures.push(`${role} did not stop: ${withoutStack(error)}`)
    }
    stopping.delete(role)
  }
  const late = Promise.withResolvers<void>()
  const timer = setTimeout(() => {
    failures.push(`${[...stopping].join(', ')} did not stop within ${timeoutMs} ms`)
    late.resolve()
  }, timeoutMs)
  const all = stop('issue').then(() => Promise.all([stop('dns'), stop('proof')]))
  await Promise.race([late.promise, all])
  clearTimeout(timer)
  if (failures.length > 0) throw new StopError(failures.join('; '))
}

/** libp2p puts stacks into messages. */
export function withoutStack(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^\s*at /.test(line))
    .join('\n')
}

/**
 * Starts a node, or leaves nothing of it. libp2p starts all services of a node at once and, when one fails, stops
 * all at once: the stop of one that is still starting does nothing. So those are waited for and stopped again.
 */
async function startNode(node: Libp2p<ServiceMap>): Promise<void> {
  const services = Object.values(node.services).filter(isStartable)
  const starts: Promise<void>[] = []
  for (const service of services) {
    const begin = service.start.bind(service)
    service.start = () => {
      const started = Promise.try(begin)
      starts.push(started)
      return started
    }
  }
  try {
    await node.start()
  } catch (error) {
    await Promise.allSettled(starts)
    for (const service of services) await service.stop()
    throw error
  }
}

/** What a libp2p node needs of its configuration. */
interface NodeConfig {
  readonly identityFile: PrivateKey
  readonly listen: readonly Multiaddr[]
  /** Told to others in place of what is listened on. */
  readonly announce?: readonly Multiaddr[]
}

const CONNECTIONS_MAX = 4_000
/** So many are kept free for newcomers. */
const CONNECTIONS_FREE = 100
/** Connections that one address may open a second: peers behind one NAT share theirs. */
const CONNECTIONS_PER_SECOND_MAX = 50
/** A connection has so long to say who it is, in ms. */
const HANDSHAKE_TIMEOUT_MS = 5_000
/** Connections that have not said who they are: far more than one address can have open in that time. */
const CONNECTIONS_PENDING_MAX = 2_000
/** An announcement that no receiver believes is not passed on either (NT-DISC-008). */
const ANNOUNCEMENT_LENGTH_MAX = 4 * 1024
const PUBSUB_FRAME_LENGTH_MAX = 256 * 1024
/** More that speak gossipsub at one address at a time are taken for one that pretends to be many. */
const PUBSUB_PEERS_PER_ADDRESS_MAX = 64
const PUBSUB_SCORE_RETAINED_MS = 10_000
const TOPICS = [DISCOVERY_TOPIC, DISCOVERY_TOPIC_SPECIFICATION]

/**
 * A libp2p node over TCP and WebSockets, not started yet. It relays no connections: what comes in comes from the address that it says (NT-PROOF-007).
 */
async function createNode(
  config: NodeConfig,
  {
    log,
    metrics,
    services,
  }: {
    readonly log: Log
    readonly metrics: (() => Metrics) | undefined
    readonly services: Record<string, ServiceFactory>
  },
): Promise<Libp2p<ServiceMap>> {
  return createLibp2p<ServiceMap>({
    start: false,
    privateKey: config.identityFile,
    addresses: {
      listen: config.listen.map(String),
      ...(config.announce === undefined ? {} : { announce: config.announce.map(String) }),
    },
    transports: [tcp(), webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: {
      maxConnections: CONNECTIONS_MAX,
      inboundConnectionThreshold: CONNECTIONS_PER_SECOND_MAX,
      maxIncomingPendingConnections: CONNECTIONS_PENDING_MAX,
      inboundUpgradeTimeout: HANDSHAKE_TIMEOUT_MS,
    },
    logger: componentLogger(log),
    ...(metrics === undefined ? {} : { metrics }),
    services: {
      identify: identify(),
      ping: ping(),
      silence: silenceGuard,
      listening: listeningAddresses,
      room: connectionRoom({
        pending: CONNECTIONS_PENDING_MAX / 2,
        connections: CONNECTIONS_MAX - CONNECTIONS_FREE,
        handshakeTimeoutMs: HANDSHAKE_TIMEOUT_MS,
      }),
      ...services,
    },
  })
}

/**
 * A service that has a server say where it listens. libp2p hides public addresses until others have dialled them back
 * (AutoNAT), which nobody is asked for here: without this a machine with a public address would have none to name to
 * clients, unless `announce` says it.
 */
function listeningAddresses({
  addressManager,
  events,
}: {
  addressManager: AddressManager
  events: TypedEventTarget<Libp2pEvents>
}): object {
  events.addEventListener('transport:listening', ({ detail: listener }) => {
    for (const address of listener.getAddrs()) {
      addressManager.confirmObservedAddr(address, { type: 'transport', ttl: Infinity })
    }
  })
  return {}
}

/** A service that keeps connections which never say anything from piling up at WebSocket listeners. */
function silenceGuard({ transportManager }: { transportManager: TransportManager }): Startable {
  const silent = new SilentSockets()
  return {
    start: () => {},
    afterStart() {
      for (const listener of transportManager.getListeners()) silent.watch(listener)
    },
    beforeStop: () => silent.cut(),
    stop: () => {},
  }
}

function watched(factory: ServiceFactory, watch: (service: object) => void): ServiceFactory {
  return (components) => {
    const service = factory(components)
    watch(service)
    return service
  }
}

/** Pubsub for a node at which a zone's clients meet: announcements pass through it (NT-DISC-009). */
function announcementRelay(): ServiceFactory {
  return gossipsub({
    // Nobody needs us for other topics.
    allowedTopics: TOPICS,
    maxInboundDataLength: PUBSUB_FRAME_LENGTH_MAX,
    // Ten is the default, and who was here within the last hour counts: the clients behind one NAT that come and go would
    // soon hear nothing, all of them. Topics are not scored here, so there is no other score to be kept.
    scoreParams: {
      IPColocationFactorThreshold: PUBSUB_PEERS_PER_ADDRESS_MAX,
      retainScore: PUBSUB_SCORE_RETAINED_MS,
    },
  })
}

/** Subscribes a started {@link announcementRelay} to both spellings of the topic; does nothing to other nodes. */
function relayAnnouncements(node: Libp2p<ServiceMap>): void {
  const pubsub = node.services['pubsub'] as GossipSub | undefined
  for (const topic of TOPICS) {
    pubsub?.topicValidators.set(topic, (_, { data }) =>
      data.length <= ANNOUNCEMENT_LENGTH_MAX
        ? TopicValidatorResult.Accept
        : TopicValidatorResult.Reject,
    )
    pubsub?.subscribe(topic)
  }
}
