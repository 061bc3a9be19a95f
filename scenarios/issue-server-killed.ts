import {
  everyClientHasItsCertificate,
  everyClientIsAnnounced,
  oneOrderForEachCertificate,
} from './engine/expectations.ts'
import { hosts, type FaultMoment, type Scenario } from './engine/scenario.ts'
import type { World } from './engine/world.ts'

/** How long the issue server stays away. */
const OUTAGE_MS = 200
const DNS_SERVERS = 2
/** Each client's names: its id and its address. */
const NAMES = 2

/**
 * Where an order stands when the issue server dies, one moment after each step. A request to the CA is in the trace
 * when the CA has carried it out and nobody has been told.
 *
 * One moment is left out: when the CA has made an order and the answer is lost. Nobody can know of that order then.
 */
const MOMENTS: readonly (readonly [step: string, moment: FaultMoment])[] = [
  ['created', { event: 'ca:request', detail: { resource: 'account' } }],
  ['ordered', { event: 'order:created' }],
  [
    'authorizations read',
    { event: 'ca:request', detail: { resource: 'authorization' }, nth: NAMES },
  ],
  // What the DNS server says, before the issue server has heard of it.
  ['challenge written', { event: 'challenge:set', detail: { server: undefined } }],
  ['challenges set', { event: 'challenge:set', nth: NAMES * DNS_SERVERS * 2 }],
  ['first challenge answered', { event: 'ca:request', detail: { resource: 'challenge' } }],
  [
    'all challenges answered',
    { event: 'ca:request', detail: { resource: 'challenge' }, nth: NAMES },
  ],
  ['looked at', { event: 'ca:request', detail: { resource: 'order' } }],
  ['finalized', { event: 'ca:request', detail: { resource: 'finalize' } }],
  ['downloaded', { event: 'ca:request', detail: { resource: 'certificate' } }],
  ['issued', { event: 'certificate:issued' }],
]

/** The issue server is killed after every step of an order in turn, a client for each. */
export const issueServerKilled: Scenario = {
  name: 'issue-server-killed',
  title:
    'the issue server is killed after each step of an order in turn; restarted, it finishes the order that it had',
  proves: ['NT-ISSUE-030', 'NT-ISSUE-031', 'NT-ISSUE-037'],
  clientsDefault: MOMENTS.length,
  clientsMin: MOMENTS.length,
  deadlineMs: 120_000,
  world: (client) => ({
    hosts: hosts({ proof: 1, dns: DNS_SERVERS, issue: 1, client }),
  }),
  async run(world, inject) {
    const seen = { healed: 0 }
    const unfollow = world.trace.follow(({ event }) => {
      if (event === 'fault:healed') seen.healed += 1
    })
    for (const [index, [step, at]] of MOMENTS.entries()) {
      const client = `client${index + 1}`
      world.trace.record(client, 'story:step', { text: `the issue server will die: ${step}` })
      await inject({ kind: 'crash', host: 'issue1', at, forMs: OUTAGE_MS })
      const asked = world.obtain(client)
      await world.trace.waitFor(() => seen.healed > index, world.signal)
      const { error } = await asked
      // The restarted server has the order; whoever asks again shares it, or gets what came of it.
      if (error !== undefined) await world.obtain(client)
    }
    unfollow()
    const backAt = lastRestart(world)
    for (const { name } of world.clients) {
      await world.trace.waitFor(
        ({ host, event, atMs }) => host === name && event === 'announced' && atMs > backAt,
        world.signal,
      )
    }
  },
  expectations: [
    {
      name: 'the issue server died as often as its orders have steps, and took each order up again',
      holds(world) {
        const crashes = world.trace.of('fault:crash').length
        if (crashes !== MOMENTS.length) return `it died ${crashes} times`
        // An order of which everything is done is no longer taken up.
        const resumed = world.trace.of('order:resumed').length
        return resumed === MOMENTS.length - 1 || `it took ${resumed} orders up again`
      },
    },
    oneOrderForEachCertificate,
    everyClientHasItsCertificate,
    everyClientIsAnnounced,
    {
      name: 'after the last restart everybody announces itself again, without a request for a certificate',
      holds(world) {
        const backAt = lastRestart(world)
        const silent = world.clients.find(
          ({ name }) =>
            !world.trace.of('announced').some(({ host, atMs }) => host === name && atMs > backAt),
        )
        if (silent !== undefined) return `${silent.name} has announced itself to nobody`
        const askers = world.trace.of('request:received').filter(({ atMs }) => atMs > backAt)
        // The last client was told nothing by the server that died, and asks once more.
        return askers.length <= 1 || `${askers.length} requests were made`
      },
    },
  ],
}

function lastRestart(world: World): number {
  return world.trace.of('fault:healed').at(-1)?.atMs ?? 0
}
