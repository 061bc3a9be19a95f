import { everyClientHasItsCertificate, everyClientIsAnnounced } from './engine/expectations.ts'
import { hosts, type Scenario } from './engine/scenario.ts'

/** How long the CA stays away. */
const OUTAGE_MS = 1_500

/** The CA is killed while it has an order of ours, and comes back without any memory of us. */
export const caDownMidOrder: Scenario = {
  name: 'ca-down-mid-order',
  title:
    'the CA is killed in the middle of an order; the client is told, asks again and obtains its certificate',
  proves: ['NT-ISSUE-027', 'NT-ISSUE-028'],
  world: (client) => ({
    hosts: hosts({ proof: 1, dns: 1, issue: 1, client }),
    faults: [{ at: { event: 'order:created' }, kind: 'kill', host: 'ca', forMs: OUTAGE_MS }],
  }),
  async run(world) {
    await world.obtainAll()
    await world.trace.waitFor(({ event }) => event === 'fault:healed', world.signal)
    await world.obtainAll()
  },
  expectations: [
    {
      name: 'a client was told that the server could not do it, and none was told anything else',
      holds(world) {
        if (world.failures.length === 0) return 'nobody was told anything'
        const strange = world.failures.find(
          ({ error }) => !('code' in error) || error.code !== 'OTHER',
        )
        return strange === undefined || `${strange.host} was told: ${strange.error.message}`
      },
    },
    everyClientHasItsCertificate,
    everyClientIsAnnounced,
  ],
}
