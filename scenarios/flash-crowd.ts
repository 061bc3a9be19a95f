import { everyClientIsAnnounced, oneOrderForEachCertificate } from './engine/expectations.ts'
import { hosts, type Scenario } from './engine/scenario.ts'
import type { TraceEntry } from './engine/trace.ts'

/**
 * Clients that announce themselves. Everybody hears every announcement, and all hosts share one process here: of 200
 * it would have no time for anything else.
 */
const ANNOUNCING = 5

/** Everybody comes at once. */
export const flashCrowd: Scenario = {
  name: 'flash-crowd',
  title: '200 clients ask at once; each gets its certificate or is told that it is one too many',
  proves: ['NT-ISSUE-027', 'NT-ISSUE-028', 'NT-ISSUE-031'],
  // On tcp each client is a WebSocket server and a handful of sockets besides.
  clientsDefault: { memory: 200, tcp: 60, sim: 60 },
  deadlineMs: 180_000,
  world: (client) => ({
    hosts: hosts({ proof: 2, dns: 2, issue: 1, client }).map((host) => {
      if (host.role !== 'client') return host
      const announce = Number(/\d+$/.exec(host.name)) <= ANNOUNCING
      return { ...host, late: true, options: { autoStart: true, announce } }
    }),
  }),
  async run(world) {
    // On a machine with too much to do something may take too long. Whoever meets that asks again by itself.
    await Promise.all(
      world.clients.map(async (client) => {
        await client.start()
        await world.trace.waitFor(
          (entry) => entry.host === client.name && isEnd(entry),
          world.signal,
        )
      }),
    )
  },
  expectations: [
    {
      name: 'every client has a certificate, or was refused with E_RATE_LIMIT',
      holds(world) {
        const open = world.clients.find(
          ({ name }) => !world.trace.entries.some((entry) => entry.host === name && isEnd(entry)),
        )
        return open === undefined || `${open.name} has neither`
      },
    },
    {
      name: 'most clients have one',
      holds: (world) =>
        world.certificates.length > world.clients.length / 2 ||
        `${world.certificates.length} of ${world.clients.length}`,
    },
    oneOrderForEachCertificate,
    everyClientIsAnnounced,
  ],
}

function isEnd({ event, detail }: TraceEntry): boolean {
  return (
    event === 'certificate:obtained' ||
    (event === 'certificate:failed' && detail['code'] === 'RATE_LIMIT')
  )
}
