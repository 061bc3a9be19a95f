import type { Libp2p, ServiceMap } from '@libp2p/interface'
import type { Config, DnsConfig, IssueConfig, ProofConfig, Role } from './schema.ts'
import { zoneInit } from './cross-check.ts'
import { isLocal, LOCAL_DISPLAY } from './values.ts'
import { reachableAt } from '../dns-endpoints.ts'
import { dnsServer, type BoundAddress, type DnsServer } from '../dns/index.ts'
import { issueServer, type IssueServerInit } from '../issue/index.ts'
import { proofServer } from '../proof/index.ts'

/** The nodes of a process that have been started. */
export type Running = Readonly<Partial<Record<Role, Libp2p<ServiceMap>>>>

/** Makes a service of its libp2p node's components. */
export type ServiceFactory = (components: never) => object

/**
 * The service that a role's section describes. What is local in it is looked up among the nodes that run.
 * @throws {RangeError | TypeError} from the service, for what only it can judge.
 */
export function roleService(
  role: Role,
  config: Config,
  {
    running,
    onAcmeRequest,
  }: {
    readonly running: Running
    /** Is told of each request to the CA. */
    readonly onAcmeRequest?: NonNullable<IssueServerInit['acme']['onRequest']> | undefined
  },
): ServiceFactory {
  switch (role) {
    case 'proof':
      return proofServer(proofInit(needed(config.proof)))
    case 'dns':
      return dnsServer(dnsInit(needed(config.dns), config))
    case 'issue':
      return issueServer(
        withWatcher(issueInit(needed(config.issue), config, running), onAcmeRequest),
      )
  }
}

/** Where a node's DNS server answers queries; nowhere when it has none. */
export function dnsOf(node: Libp2p<ServiceMap> | undefined): readonly BoundAddress[] {
  return (node?.services['dns'] as DnsServer | undefined)?.addresses ?? []
}

function proofInit({ identityFile, proofKeyFile, rateLimit, denyListFile }: ProofConfig) {
  return {
    proofKey: proofKeyFile ?? identityFile,
    ...(rateLimit === undefined ? {} : { rateLimit }),
    ...(denyListFile === undefined ? {} : { denyListFile }),
  }
}

function dnsInit(section: DnsConfig, config: Config) {
  return {
    ...zoneInit(section, needed(config.zone)),
    listen: section.dnsListen,
    writers: section.writers.map((writer) =>
      isLocal(writer) ? needed(config.issue).identityFile.publicKey.toString() : writer,
    ),
  }
}

function issueInit(section: IssueConfig, config: Config, running: Running): IssueServerInit {
  const { acme, storePath, allowPrivateAddresses, orderTimeoutMs } = section
  const { rateLimit, denyListFile, budgets } = section
  const { certificateAuthorityFile, externalAccount } = acme
  const local = section.proofServers.some(isLocal) ? proofKeyOf(config) : []
  return {
    zone: needed(config.zone),
    proofServers: section.proofServers.map((server) =>
      isLocal(server) ? localProofServer(needed(running.proof), config) : server,
    ),
    proofKeys: [...(section.proofKeys ?? []), ...local],
    dnsServers: section.dnsServers.map((server) =>
      isLocal(server)
        ? localDnsServer(needed(running.dns))
        : { addresses: server.addresses, query: { port: DNS_PORT, ...server.query } },
    ),
    acme: {
      directoryUrl: acme.directoryUrl,
      ...(acme.contacts === undefined ? {} : { contacts: acme.contacts }),
      ...(acme.profile === undefined ? {} : { profile: acme.profile }),
      ...(certificateAuthorityFile === undefined
        ? {}
        : { certificateAuthority: certificateAuthorityFile }),
      ...(externalAccount === undefined
        ? {}
        : { externalAccount: { kid: externalAccount.kid, hmacKey: externalAccount.hmacKeyFile } }),
    },
    storePath,
    ...(allowPrivateAddresses === undefined ? {} : { allowPrivateAddresses }),
    ...(orderTimeoutMs === undefined ? {} : { orderTimeoutMs }),
    ...(rateLimit === undefined ? {} : { rateLimit }),
    ...(denyListFile === undefined ? {} : { denyListFile }),
    ...(budgets === undefined ? {} : { budgets }),
  }
}

function withWatcher(
  init: IssueServerInit,
  onRequest: IssueServerInit['acme']['onRequest'] | undefined,
): IssueServerInit {
  return onRequest === undefined ? init : { ...init, acme: { ...init.acme, onRequest } }
}

const DNS_PORT = 53

function proofKeyOf({ proof }: Config) {
  return proof === undefined ? [] : [(proof.proofKeyFile ?? proof.identityFile).publicKey]
}

function localProofServer(node: Libp2p<ServiceMap>, { proof }: Config) {
  return {
    id: node.peerId,
    addresses: node.getMultiaddrs(),
    display: proof?.display ?? LOCAL_DISPLAY,
  }
}

function localDnsServer(node: Libp2p<ServiceMap>) {
  const [bound] = dnsOf(node)
  return { addresses: node.getMultiaddrs(), query: reachableAt(needed(bound)) }
}

/** What the checks before have made sure of. */
export function needed<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('a part of the configuration was not checked')
  return value
}
