import { wire } from '../impl/index.ts'
import {
  attackerIsRefused,
  everyClientHasItsCertificate,
  everyClientIsAnnounced,
} from './engine/expectations.ts'
import { hosts, type Scenario } from './engine/scenario.ts'

/** Whoever may write challenges may have certificates for the whole zone: only the issue server may. */
export const unauthorisedWriter: Scenario = {
  name: 'unauthorised-writer',
  title:
    'a peer that is not among the writers cannot set a challenge, and the issue server still can',
  proves: ['NT-DNS01-001'],
  world: (client) => ({ hosts: hosts({ proof: 1, dns: 1, issue: 1, client, attacker: 1 }) }),
  async run(world) {
    const attacker = world.host('attacker1')
    const victim = wire.id0Name(world.peerIdBytes(world.host('client1').peerId), world.zone)
    const request = wire.DNS01Request.encode({ fqdn: victim, value: 'A'.repeat(43) })
    for (const protocol of [wire.DNS01_PROTOCOL, wire.DNS01_REMOVE_PROTOCOL]) {
      const [answer] = await world.exchange(attacker, world.host('dns1'), protocol, [request])
      const { error } = wire.DNS01Response.decode(answer ?? new Uint8Array())
      world.trace.record(attacker.name, 'answer:received', { error })
    }
    const visible = await world.resolveTxt(`${wire.CHALLENGE_LABEL}.${victim}`)
    world.trace.record(attacker.name, 'challenge:looked-up', { values: visible })
    await world.obtainAll()
  },
  expectations: [
    attackerIsRefused(wire.ERROR_CODES.NOT_AUTHORIZED),
    {
      name: 'the DNS serves nothing of the attacker',
      holds: (world) =>
        world.trace
          .of('challenge:looked-up')
          .every(({ detail }) => (detail['values'] as []).length === 0) || 'it serves a value',
    },
    everyClientHasItsCertificate,
    everyClientIsAnnounced,
  ],
}
