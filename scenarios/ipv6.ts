import { everyClientHasItsCertificate, everyClientIsAnnounced } from './engine/expectations.ts'
import { hosts, type Scenario } from './engine/scenario.ts'

/** Hosts with IPv6 beside IPv4, and hosts with nothing else. */
export const ipv6: Scenario = {
  name: 'ipv6',
  title:
    'a client with both IP versions gets a name for each, a client with IPv6 alone gets its one',
  proves: ['NT-PROOF-004', 'NT-DNS-012', 'NT-DNS-013', 'NT-CLIENT-011'],
  clientsDefault: 2,
  clientsMin: 2,
  world: (client) => ({
    hosts: [
      { name: 'proof1', role: 'proof', families: [4] },
      { name: 'proof2', role: 'proof', families: [6] },
      ...hosts({ dns: 2, issue: 1 }).map((host) => ({ ...host, families: [4, 6] as const })),
      ...hosts({ client }).map((host, index) => ({
        ...host,
        families: index === 0 ? ([4, 6] as const) : ([6] as const),
      })),
    ],
  }),
  async run(world) {
    await world.obtainAll()
  },
  expectations: [everyClientHasItsCertificate, everyClientIsAnnounced],
}
