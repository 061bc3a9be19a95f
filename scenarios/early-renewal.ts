import {
  everyClientHasItsCertificate,
  everyClientIsAnnounced,
  oneOrderForEachCertificate,
  requestsToCa,
} from './engine/expectations.ts'
import { hosts, type Scenario } from './engine/scenario.ts'
import { lookAt, seenAt, socketOf } from './engine/sockets.ts'
import type { World } from './engine/world.ts'

/** Two thirds of it are far beyond the end of the story. */
const VALIDITY_SECONDS = 120
/** When the CA wants renewals at first: later than anybody would by himself. */
const USUAL = { startMs: 96_000, endMs: 100_000 }
/** Certificates of 120 s may not be renewed before they are 12 s old, whatever the CA wants. */
const AGE_MS_MIN = VALIDITY_SECONDS * 100
/** One with a key of its own, and one as of 2018, whose key the issue server has: it could be given the old one. */
const CLIENTS = ['client1', 'client2'] as const

/** The CA must revoke, and says so in its renewal information (RFC 9773). */
export const earlyRenewal: Scenario = {
  name: 'early-renewal',
  title:
    'the CA wants its certificates back long before their time; the clients hear of it and renew, and the CA is told what is replaced',
  proves: ['NT-CLIENT-012', 'NT-ISSUE-030'],
  clientsDefault: CLIENTS.length,
  clientsMin: CLIENTS.length,
  clientsMax: CLIENTS.length,
  deadlineMs: 90_000,
  world: (client) => ({
    hosts: hosts({ proof: 1, dns: 1, issue: 1, client }).map((host) =>
      host.role === 'client'
        ? { ...host, options: { autoStart: true, csr: host.name === CLIENTS[0] } }
        : host,
    ),
    certificateValiditySeconds: VALIDITY_SECONDS,
    renewalInfo: { ...USUAL, retryAfterSeconds: 1 },
  }),
  async run(world) {
    await all(world, 'certificate:obtained')
    await world.announced()
    const sockets = CLIENTS.map((client) => [client, socketOf(world, client)] as const)
    for (const [client, socket] of sockets) await lookAt(world, client, socket)
    await all(world, 'renewal:advised')
    world.suggestRenewal({ startMs: 0, endMs: 1_000 })
    await all(world, 'certificate:renewed')
    for (const [client, socket] of sockets) await lookAt(world, client, socket)
  },
  expectations: [
    {
      name: 'nobody renewed before the CA wanted it, and then everybody did',
      holds(world) {
        const [wanted] = world.trace.of('ca:renewal-wanted')
        const renewed = world.trace.of('certificate:renewed')
        if (wanted === undefined) return 'the CA never wanted it'
        if (renewed.some(({ atMs }) => atMs < wanted.atMs)) return 'somebody did before'
        return renewed.length === CLIENTS.length || `${renewed.length} renewals`
      },
    },
    {
      name: 'no certificate was renewed younger than a tenth of its lifetime',
      holds(world) {
        const ages = CLIENTS.map((client) => {
          const [first, second] = ['certificate:obtained', 'certificate:renewed'].map((event) =>
            world.trace.of(event).find(({ host }) => host === client),
          )
          return (second?.atMs ?? 0) - (first?.atMs ?? 0)
        })
        // A certificate begins at a whole second, up to one before it is obtained.
        return ages.every((ageMs) => ageMs > AGE_MS_MIN - 2_000) || `they were ${ages.join()} ms`
      },
    },
    {
      name: 'a new handshake sees the new certificate, and the old one is gone',
      holds(world) {
        for (const client of CLIENTS) {
          const [before, after] = seenAt(world, client)
          const problem = before?.problem ?? after?.problem
          if (problem !== undefined) return `${client}: ${problem}`
          if (after?.serial === before?.serial) return `${client} still serves ${before?.serial}`
        }
        return true
      },
    },
    {
      name: 'each order of a renewal told the CA which certificate it replaces',
      holds(world) {
        const replaced = requestsToCa(world, 'newOrder').flatMap(({ detail, status }) =>
          typeof detail['replaces'] === 'string' && status === 201
            ? [serialIn(detail['replaces'])]
            : [],
        )
        const old = CLIENTS.map((client) => seenAt(world, client)[0]?.serial ?? '')
        return (
          replaced.toSorted().join() === old.toSorted().join() ||
          `replaced were ${replaced.join() || 'none'}, wanted ${old.join()}`
        )
      },
    },
    oneOrderForEachCertificate,
    everyClientHasItsCertificate,
    everyClientIsAnnounced,
  ],
}

/** Waits until an event has happened at every client. */
async function all(world: World, event: string): Promise<void> {
  for (const client of CLIENTS) {
    await world.trace.waitFor(
      (entry) => entry.host === client && entry.event === event,
      world.signal,
    )
  }
}

/** The serial number in a certificate id of RFC 9773 section 4.1, lower case hex. */
function serialIn(certificateId: string): string {
  const serial = Buffer.from(certificateId.split('.')[1] ?? '', 'base64url').toString('hex')
  // DER puts a zero byte before a first bit that is set.
  return serial.replace(/^00/, '')
}
