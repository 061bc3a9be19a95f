import { everyClientHasItsCertificate, everyClientIsAnnounced } from './engine/expectations.ts'
import { hosts, type Scenario } from './engine/scenario.ts'

/** The way to the CA is bad: requests are late, are lost, lose their answers, and arrive twice. */
export const caSlow: Scenario = {
  name: 'ca-slow',
  title:
    'requests to the CA are late, break off before or after it has acted, and arrive twice; certificates are issued all the same',
  proves: ['NT-ISSUE-027', 'NT-ISSUE-037'],
  clientsDefault: 3,
  world: (client) => ({
    hosts: hosts({ proof: 1, dns: 1, issue: 1, client }),
    faults: [
      {
        at: 0,
        kind: 'disturb',
        host: 'ca',
        rules: [
          { resources: ['directory'], count: 1, effect: { kind: 'reset', when: 'before' } },
          { resources: ['account'], count: 1, effect: { kind: 'reset', when: 'after' } },
          { resources: ['challenge'], count: 1, effect: { kind: 'reset', when: 'before' } },
          { resources: ['challenge'], count: 1, effect: { kind: 'reset', when: 'after' } },
          { resources: ['finalize'], count: 1, effect: { kind: 'reset', when: 'after' } },
          { resources: ['certificate'], count: 1, effect: { kind: 'reset', when: 'after' } },
          // Lost, an order could have been made: only this one is never sent twice by ourselves.
          { resources: ['newOrder', 'finalize'], count: 2, effect: { kind: 'duplicate' } },
          { probability: 0.3, seed: 7, effect: { kind: 'delay', delayMs: 200 } },
        ],
      },
    ],
  }),
  async run(world) {
    await world.obtainAll()
  },
  expectations: [
    {
      name: 'requests were delayed, broken off and doubled',
      holds(world) {
        if (!world.caIsProxied) return true
        const met = new Set(world.trace.of('ca:request').map(({ detail }) => detail['effect']))
        const missing = ['delay', 'reset', 'duplicate'].filter((effect) => !met.has(effect))
        return missing.length === 0 || `there was no ${missing.join(', ')}`
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
