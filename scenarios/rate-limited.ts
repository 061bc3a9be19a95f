import { wire } from '../impl/index.ts'
import { everyClientIsAnnounced } from './engine/expectations.ts'
import { hosts, type Scenario } from './engine/scenario.ts'

/** What the CA gives for the whole zone within the time of the story. */
const CERTIFICATES = 2

/** The CA's limit for the zone is used up: the issue server knows, and never makes the CA say so. */
export const rateLimited: Scenario = {
  name: 'rate-limited',
  title:
    'more clients ask than the CA has certificates for; those are refused with E_RATE_LIMIT, and the CA is not asked for them',
  proves: ['NT-CLIENT-007', 'NT-ISSUE-027', 'NT-ISSUE-030'],
  clientsDefault: 4,
  clientsMin: CERTIFICATES + 1,
  world: (client) => ({
    hosts: hosts({ proof: 1, dns: 1, issue: 1, client }).map((host) =>
      host.role === 'issue'
        ? {
            ...host,
            options: {
              budgets: { certificatesPerDomain: { count: CERTIFICATES, periodMs: 3_600_000 } },
            },
          }
        : host,
    ),
  }),
  async run(world) {
    // One after the other: who comes first is served. Those who were not ask once more.
    for (const { name } of world.clients) await world.obtain(name)
    const refused = world.failures.map(({ host }) => host)
    for (const name of refused) await world.obtain(name)
  },
  expectations: [
    {
      name: `${CERTIFICATES} clients have a certificate and the others were told of the limit`,
      holds(world) {
        const served = new Set(world.certificates.map(({ host }) => host))
        if (served.size !== CERTIFICATES) return `${[...served].join(', ') || 'nobody'} was served`
        const strange = world.failures.find(
          ({ error }) => !('errorCode' in error) || error.errorCode !== wire.ERROR_CODES.RATE_LIMIT,
        )
        return strange === undefined || `${strange.host} was told ${strange.error.message}`
      },
    },
    {
      name: 'the CA got no order beyond the limit',
      holds(world) {
        const orders = world.trace.of('order:created').length
        return orders === CERTIFICATES || `it got ${orders}`
      },
    },
    {
      name: 'the issue server says that the limit is reached',
      holds: (world) =>
        world.trace.of('budget:exhausted').length > 0 || 'there is no budget:exhausted',
    },
    everyClientIsAnnounced,
  ],
}
