import { everyClientIsAnnounced, oneOrderForEachCertificate } from './engine/expectations.ts'
import { hosts, type Scenario } from './engine/scenario.ts'

/**
 * Clients that announce themselves. Everybody hears every announcement, and all hosts share one process here: of 200
 * it would have no time for anything else.
 */
const ANNOUNCING = 5
/** All hosts share one thread, so that everybody waits for everybody's keys and signatures. */
const REQUEST_TIMEOUT_MS = 60_000
const ASKED_MAX = 4

/** Everybody comes at once. */
export const flashCrowd: Scenario = {
  name: 'flash-crowd',
  title: '200 clients ask at once; each gets its certificate or is told that it is one too many',
  proves: ['NT-ISSUE-027', 'NT-ISSUE-028', 'NT-ISSUE-031'],
  // On tcp each client is a WebSocket server and a handful of sockets besides.
  clientsDefault: { memory: 200, tcp: 60 },
  deadlineMs: 180_000,
  world: (client) => ({
    hosts: hosts({ proof: 2, dns: 2, issue: 1, client }).map((host) =>
      host.role === 'client' && Number(/\d+$/.exec(host.name)) > ANNOUNCING
        ? { ...host, options: { announce: false, requestTimeoutMs: REQUEST_TIMEOUT_MS } }
        : host,
    ),
  }),
  async run(world) {
    await Promise.all(
      world.clients.map(async ({ name }) => {
        // On a machine with too much to do something may take too long. Who is told so asks again, as a client that
        // runs by itself does; what the issue server has begun for it is then taken up.
        for (let asked = 1; asked <= ASKED_MAX; asked += 1) {
          const { error } = await world.obtain(name)
          if (error === undefined || isRateLimit(error)) return
        }
      }),
    )
  },
  expectations: [
    {
      name: 'every client has a certificate, or was refused with E_RATE_LIMIT',
      holds(world) {
        for (const { name } of world.clients) {
          if (world.certificates.some(({ host }) => host === name)) continue
          const error = world.failures.findLast(({ host }) => host === name)?.error
          if (error === undefined || !isRateLimit(error))
            return `${name} was told: ${error?.message ?? 'nothing'}`
        }
        return true
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

function isRateLimit(error: Error): boolean {
  return 'code' in error && error.code === 'RATE_LIMIT'
}
