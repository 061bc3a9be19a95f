import { connect } from 'node:tls'
import { wire } from '../../impl/index.ts'
import { certificateNames } from './certificates.ts'
import type { Announcement } from './observer.ts'
import type { TraceEntry } from './trace.ts'
import type { World } from './world.ts'

/** What every world must keep, whatever the scenario does to it. */
export interface Invariant {
  readonly name: string
  /** Judged after each of the events `after`, which alone can break it, and once more at the end. */
  readonly always?: (world: World) => true | string
  readonly after?: readonly string[]
  /** Looks at the world because of what has just happened; `undefined` when that is nothing to look at. */
  readonly onEvent?: (world: World, entry: TraceEntry) => Promise<true | string> | undefined
  /** Judged once, when the story has ended and the world still stands. */
  readonly atEnd?: (world: World) => Promise<true | string>
}

export const invariants: readonly Invariant[] = [
  {
    name: 'no certificate names an address that was not proven to its peer',
    always: certificatesAreProven,
    after: ['certificate:issued', 'certificate:obtained', 'certificate:renewed'],
  },
  {
    name: 'every announced address answers TLS with a certificate for its name',
    onEvent: (world, { event, detail }) =>
      event === 'peer:heard' ? announcementsAnswer(world, String(detail['address'])) : undefined,
    atEnd: announcementsAnswer,
  },
  {
    name: 'a client without a proof got an error and sent nothing',
    always: unprovenClientsSentNothing,
    after: ['request:received', 'certificate:obtained'],
  },
  {
    name: 'who is told to announce nothing announces nothing',
    always: silentClientsAreSilent,
    after: ['peer:heard'],
  },
]

/** Longest wait for one TLS handshake. */
const HANDSHAKE_TIMEOUT_MS = 5_000

function certificatesAreProven(world: World): true | string {
  const proven = new Map<string, Set<string>>()
  for (const { event, detail } of world.trace.entries) {
    const peer = String(detail['peer'])
    if (event === 'proof:signed') {
      const names = proven.get(peer) ?? new Set([wire.id0Name(world.peerIdBytes(peer), world.zone)])
      for (const address of detail['addresses'] as string[])
        names.add(wire.addressName(address, world.zone))
      proven.set(peer, names)
    }
    if (event !== 'certificate:issued') continue
    for (const name of detail['names'] as string[]) {
      if (proven.get(peer)?.has(name) !== true) {
        return `${world.hostOfPeer(peer)} got a certificate for ${name}, which no proof server had proven`
      }
    }
  }
  // The issue server's word is not enough: the certificates themselves are looked at too.
  for (const { host, certificate } of world.certificates) {
    const names = proven.get(world.host(host).peerId) ?? new Set()
    const stray = certificateNames(certificate).find((name) => !names.has(name))
    if (stray !== undefined)
      return `the certificate of ${host} names ${stray}, which was not proven`
  }
  return true
}

function unprovenClientsSentNothing(world: World): true | string {
  const proven = new Set(world.trace.of('proof:received').map(({ host }) => host))
  for (const { name, peerId } of world.clients) {
    if (proven.has(name)) continue
    if (world.trace.of('request:received').some(({ detail }) => detail['peer'] === peerId)) {
      return `${name} had no proof and sent a request all the same`
    }
    if (world.certificates.some(({ host }) => host === name)) {
      return `${name} had no proof and was told of a certificate`
    }
  }
  return true
}

/** Operators say so of clients that nobody can reach. */
function silentClientsAreSilent({ clients, announcements }: World): true | string {
  const silent = new Set(clients.filter(({ announces }) => !announces).map(({ name }) => name))
  const loud = announcements.find(({ host }) => silent.has(host))
  return loud === undefined || `${loud.host} announces ${loud.address}`
}

/** Judges one announced address, or all. */
async function announcementsAnswer(world: World, only?: string): Promise<true | string> {
  return (
    (await announcementProblem(
      world,
      ({ address }) => only === undefined || address === only,
      only !== undefined,
    )) ?? true
  )
}

/**
 * What is wrong with the announced addresses that are `judged`; undefined when nothing is.
 *
 * @param excuses whether a host that has just moved may be found where it was
 */
export async function announcementProblem(
  world: World,
  judged: (announcement: Announcement) => boolean,
  excuses = false,
): Promise<string | undefined> {
  const roots = await world.rootCertificates()
  const wrong = await Promise.all(
    world.announcements.filter(judged).map(async ({ host, name, port }) => {
      const moved = hasJustMoved(world, host)
      const [address, ...more] = await world.resolve(name)
      if (address === undefined || more.length > 0) {
        return `${name} of ${host} resolves to ${[address, ...more].join(', ') || 'nothing'}`
      }
      const { problem } = await tlsAnswer({
        host: world.driver.socketAddress(address),
        port,
        servername: name,
        roots,
      })
      // What it says then is judged at the end.
      const excused = excuses && (moved || hasJustMoved(world, host))
      return problem === undefined || excused ? undefined : `${name}:${port} of ${host}: ${problem}`
    }),
  )
  return wrong.find((problem) => problem !== undefined)
}

/** A host that has moved cannot know before others tell it: until it has another certificate it names where it was. */
function hasJustMoved({ trace }: World, host: string): boolean {
  const last = trace.entries.findLast(
    (entry) =>
      entry.host === host &&
      (entry.event === 'host:moved' || entry.event === 'certificate:renewed'),
  )
  return last?.event === 'host:moved'
}

/** What a TLS server shows, as a browser sees it. */
export interface TlsAnswer {
  /** Of its certificate; lower case hex. Undefined where there was no handshake. */
  readonly serial: string | undefined
  /** Undefined when nothing is wrong. */
  readonly problem: string | undefined
}

/** Looks at the TLS server at a socket, over a new connection. */
export async function tlsAnswer(target: {
  readonly host: string
  readonly port: number
  readonly servername: string
  readonly roots: string
}): Promise<TlsAnswer> {
  const { promise, resolve } = Promise.withResolvers<TlsAnswer>()
  const fail = (problem: string): void => resolve({ serial: undefined, problem })
  const socket = connect({
    host: target.host,
    port: target.port,
    servername: target.servername,
    ca: target.roots,
    timeout: HANDSHAKE_TIMEOUT_MS,
  })
  socket.on('secureConnect', () => {
    const certificate = socket.getPeerX509Certificate()
    const fits = certificate?.checkHost(target.servername) !== undefined
    resolve({
      serial: certificate?.serialNumber.toLowerCase(),
      problem: fits ? undefined : 'no certificate for that name',
    })
  })
  socket.on('error', (error) => fail(error.message))
  socket.on('timeout', () => fail(`no TLS handshake within ${HANDSHAKE_TIMEOUT_MS} ms`))
  try {
    return await promise
  } finally {
    socket.destroy()
  }
}
