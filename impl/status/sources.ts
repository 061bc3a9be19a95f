import { reachDirectory } from '../acme-directory.ts'
import { isLocal, type Config } from '../config/index.ts'
import { dnsOf, type Running } from '../config/services.ts'
import { reachableAt } from '../dns-endpoints.ts'
import { budgetRules } from '../issue/budgets.ts'
import type { DnsEndpoint } from '../issue/dns-query.ts'
import type { StatusSources } from './index.ts'

const DNS_PORT = 53

/**
 * What a configuration says of where to look.
 * @param options.running - the servers of this process, if it has them: they know the ports that were chosen
 * @param options.caProblem - how to ask for the CA, where somebody remembers the answer; asks each time by default
 */
export function statusSources(
  config: Config,
  options: {
    readonly servers: StatusSources['servers']
    readonly running?: Running
    readonly caProblem?: () => Promise<string | undefined>
  },
): StatusSources {
  const { zone, issue } = config
  return {
    zone,
    dnsServers: dnsServers(config, options.running),
    issue:
      issue === undefined
        ? undefined
        : {
            storePath: issue.storePath,
            directoryUrl: issue.acme.directoryUrl,
            rules: budgetRules(issue.budgets, issue.acme.directoryUrl),
            caProblem:
              options.caProblem ??
              ((signal) =>
                reachDirectory(issue.acme.directoryUrl, {
                  certificateAuthority: issue.acme.certificateAuthorityFile,
                  signal,
                }).then(
                  () => undefined,
                  (error: Error) => error.message,
                )),
          },
    servers: options.servers,
  }
}

/** Those that the issue server writes to, and our own. */
function dnsServers({ dns, issue }: Config, running: Running | undefined): readonly DnsEndpoint[] {
  const bound = dnsOf(running?.dns)
  const configured = (dns?.dnsListen ?? []).map(({ address, port = DNS_PORT }) => ({
    address,
    port,
  }))
  const own = (bound.length > 0 ? bound : configured).map(reachableAt)
  const others = (issue?.dnsServers ?? []).flatMap((server) =>
    isLocal(server) ? [] : [{ port: DNS_PORT, ...server.query }],
  )
  const all = [...own, ...others]
  // Ours may be written down as that of the issue server too.
  return all.filter(
    ({ address, port }, index) =>
      all.findIndex((other) => other.address === address && other.port === port) === index,
  )
}
