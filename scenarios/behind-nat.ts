import type { NatPlan } from './engine/drivers/driver.ts'
import { everyClientHasItsCertificate } from './engine/expectations.ts'
import { hosts, type ClientPlan, type Scenario } from './engine/scenario.ts'
import { lookAt, seenAt, socketOf } from './engine/sockets.ts'
import type { World } from './engine/world.ts'

/** Where every client's secure WebSockets listen, behind whatever is before them. */
const SECURE_PORT = 4_443
const HOME: Pick<NatPlan, 'kind' | 'router'> = { kind: 'port-restricted', router: 'home' }
/** Announcements after a router has forgotten everything: the first one goes into a connection that is no more. */
const ANNOUNCEMENTS_AFTERWARDS = 3

type Home = Pick<ClientPlan, 'nat' | 'firewall' | 'options'>

/** What is before each client, and what its operator has told it of that. */
const HOMES: Readonly<Record<string, Home>> = {
  client1: {
    nat: { ...HOME, forwards: [{ port: 10_443, to: SECURE_PORT }] },
    options: { announcePort: 10_443 },
  },
  client2: {
    nat: { ...HOME, forwards: [{ port: 20_443, to: SECURE_PORT }] },
    options: { announcePort: 20_443 },
  },
  client3: { nat: { kind: 'symmetric' }, options: { announce: false } },
  client4: { firewall: { open: [SECURE_PORT] } },
  client5: { firewall: {}, options: { announce: false } },
}
const CLIENTS = Object.keys(HOMES)
const NEIGHBOURS = ['client1', 'client2'] as const
const REACHED = ['client1', 'client2', 'client4']
const HIDDEN = 'client3'

/** Most applications run at home: what the world sees of them is a router, which forgets, and which moves. */
export const behindNat: Scenario = {
  name: 'behind-nat',
  title:
    'clients behind NATs and firewalls are certified for the addresses that the world sees, also after their router has another one; those with an open port are found there',
  proves: ['NT-CLIENT-014', 'NT-DISC-003', 'NT-ISSUE-030'],
  onlySimulated: true,
  clientsDefault: CLIENTS.length,
  clientsMin: CLIENTS.length,
  clientsMax: CLIENTS.length,
  deadlineMs: 300_000,
  world: (client) => ({
    hosts: hosts({ proof: 2, dns: 1, issue: 1, client }).map((host) => {
      if (host.role !== 'client') return host
      const { options, ...home } = HOMES[host.name] ?? {}
      const usual = { autoStart: true, addressCheckIntervalMs: 0 }
      return { ...host, ...home, securePort: SECURE_PORT, options: { ...usual, ...options } }
    }),
  }),
  async run(world, inject) {
    await all(world, CLIENTS, 'certificate:obtained')
    await world.announced()
    await lookAtAll(world)

    const forgottenAtMs = world.trace.elapsedMs
    await inject({ kind: 'rebind', host: 'client1', address: 'kept', at: 0 })
    await Promise.all(NEIGHBOURS.map((client) => announcedSince(world, client, forgottenAtMs)))

    await inject({ kind: 'rebind', host: 'client1', address: 'new', at: 0 })
    await inject({ kind: 'rebind', host: HIDDEN, address: 'new', at: 0 })
    // Who announces nothing talks to nobody by itself: the next stranger that it talks to tells it where it is seen.
    const [stranger] = world.hostsOf('dns')
    await world.host(HIDDEN).node.dial([...(stranger?.multiaddrs ?? [])], {
      signal: world.signal,
    })
    await all(world, [...NEIGHBOURS, HIDDEN], 'certificate:renewed')
    await world.announced()
    await lookAtAll(world)
  },
  expectations: [
    everyClientHasItsCertificate,
    {
      name: 'neighbours have one address between them, and a certificate and a key each',
      holds(world) {
        const [one, other] = NEIGHBOURS.map((name) => world.host(name))
        if (one === undefined || other === undefined) return 'they are not there'
        if (one.place.addresses[4] !== other.place.addresses[4]) return 'they have two addresses'
        const [first, second] = [one, other].map(
          ({ node }) => node.services.nodetrust?.certificate?.key,
        )
        return first !== second || 'they have one key'
      },
    },
    {
      name: 'who lets strangers in answers them with its certificate, and others do not',
      holds(world) {
        for (const client of CLIENTS) {
          const seen = seenAt(world, client)
          const right = seen.filter(
            ({ problem }) => (problem === undefined) === REACHED.includes(client),
          )
          if (right.length !== 2) return `${client}: ${JSON.stringify(seen)}`
        }
        return true
      },
    },
    {
      name: 'who lets strangers in is announced where it is, and others are not announced',
      holds(world) {
        const announced = world.announcements.map(({ host }) => host).toSorted()
        return announced.join() === REACHED.join() || `announced are ${announced.join()}`
      },
    },
    {
      name: 'a router that forgets costs nobody a certificate, and one that moves costs one each',
      holds(world) {
        const renewed = world.trace.of('certificate:renewed').map(({ host }) => host)
        const wanted = [...NEIGHBOURS, HIDDEN]
        return renewed.toSorted().join() === wanted.join() || `renewed: ${renewed.join()}`
      },
    },
  ],
}

/** Waits until an event has happened at each of the clients. */
async function all(world: World, clients: readonly string[], event: string): Promise<void> {
  for (const client of clients) {
    await world.trace.waitFor(
      (entry) => entry.host === client && entry.event === event,
      world.signal,
    )
  }
}

/** Waits until somebody hears a client again. */
async function announcedSince(world: World, client: string, sinceMs: number): Promise<void> {
  let left = ANNOUNCEMENTS_AFTERWARDS
  await world.trace.waitFor(({ host, event, atMs }) => {
    if (host === client && event === 'announced' && atMs > sinceMs) left -= 1
    return left === 0
  }, world.signal)
}

async function lookAtAll(world: World): Promise<void> {
  for (const client of CLIENTS) {
    const port = HOMES[client]?.options?.announcePort ?? SECURE_PORT
    await lookAt(world, client, { ...socketOf(world, client), port })
  }
}
