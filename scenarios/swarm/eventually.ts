import { wire } from '../../impl/index.ts'
import { announcementProblem } from '../engine/invariants.ts'
import type { World } from '../engine/world.ts'

/** What must come true when everything has healed, and whom it is about. */
export interface Eventually {
  readonly name: string
  /** Undefined when it holds. */
  readonly problem: (world: World) => Promise<Complaint | undefined> | Complaint | undefined
  /** From when those before it hold; undefined for as long as all of them have. */
  readonly withinMs?: (world: World) => number | undefined
}

export interface Complaint {
  readonly problem: string
  readonly hosts: readonly string[]
}

/** In the order in which they come true. */
export const EVENTUALLY: readonly Eventually[] = [
  { name: 'every host runs', problem: hostDown },
  { name: 'every client has a certificate for its id and its addresses', problem: uncertified },
  { name: 'every client with a certificate is heard announcing it', problem: unheard },
  {
    name: 'every announced address answers TLS with a certificate for its name',
    async problem(world) {
      for (const { name } of world.clients) {
        const problem = await announcementProblem(
          world,
          (of) => of.host === name && !isLie(world, of.name),
        )
        if (problem !== undefined) return { problem, hosts: [name] }
      }
      return undefined
    },
  },
  { name: 'nobody is left waiting on a stream or a connection', problem: leftOpen },
  { name: 'no DNS server has a challenge left', problem: challengeLeft, withinMs: removalMs },
  { name: 'every certificate of minutes is renewed in time', problem: unrenewed },
]

function hostDown(world: World): Complaint | undefined {
  const down = world.hosts.find(({ running }) => !running)
  return down === undefined ? undefined : { problem: `${down.name} is down`, hosts: [down.name] }
}

function uncertified(world: World): Complaint | undefined {
  for (const host of world.clients) {
    const complain = (problem: string): Complaint => ({ problem, hosts: [host.name] })
    const certificate = host.node.services.nodetrust?.certificate
    if (certificate === undefined) {
      const last = world.trace.entries.findLast(
        (entry) => entry.host === host.name && entry.event === 'certificate:failed',
      )
      const reason = last?.detail['reason']
      return complain(
        `${host.name} has none: ${typeof reason === 'string' ? reason : 'it is asking'}`,
      )
    }
    // Whoever was lied to by a server that it trusts learns the truth when it renews, or somebody tells it.
    const addresses = wasLiedTo(world, host.peerId) ? [] : Object.values(host.place.addresses)
    const wanted = [
      wire.id0Name(world.peerIdBytes(host.peerId), world.zone),
      ...addresses.map((address) => wire.addressName(address, world.zone)),
    ]
    const missing = wanted.find((name) => !certificate.names.includes(name))
    if (missing !== undefined) return complain(`that of ${host.name} is not for ${missing}`)
  }
  return undefined
}

/** What lives longer is renewed long after the world has ended. */
const LIFETIME_MS_SHORT = 10 * 60_000

function unrenewed({ clients, trace, driver: { simulated } }: World): Complaint | undefined {
  const healed = trace.entries.findLastIndex(
    ({ event, detail }) => event === 'phase' && detail['name'] === 'liveness',
  )
  if (healed === -1 || simulated === undefined) return undefined
  const renewed = trace.entries.slice(healed).filter(({ event }) => event === 'certificate:renewed')
  for (const { name, node } of clients) {
    const { notBefore = 0, notAfter = 0 } = node.services.nodetrust?.certificate ?? {}
    const lifetimeMs = notAfter - notBefore
    if (lifetimeMs > LIFETIME_MS_SHORT) continue
    const isInTime = renewed.some(
      ({ host, atMs, detail }) =>
        host === name &&
        Number(detail['notAfter']) - simulated.clock.epochMs - atMs > lifetimeMs / 2,
    )
    if (!isInTime) return { problem: `${name} has not renewed its certificate`, hosts: [name] }
  }
  return undefined
}

function unheard(world: World): Complaint | undefined {
  const silent = world.clients.find(
    (client) =>
      client.announces &&
      !world.announcements.some(({ host }) => host === client.name) &&
      !hasNothingToSay(world, client),
  )
  return silent === undefined
    ? undefined
    : { problem: `nobody has heard of ${silent.name}`, hosts: [silent.name] }
}

/** Who was told of an address of a family that it does not have listens nowhere under that name. */
function hasNothingToSay(world: World, { peerId, node }: World['clients'][number]): boolean {
  return wasLiedTo(world, peerId) && node.services.nodetrust?.addresses.length === 0
}

function wasLiedTo({ trace }: World, peerId: string): boolean {
  return trace
    .of('proof:signed')
    .some(({ detail }) => detail['lie'] === true && detail['peer'] === peerId)
}

/** A trusted proof server has said so: a client has no way to know better. */
function isLie(world: World, name: string): boolean {
  return world.trace
    .of('proof:signed')
    .some(
      ({ detail }) =>
        detail['lie'] === true &&
        (detail['addresses'] as string[]).some((ip) => wire.addressName(ip, world.zone) === name),
    )
}

/** What ends with its answer: a request that goes on now is over in the next moment. */
const ANSWERED_PROTOCOLS: readonly string[] = [
  wire.PROOF_PROTOCOL,
  wire.ISSUE_INFO_PROTOCOL,
  wire.ISSUE_PROTOCOL,
]

function leftOpen(world: World): Complaint | undefined {
  const clients = new Set(world.clients.map(({ peerId }) => peerId))
  for (const { name, node, plan } of [...world.hostsOf('proof'), ...world.hostsOf('issue')]) {
    for (const { streams, remotePeer } of node.getConnections()) {
      const peer = remotePeer.toString()
      const stream = streams.find(({ protocol }) => ANSWERED_PROTOCOLS.includes(protocol))
      const complain = (what: string): Complaint => {
        const other = world.hostOfPeer(peer)
        return { problem: `${name} still has ${what} of ${other}`, hosts: [name, other] }
      }
      if (stream !== undefined) return complain(`a stream for ${stream.protocol}`)
      // A server of two families is asked over connections made for it; of others, clients keep the one that they have.
      const { families = [4] } = plan
      if (plan.role === 'proof' && families.length > 1 && clients.has(peer)) {
        return complain('a connection')
      }
    }
  }
  return undefined
}

/** A server that was away learns within seconds what it missed. */
const REMOVAL_MS_MAX = 45_000

/** What no issue server remembers, as what one gone bad has scribbled, lives for its time. */
function removalMs(world: World): number | undefined {
  const writers = new Set(world.hostsOf('issue').map(({ name }) => name))
  const isForgotten = world.trace.entries.some(
    ({ host, event, detail }) =>
      event === 'fault:scribble' ||
      (event === 'fault:crash' && detail['disk'] !== 'kept' && writers.has(host)),
  )
  return isForgotten ? undefined : REMOVAL_MS_MAX
}

async function challengeLeft(world: World): Promise<Complaint | undefined> {
  const names = new Set(world.trace.of('challenge:set').map(({ detail }) => String(detail['name'])))
  for (const { name: host } of world.hostsOf('dns')) {
    for (const name of names) {
      const left = await world.challengesOn(host, name)
      if (left.length > 0) {
        return {
          problem: `${host} still answers ${left.length} challenges for ${name}`,
          hosts: [host],
        }
      }
    }
  }
  return undefined
}
