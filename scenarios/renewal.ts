import { everyClientHasItsCertificate, everyClientIsAnnounced } from './engine/expectations.ts'
import { hosts, type Scenario } from './engine/scenario.ts'
import { lookAt, seenAt, socketOf } from './engine/sockets.ts'
import { visit } from './engine/visitor.ts'
import type { World } from './engine/world.ts'

const VALIDITY_SECONDS = 40
/** This one does not renew: it is told to do nothing by itself. */
const LAPSING = 'client2'
const RENEWING = 'client1'
/** After the end of a certificate: its client's alarm, and a round through the observer. */
const LAPSED_MS = 1_000

/** Certificates of 40 seconds. What counts is what stands on the socket. */
export const renewal: Scenario = {
  name: 'renewal',
  title:
    'a certificate is renewed under a connection that stays open; one that nobody renews is served and announced no more',
  proves: ['NT-CLIENT-012', 'NT-CLIENT-010', 'NT-DISC-006', 'NT-ISSUE-030'],
  clientsDefault: 2,
  clientsMin: 2,
  deadlineMs: 90_000,
  world: (client) => ({
    hosts: hosts({ proof: 1, dns: 1, issue: 1, client }).map((host) =>
      host.role === 'client' ? { ...host, options: { autoStart: host.name !== LAPSING } } : host,
    ),
    certificateValiditySeconds: VALIDITY_SECONDS,
  }),
  async run(world) {
    const lapses = world.obtain(LAPSING)
    await happens(world, RENEWING, 'certificate:obtained')
    const { certificate: lapsing } = await lapses
    await world.announced()
    // A client whose certificate has lapsed announces none any more.
    const [renewing, lapsed] = [socketOf(world, RENEWING), socketOf(world, LAPSING)]
    await using visitor = await visit(world, RENEWING)
    world.trace.record(RENEWING, 'visitor:connected', { serial: visitor.serial })
    world.trace.record(RENEWING, 'visitor:asked', { problem: await visitor.problem() })
    await lookAt(world, RENEWING, renewing)
    await lookAt(world, LAPSING, lapsed)

    await happens(world, RENEWING, 'certificate:renewed')
    await lookAt(world, RENEWING, renewing)
    world.trace.record(RENEWING, 'visitor:asked', { problem: await visitor.problem() })

    const restMs = (lapsing?.notAfter ?? 0) + LAPSED_MS - Date.now()
    await new Promise((resolve) => setTimeout(resolve, restMs))
    await lookAt(world, LAPSING, lapsed)
    // The old certificate has lapsed too by now; the connection that was made with it goes on.
    world.trace.record(RENEWING, 'visitor:asked', { problem: await visitor.problem() })
  },
  expectations: [
    {
      name: 'a new handshake sees the new certificate, and the old one is gone',
      holds(world) {
        const [before, after] = seenAt(world, RENEWING)
        if (before?.problem !== undefined) return `before: ${before.problem}`
        if (after?.problem !== undefined) return `after: ${after.problem}`
        if (after?.serial === before?.serial) return `it still is ${before?.serial}`
        const own = world.certificates.filter(({ host }) => host === RENEWING).slice(1)
        return (
          own.some(({ certificate }) => world.serialOf(certificate) === after?.serial) ||
          `it is ${after?.serial}, which is not the client's`
        )
      },
    },
    {
      name: 'a connection that was made before stays open and in use',
      holds(world) {
        const [connected] = world.trace.of('visitor:connected')
        const [before] = seenAt(world, RENEWING)
        if (connected?.detail['serial'] !== before?.serial) return 'it was made with another one'
        const asked = world.trace.of('visitor:asked')
        if (asked.length !== 3) return `it was used ${asked.length} times`
        const broken = asked.find(({ detail }) => detail['problem'] !== undefined)
        return broken === undefined || String(broken.detail['problem'])
      },
    },
    {
      name: 'a lapsed certificate is not served',
      holds(world) {
        const [before, after] = seenAt(world, LAPSING)
        if (before?.problem !== undefined) return `it never was: ${before.problem}`
        return after?.serial === undefined || `the socket shows ${after.serial}`
      },
    },
    {
      name: 'a lapsed certificate is not announced',
      holds: (world) =>
        world.announcements.every(({ host }) => host !== LAPSING) || 'it is announced',
    },
    everyClientHasItsCertificate,
    {
      ...everyClientIsAnnounced,
      name: 'the client that renews is announced',
      holds: (world) => world.announcements.some(({ host }) => host === RENEWING) || 'it is not',
    },
  ],
}

async function happens(world: World, client: string, event: string): Promise<void> {
  await world.trace.waitFor((entry) => entry.host === client && entry.event === event, world.signal)
}
