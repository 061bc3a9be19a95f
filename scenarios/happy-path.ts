import { everyClientHasItsCertificate, everyClientIsAnnounced } from './engine/expectations.ts'
import type { Host } from './engine/hosts.ts'
import { hosts, type Scenario } from './engine/scenario.ts'

/** From here on a client need not find all others. */
const CROWD_CLIENTS = 8

/** Nothing goes wrong. */
export const happyPath: Scenario = {
  name: 'happy-path',
  title: 'clients obtain certificates, serve secure WebSockets and find each other',
  proves: ['NT-CLIENT-001', 'NT-CLIENT-010', 'NT-CLIENT-011', 'NT-ISSUE-023'],
  clientsDefault: 2,
  world: (client) => ({ hosts: hosts({ proof: 3, dns: 2, issue: 1, client }) }),
  async run(world) {
    await world.obtainAll()
  },
  expectations: [
    everyClientHasItsCertificate,
    everyClientIsAnnounced,
    {
      name: 'every client has found others by their announcements, in a small world all of them',
      async holds(world): Promise<true> {
        const found = (finder: Host, sought: (peer: unknown) => boolean): Promise<unknown> =>
          world.trace.waitFor(
            ({ host, event, detail }) =>
              host === finder.name && event === 'peer:discovered' && sought(detail['peer']),
            world.signal,
          )
        // A meeting point passes an announcement on to some of its neighbours: in a crowd it takes many to reach all.
        const crowd = world.clients.length > CROWD_CLIENTS
        for (const finder of world.clients) {
          const others = world.clients.filter((client) => client !== finder)
          if (crowd) await found(finder, (peer) => others.some(({ peerId }) => peerId === peer))
          else for (const { peerId } of others) await found(finder, (peer) => peer === peerId)
        }
        return true
      },
    },
  ],
}
