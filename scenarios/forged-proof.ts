import { wire } from '../impl/index.ts'
import { attackerIsRefused, nobodyHasACertificate } from './engine/expectations.ts'
import { requestCertificate, requestProof } from './engine/requests.ts'
import { hosts, type Scenario } from './engine/scenario.ts'

/** Proofs that no trusted server signed as they are. */
export const forgedProof: Scenario = {
  name: 'forged-proof',
  title: 'proofs signed by nobody, by a stranger, or changed after signing get nothing',
  proves: ['NT-ISSUE-010', 'NT-ISSUE-015', 'NT-ISSUE-029'],
  clientsMin: 0,
  world: () => ({ hosts: hosts({ proof: 1, dns: 1, issue: 1, attacker: 1 }) }),
  async run(world) {
    const attacker = world.host('attacker1')
    const genuine = await requestProof(world, attacker, world.host('proof1'))
    const { proof, signature } = wire.ProofWrapper.decode(genuine)
    const stated = wire.Proof.decode(proof)
    const elsewhere = wire.Proof.encode({
      ...stated,
      addrs: [{ type: 1, address: '198.51.100.66' }],
    })
    const forgeries = [
      await wire.signProof({
        id: stated.id,
        addresses: [{ family: 4, address: '198.51.100.66' }],
        now: stated.timestamp,
        key: attacker.privateKey,
      }),
      wire.ProofWrapper.encode({ proof: elsewhere, signature }),
      wire.ProofWrapper.encode({ proof, signature: signature.map((byte) => byte ^ 1) }),
      wire.ProofWrapper.encode({ proof, signature: new Uint8Array() }),
    ]
    for (const forgery of forgeries) {
      await requestCertificate(world, attacker, { proofs: [forgery] })
      await requestCertificate(world, attacker, { proofs: [genuine, forgery] })
      await requestCertificate(world, attacker, { proofs: [forgery, genuine] })
    }
  },
  expectations: [attackerIsRefused(wire.ERROR_CODES.INVALID_PROOF), nobodyHasACertificate],
}
