import { identify } from '@libp2p/identify'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { ping } from '@libp2p/ping'
import {
  dnsServer,
  issueServer,
  nodetrust,
  proofServer,
  ROLE_EVENTS,
  wire,
} from '../../impl/index.ts'
import type { Disk } from './disk.ts'
import type { Place } from './drivers/driver.ts'
import type { WorldFacts } from './hosts.ts'
import type { HostPlan } from './scenario.ts'
import { gossip } from './upkeep.ts'

/** Where a DNS server's own sockets are. */
export interface SocketAddress {
  readonly address: string
  readonly port: number
}

/** What the services of a host are to know of it. */
export interface HostServicesInit {
  readonly plan: HostPlan
  readonly place: Place
  readonly facts: WorldFacts
  readonly disk: Disk
  /** Where a DNS server's sockets were before. @default the addresses of its place, with ports that are free */
  readonly dnsSockets: readonly SocketAddress[] | undefined
  /** Peers on the operator's deny list. */
  readonly denied: readonly string[]
  /** Aborted when the process ends: its events are heard no more. */
  readonly life: AbortSignal
}

/** A tenth of the usual: a mesh that forms late misses the first announcement, and a run waits for the second. */
const ANNOUNCE_INTERVAL_MS_MIN = 1_000
/** One process checks every announcement for every client: this leaves it four fifths of its time for other things. */
const ANNOUNCE_INTERVAL_MS_PER_PAIR = 2
/** What one process does for all hosts, each of them has to wait for. */
const TIMEOUT_MS_PER_CLIENT = 500

/** What a host's node runs besides connections, by the host's role. */
export function hostServices(
  init: HostServicesInit,
): Record<string, (components: never) => unknown> {
  const { plan, place, facts, disk } = init
  const { zone, hostsOf, ca, upkeep } = facts
  const requestTimeoutMs = timeoutMs(wire.REQUEST_TIMEOUT_MS, facts)
  const pubsub = gossip(upkeep, { allowPublishToZeroTopicPeers: true })
  switch (plan.role) {
    case 'proof':
      return {
        identify: identify(),
        proof: watched(
          init,
          proofServer({
            rateLimit: { burst: 10_000, intervalMs: 1 },
            requestTimeoutMs,
          }),
        ),
      }
    case 'dns':
      return {
        identify: identify(),
        pubsub,
        dns: watched(
          init,
          dnsServer({
            zone,
            listen: init.dnsSockets ?? socketAddresses(place),
            nameServers: hostsOf('dns').map((host, index) => ({
              name: `ns${index + 1}.${zone}`,
              addresses: Object.values(host.place.addresses),
            })),
            writers: hostsOf('issue').map((host) => host.peerId),
            requestTimeoutMs,
          }),
        ),
      }
    case 'issue':
      return {
        identify: identify(),
        pubsub,
        issue: watched(
          init,
          issueServer({
            zone,
            proofServers: hostsOf('proof').map((host) => ({
              id: peerIdFromPrivateKey(host.privateKey),
              addresses: host.multiaddrs,
              display: host.name,
            })),
            proofKeys: hostsOf('proof').map((host) => host.privateKey.publicKey),
            dnsServers: hostsOf('dns').flatMap((host) =>
              host.dnsSockets.slice(0, 1).map((query) => ({ addresses: host.multiaddrs, query })),
            ),
            acme: ca(plan.name),
            storePath: disk.storePath,
            // The addresses of a test network are private or for documentation.
            allowPrivateAddresses: true,
            // All clients of a world can share one address.
            rateLimit: { burst: 10_000, intervalMs: 1 },
            requestTimeoutMs,
            ...denyList(init),
            ...plan.options,
          }),
        ),
      }
    case 'client':
      return {
        identify: identify(),
        ping: ping(),
        pubsub,
        nodetrust: watched(
          init,
          nodetrust({
            issueServers: hostsOf('issue').flatMap((host) => host.multiaddrs),
            autoStart: false,
            announceIntervalMs: announceIntervalMs(facts),
            requestTimeoutMs,
            allowPrivateAddresses: true,
            ...plan.options,
          }),
        ),
      }
    case 'attacker':
      return { identify: identify() }
  }
}

function denyList({ plan, disk, denied }: HostServicesInit): { readonly denyListFile?: string } {
  if (plan.role !== 'issue' || plan.deniesPeers !== true) return {}
  disk.writeDenyList(denied)
  return { denyListFile: disk.denyListPath }
}

/** A time that would do for a host with a process of its own, for one that shares it. */
export function timeoutMs(usualMs: number, { hostsOf }: WorldFacts): number {
  return Math.max(usualMs, hostsOf('client').length * TIMEOUT_MS_PER_CLIENT)
}

function announceIntervalMs({ hostsOf }: WorldFacts): number {
  const clients = hostsOf('client')
  const pairs = clients.filter(({ announces }) => announces).length * clients.length
  return Math.max(ANNOUNCE_INTERVAL_MS_MIN, pairs * ANNOUNCE_INTERVAL_MS_PER_PAIR)
}

function socketAddresses({ socketAddresses: addresses }: Place): SocketAddress[] {
  return Object.values(addresses).map((address) => ({ address, port: 0 }))
}

/** Writes every event of a service into the trace. */
function watched<Components, Service extends object>(
  { plan, facts, life }: HostServicesInit,
  factory: (components: Components) => Service,
): (components: Components) => Service {
  return (components) => {
    const service = factory(components)
    for (const event of Object.keys(ROLE_EVENTS)) {
      ;(service as unknown as EventTarget).addEventListener(event, (emitted) => {
        if (life.aborted) return
        facts.trace.record(plan.name, event, (emitted as CustomEvent).detail ?? {})
      })
    }
    return service
  }
}
