import { wire } from '../impl/index.ts'
import { everyClientHasItsCertificate, everyClientIsAnnounced } from './engine/expectations.ts'
import { hosts, type Scenario } from './engine/scenario.ts'

/** A client keeps running while its network gives it another address, as a home router does at night. */
export const addressChange: Scenario = {
  name: 'address-change',
  title: 'a client gets another address; by itself it proves that one and has it certified',
  proves: ['NT-CLIENT-014', 'NT-DISC-003'],
  world: (client) => ({
    hosts: hosts({ proof: 2, dns: 1, issue: 1, client }).map((host) =>
      host.role === 'client'
        ? { ...host, options: { autoStart: true, addressCheckIntervalMs: 0 } }
        : host,
    ),
  }),
  async run(world, inject) {
    for (const { name } of world.clients) {
      await world.trace.waitFor(
        ({ host, event }) => host === name && event === 'certificate:obtained',
        world.signal,
      )
      const before = world.host(name).place.addresses[4] ?? ''
      world.trace.record(name, 'address:left', { name: wire.addressName(before, world.zone) })
      await inject({ kind: 'move', host: name, at: 0 })
      // The next peer that it talks to tells it where it is seen.
      const [issueServer] = world.hostsOf('issue')
      await world.host(name).node.dial([...(issueServer?.multiaddrs ?? [])], {
        signal: world.signal,
      })
      await world.trace.waitFor(
        ({ host, event }) => host === name && event === 'certificate:renewed',
        world.signal,
      )
    }
  },
  expectations: [
    everyClientHasItsCertificate,
    everyClientIsAnnounced,
    {
      name: 'nobody announces an address that it has left',
      holds(world) {
        const left = new Set(world.trace.of('address:left').map(({ detail }) => detail['name']))
        if (left.size !== world.clients.length) return `${left.size} clients have moved`
        const stale = world.announcements.find(({ name }) => left.has(name))
        return stale === undefined || `${stale.host} announces ${stale.address}`
      },
    },
  ],
}
