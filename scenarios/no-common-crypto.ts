import { wire } from '../impl/index.ts'
import { attackerIsRefused, nobodyHasACertificate } from './engine/expectations.ts'
import { requestCertificate, requestProof } from './engine/requests.ts'
import { hosts, type Scenario } from './engine/scenario.ts'

/** Number of a key type that does not exist. */
const UNKNOWN_CRYPTO = 7

/** A client and a server without a key type in common. */
export const noCommonCrypto: Scenario = {
  name: 'no-common-crypto',
  title: 'a peer that supports only unknown key types, or none, is refused',
  proves: ['NT-ISSUE-020'],
  clientsMin: 0,
  world: () => ({ hosts: hosts({ proof: 1, dns: 1, issue: 1, attacker: 1 }) }),
  async run(world) {
    const attacker = world.host('attacker1')
    const proofs = [await requestProof(world, attacker, world.host('proof1'))]
    await requestCertificate(world, attacker, { proofs, supportedCryptos: [UNKNOWN_CRYPTO] })
    await requestCertificate(world, attacker, { proofs, supportedCryptos: [] })
  },
  expectations: [attackerIsRefused(wire.ERROR_CODES.NO_MATCHING_CRYPTO), nobodyHasACertificate],
}
