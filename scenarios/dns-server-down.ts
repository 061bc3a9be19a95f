import { everyClientHasItsCertificate, everyClientIsAnnounced } from './engine/expectations.ts'
import { hosts, type Scenario } from './engine/scenario.ts'

/** One of two DNS servers is down from the start: the other one answers the CA. */
export const dnsServerDown: Scenario = {
  name: 'dns-server-down',
  title:
    'one of two DNS servers is down; certificates are issued and the log says which one failed',
  proves: ['NT-ISSUE-037'],
  world: (client) => ({
    hosts: hosts({ proof: 1, dns: 2, issue: 1, client }),
    faults: [{ at: 0, kind: 'refuse', host: 'dns1' }],
  }),
  async run(world) {
    await world.obtainAll()
  },
  expectations: [
    everyClientHasItsCertificate,
    everyClientIsAnnounced,
    {
      name: 'the issue server says that dns1 failed, and no other',
      holds(world) {
        const { peerId } = world.host('dns1')
        const failed = world.trace
          .of('challenge:failed')
          .map(({ detail }) => String(detail['server']))
        if (failed.length === 0) return 'it says of none'
        return (
          failed.every((server) => server.includes(peerId)) || `it says of ${failed.join(', ')}`
        )
      },
    },
  ],
}
