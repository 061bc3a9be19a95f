import { wire } from '../../impl/index.ts'
import type { CaResource } from './ca/index.ts'
import type { Expectation } from './scenario.ts'
import type { TraceEntry } from './trace.ts'
import type { World } from './world.ts'

/** Every client of the world has a certificate for its id0 name and each of its addresses, and nothing else. */
export const everyClientHasItsCertificate: Expectation = {
  name: 'every client has a certificate for its id and its addresses',
  holds(world) {
    for (const { name } of world.clients) {
      const certificate = world.certificates.findLast(({ host }) => host === name)?.certificate
      const failure = world.failures.findLast(({ host }) => host === name)?.error
      if (certificate === undefined)
        return `${name} has none: ${failure?.message ?? 'it never asked'}`
      const wanted = namesOf(world, name)
      const got = world.namesOf(certificate)
      if (wanted.toSorted().join() !== got.toSorted().join()) {
        return `the certificate of ${name} is for ${got.join(', ')}; wanted ${wanted.join(', ')}`
      }
    }
    return true
  },
}

/** Every client's announcement was heard by an observer of the network. */
export const everyClientIsAnnounced: Expectation = {
  name: 'every client with a certificate is announced',
  holds(world) {
    const silent = world.certificates.find(
      ({ host }) =>
        world.host(host).announces &&
        !world.announcements.some((announcement) => announcement.host === host),
    )
    return silent === undefined || `nobody heard of ${silent.host}`
  },
}

/** Nobody got a certificate. */
export const nobodyHasACertificate: Expectation = {
  name: 'no certificate was issued',
  holds: (world) =>
    world.certificates.length === 0 && world.trace.of('certificate:issued').length === 0
      ? true
      : `${world.certificates.map(({ host }) => host).join(', ')} got one`,
}

/** Every answer that an attacker got carried this error. */
export function attackerIsRefused(error: number): Expectation {
  return {
    name: `the attacker is refused with error ${error}`,
    holds(world) {
      const answers = world.trace.of('answer:received').map(({ detail }) => detail['error'])
      if (answers.length === 0) return 'it got no answer'
      if (world.trace.of('answer:received').some(({ detail }) => detail['secret'] === true)) {
        return 'it got a key'
      }
      return answers.every((answer) => answer === error) || `it got ${answers.join(', ')}`
    },
  }
}

/** The CA made as many orders as it issued certificates: none was lost and made once more. */
export const oneOrderForEachCertificate: Expectation = {
  name: 'the CA saw one order for each certificate',
  holds(world) {
    // A CA that is not ours to start does not let us count.
    if (!world.caIsProxied) return true
    const made = requestsToCa(world, 'newOrder').filter(({ status }) => status === 201).length
    const serials = new Set(
      world.trace.of('certificate:issued').map(({ detail }) => detail['serial']),
    )
    // One that the CA has found invalid is not lost: what takes its place is another.
    const invalid = world.trace
      .of('order:failed')
      .filter(({ detail }) => /^order ".*" is invalid: /.test(String(detail['reason']))).length
    return made === serials.size + invalid || `${made} orders for ${serials.size} certificates`
  },
}

/** What the CA was asked, in order; `status` is 0 for a request whose answer was lost. */
export function requestsToCa(
  world: World,
  resource: CaResource,
): (TraceEntry & { readonly status: number })[] {
  return world.trace
    .of('ca:request')
    .filter(({ detail }) => detail['resource'] === resource)
    .map((entry) => ({ ...entry, status: Number(entry.detail['status']) }))
}

function namesOf(world: World, client: string): string[] {
  const host = world.host(client)
  return [
    wire.id0Name(world.peerIdBytes(host.peerId), world.zone),
    ...Object.values(host.place.addresses).map((address) => wire.addressName(address, world.zone)),
  ]
}
