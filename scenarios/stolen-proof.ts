import { wire } from '../impl/index.ts'
import { attackerIsRefused, nobodyHasACertificate } from './engine/expectations.ts'
import { requestCertificate, requestProof } from './engine/requests.ts'
import { hosts, type Scenario } from './engine/scenario.ts'

/** The proof of another peer is worth nothing: the hole of the 2018 server, which never compared the ids. */
export const stolenProof: Scenario = {
  name: 'stolen-proof',
  title: 'a peer presents the proof of another peer and gets nothing',
  proves: ['NT-ISSUE-013', 'NT-ISSUE-015'],
  clientsMin: 0,
  world: () => ({ hosts: hosts({ proof: 1, dns: 1, issue: 1, attacker: 2 }) }),
  async run(world) {
    const proofServer = world.host('proof1')
    const [thief, victim] = [world.host('attacker1'), world.host('attacker2')]
    const stolen = await requestProof(world, victim, proofServer)
    await requestCertificate(world, thief, { proofs: [stolen] })
    const own = await requestProof(world, thief, proofServer)
    await requestCertificate(world, thief, { proofs: [own, stolen] })
    await requestCertificate(world, thief, { proofs: [stolen, own] })
  },
  expectations: [attackerIsRefused(wire.ERROR_CODES.INVALID_PROOF), nobodyHasACertificate],
}
