import { wire } from '../impl/index.ts'
import { attackerIsRefused, nobodyHasACertificate } from './engine/expectations.ts'
import { requestCertificate } from './engine/requests.ts'
import { hosts, type Scenario } from './engine/scenario.ts'

/** A proof is valid for five minutes: signed by the right server, and too old or too far ahead. */
export const expiredProof: Scenario = {
  name: 'expired-proof',
  title: 'a proof older than five minutes, or from the future, gets nothing',
  proves: ['NT-ISSUE-011', 'NT-ISSUE-012'],
  clientsMin: 0,
  world: () => ({ hosts: hosts({ proof: 1, dns: 1, issue: 1, attacker: 1 }) }),
  async run(world) {
    const attacker = world.host('attacker1')
    const now = Date.now()
    for (const timestamp of [
      now - wire.PROOF_AGE_MS_MAX - 1_000,
      now + wire.PROOF_AGE_MS_MAX + 60_000,
      0,
    ]) {
      // What the proof server signed then, had the attacker asked then.
      const proof = await wire.signProof({
        id: world.peerIdBytes(attacker.peerId),
        addresses: [{ family: 4, address: attacker.place.addresses[4] ?? '' }],
        now: timestamp,
        key: world.host('proof1').privateKey,
      })
      await requestCertificate(world, attacker, { proofs: [proof] })
    }
  },
  expectations: [attackerIsRefused(wire.ERROR_CODES.INVALID_PROOF), nobodyHasACertificate],
}
