import { X509Certificate } from 'node:crypto'
import { everyClientHasItsCertificate, everyClientIsAnnounced } from './engine/expectations.ts'
import { hosts, type Scenario } from './engine/scenario.ts'

/** A client as of 2018: no CSR, and the private key comes from the issue server. */
export const legacyClient: Scenario = {
  name: 'legacy-client',
  title: 'a client of 2018 sends no CSR and gets a certificate with an RSA key from the server',
  proves: ['NT-ISSUE-032'],
  world: (client) => ({
    hosts: hosts({ proof: 1, dns: 1, issue: 1, client }).map((host) =>
      host.role === 'client' ? { ...host, options: { csr: false } } : host,
    ),
  }),
  async run(world) {
    await world.obtainAll()
  },
  expectations: [
    everyClientHasItsCertificate,
    everyClientIsAnnounced,
    {
      name: 'every key is RSA with 2048 bits or more',
      holds(world) {
        for (const { host, certificate } of world.certificates) {
          const { asymmetricKeyType, asymmetricKeyDetails } = new X509Certificate(certificate)
            .publicKey
          if (asymmetricKeyType !== 'rsa' || (asymmetricKeyDetails?.modulusLength ?? 0) < 2048) {
            return `the key of ${host} is ${asymmetricKeyType}`
          }
        }
        return true
      },
    },
  ],
}
