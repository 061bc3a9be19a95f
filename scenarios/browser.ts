import { BROWSER, findBrowser, STRANGER, visitByBrowser } from './engine/browser/index.ts'
import { everyClientHasItsCertificate, everyClientIsAnnounced } from './engine/expectations.ts'
import { hosts, type Scenario } from './engine/scenario.ts'
import type { World } from './engine/world.ts'

/** What it is all for: a page in a real browser talks to nodes at bare addresses. */
export const browser: Scenario = {
  name: 'browser',
  title: 'a page in Chromium dials a node by its certificate and finds the others through it',
  proves: ['NT-CLIENT-010', 'NT-CLIENT-011', 'NT-DISC-001', 'NT-DISC-002', 'NT-DISC-009'],
  clientsDefault: 2,
  clientsMin: 2,
  // A page dials no more peers than that (`engine/browser/page/main.ts`).
  clientsMax: 16,
  inRealTime: true,
  // Two browsers start, one after the other.
  deadlineMs: 120_000,
  prepare: async (machine) => void (await findBrowser(machine)),
  world: (client) => ({ hosts: hosts({ proof: 2, dns: 2, issue: 1, client }) }),
  async run(world) {
    await world.obtainAll()
    await world.announced()
    await visitByBrowser(world)
  },
  expectations: [
    everyClientHasItsCertificate,
    everyClientIsAnnounced,
    {
      name: 'the page dialled every client by its announced address, and its pings came back',
      holds(world) {
        const failed = seen(world, BROWSER, 'browser:failed')[0]
        if (failed !== undefined) return String(failed['reason'])
        const pinged = seen(world, BROWSER, 'browser:pinged').map(({ peer }) => peer)
        const unreached = world.clients.find(({ peerId }) => !pinged.includes(peerId))
        return unreached === undefined || `it did not reach ${unreached.name}`
      },
    },
    {
      name: 'it was given one address and heard the others announced over gossipsub',
      holds(world) {
        const heard = seen(world, BROWSER, 'browser:heard').map(({ peer }) => peer)
        const unheard = world.clients.slice(1).find(({ peerId }) => !heard.includes(peerId))
        return unheard === undefined || `it did not hear of ${unheard.name}`
      },
    },
    {
      name: 'Chromium itself read the names of each certificate that a client obtained',
      holds(world) {
        const read = seen(world, BROWSER, 'browser:certificate').map(({ names }) => sorted(names))
        const unread = world.certificates.find(
          ({ certificate }) => !read.includes(sorted(world.namesOf(certificate))),
        )
        return unread === undefined || `it read ${read.join(' and ')}, not that of ${unread.host}`
      },
    },
    {
      name: 'a Chromium that does not know the CA refused the same node for its certificate',
      holds(world) {
        if (seen(world, STRANGER, 'browser:dialled').length > 0) return 'it was connected'
        const codes = seen(world, STRANGER, 'browser:refused').map(({ code }) => code)
        return codes.includes('ERR_CERT_AUTHORITY_INVALID') || `it said ${codes.join(', ')}`
      },
    },
  ],
}

function seen(world: World, host: string, event: string): Readonly<Record<string, unknown>>[] {
  return world.trace
    .of(event)
    .filter((entry) => entry.host === host)
    .map(({ detail }) => detail)
}

function sorted(names: unknown): string {
  return (names as string[]).toSorted().join(', ')
}
