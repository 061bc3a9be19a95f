import { everyClientHasItsCertificate, everyClientIsAnnounced } from './engine/expectations.ts'
import { hosts, type Scenario } from './engine/scenario.ts'

/** Nothing goes wrong. */
export const happyPath: Scenario = {
  name: 'happy-path',
  title: 'clients obtain certificates, serve secure WebSockets and find each other',
  proves: ['NT-CLIENT-001', 'NT-CLIENT-010', 'NT-CLIENT-011', 'NT-ISSUE-023', 'NT-DISC-003'],
  clientsDefault: 2,
  world: (client) => ({ hosts: hosts({ proof: 3, dns: 2, issue: 1, client }) }),
  async run(world) {
    await world.obtainAll()
  },
  expectations: [
    everyClientHasItsCertificate,
    everyClientIsAnnounced,
    {
      name: 'every client has found the others by their announcements',
      async holds(world): Promise<true> {
        for (const finder of world.clients) {
          for (const found of world.clients) {
            if (finder === found) continue
            await world.trace.waitFor(
              ({ host, event, detail }) =>
                host === finder.name &&
                event === 'peer:discovered' &&
                detail['peer'] === found.peerId,
              world.signal,
            )
          }
        }
        return true
      },
    },
  ],
}
