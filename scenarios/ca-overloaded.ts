import {
  everyClientHasItsCertificate,
  everyClientIsAnnounced,
  requestsToCa,
} from './engine/expectations.ts'
import { hosts, type Scenario } from './engine/scenario.ts'

/** HTTP dates have whole seconds, so that one of 2 s may be 1 s away. */
const WAIT_SECONDS = 2

/** The CA has too much to do and says when to come back, in both of HTTP's forms. */
export const caOverloaded: Scenario = {
  name: 'ca-overloaded',
  title:
    'the CA answers 429 and 503 and says when to come back; the issue server waits that long and obtains its certificates',
  proves: ['NT-ISSUE-027', 'NT-ISSUE-037'],
  clientsDefault: 2,
  world: (client) => ({
    hosts: hosts({ proof: 1, dns: 1, issue: 1, client }),
    faults: [
      {
        at: 0,
        kind: 'disturb',
        host: 'ca',
        rules: [
          {
            resources: ['newOrder'],
            count: 1,
            effect: {
              kind: 'status',
              status: 503,
              retryAfter: { seconds: WAIT_SECONDS, as: 'seconds' },
            },
          },
          {
            resources: ['finalize'],
            count: 1,
            effect: {
              kind: 'status',
              status: 429,
              retryAfter: { seconds: WAIT_SECONDS, as: 'date' },
            },
          },
          {
            resources: ['challenge'],
            count: 1,
            effect: { kind: 'status', status: 503, retryAfter: { seconds: 1, as: 'date' } },
          },
          // Without a time it comes back soon, and not at once.
          { resources: ['order'], count: 2, effect: { kind: 'status', status: 503 } },
        ],
      },
    ],
  }),
  async run(world) {
    await world.obtainAll()
  },
  expectations: [
    {
      name: 'the CA refused at each step',
      holds(world) {
        const refused = world.trace
          .of('ca:request')
          .filter(({ detail }) => detail['effect'] === 'status')
          .map(({ detail }) => String(detail['resource']))
        const wanted = ['challenge', 'finalize', 'newOrder', 'order', 'order']
        return refused.toSorted().join() === wanted.join() || `it refused ${refused.join(', ')}`
      },
    },
    {
      name: 'nothing was asked again before the time that the CA had named',
      holds(world) {
        // One gate lets one newOrder pass at a time, so the next one to be seen is the one that came back.
        const [first, second] = requestsToCa(world, 'newOrder')
        const waitedMs = (second?.atMs ?? 0) - (first?.atMs ?? 0)
        return waitedMs >= WAIT_SECONDS * 1000 || `it came back after ${Math.round(waitedMs)} ms`
      },
    },
    {
      name: 'no client was refused',
      holds: (world) =>
        world.failures.length === 0 || `one was told ${world.failures[0]?.error.message}`,
    },
    everyClientHasItsCertificate,
    everyClientIsAnnounced,
  ],
}
