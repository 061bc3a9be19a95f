import { everyClientHasItsCertificate, everyClientIsAnnounced } from './engine/expectations.ts'
import { hosts, type Scenario } from './engine/scenario.ts'

/** How long the client waits for a proof server that says nothing. */
const PROOF_TIMEOUT_MS = 2_000

/** Of three proof servers one refuses connections and one hangs. */
export const failingProofServer: Scenario = {
  name: 'failing-proof-server',
  title:
    'of three proof servers one refuses and one hangs; the client obtains its certificate from the third',
  proves: ['NT-CLIENT-002', 'NT-CLIENT-004'],
  world: (client) => ({
    hosts: hosts({ proof: 3, dns: 2, issue: 1, client }).map((host) =>
      host.role === 'client' ? { ...host, options: { requestTimeoutMs: PROOF_TIMEOUT_MS } } : host,
    ),
    faults: [
      { at: 0, kind: 'refuse', host: 'proof2' },
      { at: 0, kind: 'hang', host: 'proof3' },
    ],
  }),
  async run(world) {
    await world.obtainAll()
  },
  expectations: [
    everyClientHasItsCertificate,
    everyClientIsAnnounced,
    {
      name: 'every client was told of both failures',
      holds(world) {
        for (const { name } of world.clients) {
          const failed = world.trace.of('proof:failed').filter(({ host }) => host === name)
          if (failed.length !== 2) return `${name} reports ${failed.length} failed proof servers`
        }
        return true
      },
    },
  ],
}
