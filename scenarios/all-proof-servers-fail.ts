import { nobodyHasACertificate } from './engine/expectations.ts'
import { hosts, type Scenario } from './engine/scenario.ts'

/** Nobody can say where the client is. */
export const allProofServersFail: Scenario = {
  name: 'all-proof-servers-fail',
  title: 'no proof server answers; the client gets an error and asks for no certificate',
  proves: ['NT-CLIENT-003'],
  world: (client) => ({
    hosts: hosts({ proof: 3, dns: 1, issue: 1, client }).map((host) =>
      host.role === 'client' ? { ...host, options: { requestTimeoutMs: 1_000 } } : host,
    ),
    faults: [
      { at: 0, kind: 'refuse', host: 'proof1' },
      { at: 0, kind: 'refuse', host: 'proof2' },
      { at: 0, kind: 'hang', host: 'proof3' },
    ],
  }),
  async run(world) {
    await world.obtainAll()
  },
  expectations: [
    nobodyHasACertificate,
    {
      name: 'every client got a NoProofError',
      holds(world) {
        const names = world.clients.map(
          ({ name }) => world.failures.find(({ host }) => host === name)?.error.name,
        )
        return names.every((name) => name === 'NoProofError') || `they got ${names.join(', ')}`
      },
    },
    {
      name: 'the issue server was asked for nothing',
      holds: (world) => world.trace.of('request:received').length === 0 || 'it was asked',
    },
  ],
}
