import type { Config } from '../config/index.ts'
import { dnsOf, type Running } from '../config/services.ts'
import { reachableAt } from '../dns-endpoints.ts'
import { reachDirectory } from '../acme-directory.ts'
import type { IssueServer } from '../issue/index.ts'
import { querySoa } from '../issue/soa-query.ts'
import type { ProofServer } from '../proof/index.ts'
import { Probe } from './probe.ts'

const TIMEOUT_MS = 5_000
/** What costs nobody but us anything. */
const HOLDS_MS = 5_000
/** What costs the DNS servers a connection and a write each. */
const HOLDS_DNS_SERVERS_MS = 10_000
/** What costs the CA a request: at most two a minute, whoever asks. */
const HOLDS_CA_MS = 30_000
/** Those that tell of the CA and not of the servers. */
export const CA_PROBES: ReadonlySet<string> = new Set(['CA', 'CA limits'])

/** What can be asked of the servers that run, each under the name of its role. */
export function roleProbes(config: Config, running: Running): readonly Probe[] {
  const probes: Probe[] = []
  const add = (
    name: string,
    run: (signal: AbortSignal) => void | Promise<void>,
    holdsMs = HOLDS_MS,
  ): void => {
    probes.push(new Probe({ name, run, timeoutMs: TIMEOUT_MS, holdsMs }))
  }

  const proof = running.proof?.services['proof'] as ProofServer | undefined
  if (proof !== undefined) add('proof signing', () => proof.probe())

  const { zone } = config
  if (running.dns !== undefined && zone !== undefined) {
    add('dns answers', async (signal) => {
      const bound = dnsOf(running.dns)
      if (bound.length === 0) throw new Error('the dns server does not run')
      for (const endpoint of bound) await querySoa(zone, reachableAt(endpoint), { signal })
    })
  }

  const issue = running.issue?.services['issue'] as IssueServer | undefined
  const acme = config.issue?.acme
  if (issue !== undefined && acme !== undefined) {
    add('store', () => issue.probeStore())
    add('CA limits', () => issue.probeCaPause())
    add('dns servers', (signal) => issue.probeDnsServers(signal), HOLDS_DNS_SERVERS_MS)
    add(
      'CA',
      (signal) =>
        reachDirectory(acme.directoryUrl, {
          certificateAuthority: acme.certificateAuthorityFile,
          signal,
        }),
      HOLDS_CA_MS,
    )
  }
  return probes
}
