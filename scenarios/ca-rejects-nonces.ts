import { readFile } from 'node:fs/promises'
import { everyClientHasItsCertificate, everyClientIsAnnounced } from './engine/expectations.ts'
import { hosts, type Scenario } from './engine/scenario.ts'

/** Half of all nonces are refused, as RFC 8555 §6.5 allows: the request is simply sent again. */
export const caRejectsNonces: Scenario = {
  name: 'ca-rejects-nonces',
  title: 'the CA refuses every other nonce; certificates are issued all the same',
  proves: ['NT-ISSUE-037'],
  // With this many requests, not one refusal among them is a chance of one in millions.
  clientsDefault: 3,
  world: (client) => ({
    hosts: hosts({ proof: 1, dns: 1, issue: 1, client }),
    caEnvironment: { PEBBLE_WFE_NONCEREJECT: '50' },
  }),
  async run(world) {
    await world.obtainAll()
  },
  expectations: [
    everyClientHasItsCertificate,
    everyClientIsAnnounced,
    {
      name: 'the CA did refuse nonces: it was sent more requests than the orders need',
      async holds(world) {
        // A CA that is not ours to start does not let us read its log.
        if (world.ca.logFile === undefined) return true
        const log = await readFile(world.ca.logFile, 'utf8')
        const sent = log.match(/POST \/(order-plz|authZ|chalZ|finalize-order|certZ)/g)?.length ?? 0
        const needed = world.trace
          .of('order:created')
          // New order, finalization, certificate; and for each name its authorization and its challenge.
          .reduce((sum, { detail }) => sum + 3 + 2 * (detail['names'] as string[]).length, 0)
        return sent > needed || `${sent} requests were sent and ${needed} needed`
      },
    },
  ],
}
