import {
  everyClientHasItsCertificate,
  everyClientIsAnnounced,
  requestsToCa,
} from './engine/expectations.ts'
import { hosts, type FaultMoment, type Scenario } from './engine/scenario.ts'

/** How long a restart of the CA takes, beside its own start. */
const OUTAGE_MS = 50

/** When the CA loses everything, a client for each. */
const MOMENTS: readonly (FaultMoment | undefined)[] = [
  undefined, // nothing yet: this client's order is the account's first
  { event: 'fault:kill' }, // between two orders: see below
  { event: 'order:created' },
  { event: 'challenge:set' },
  { event: 'ca:request', detail: { resource: 'challenge' } },
  { event: 'ca:request', detail: { resource: 'finalize' } },
]

/** The CA forgets accounts, orders and roots, as a restarted Pebble does. */
export const caLostItsState: Scenario = {
  name: 'ca-lost-its-state',
  title:
    'the CA forgets its accounts and orders, between orders and within them; a new account and a new order do it',
  proves: ['NT-ISSUE-027', 'NT-ISSUE-037'],
  clientsDefault: MOMENTS.length,
  clientsMin: MOMENTS.length,
  deadlineMs: 120_000,
  world: (client) => ({ hosts: hosts({ proof: 1, dns: 1, issue: 1, client }) }),
  async run(world, inject) {
    const seen = { healed: 0, wanted: 0 }
    const unfollow = world.trace.follow(({ event }) => {
      if (event === 'fault:healed') seen.healed += 1
    })
    for (const [index, moment] of MOMENTS.entries()) {
      const client = `client${index + 1}`
      const between = moment?.event === 'fault:kill'
      if (moment !== undefined) {
        seen.wanted += 1
        await inject({ kind: 'kill', host: 'ca', at: between ? 0 : moment, forMs: OUTAGE_MS })
      }
      const back = world.trace.waitFor(() => seen.healed === seen.wanted, world.signal)
      if (between) await back
      const { error } = await world.obtain(client)
      await back
      // Told that it did not work while the CA was away, a client asks again; no person does anything.
      if (error !== undefined) await world.obtain(client)
    }
    unfollow()
  },
  expectations: [
    {
      name: 'the CA lost its state each time, and was asked for a new account',
      holds(world) {
        const lost = MOMENTS.length - 1
        const healed = world.trace.of('fault:healed').length
        if (healed !== lost) return `it was restarted ${healed} times`
        if (!world.caIsProxied) return true
        const made = requestsToCa(world, 'account').filter(({ status }) => status === 201).length
        return made === lost + 1 || `${made} accounts were made`
      },
    },
    {
      name: 'nobody had to ask more than twice',
      holds(world) {
        const often = world.clients.find(
          ({ name }) => world.failures.filter(({ host }) => host === name).length > 1,
        )
        return often === undefined || `${often.name} had to`
      },
    },
    everyClientHasItsCertificate,
    everyClientIsAnnounced,
  ],
}
