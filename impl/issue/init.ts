import type { PeerId, PublicKey } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { parseZone } from '../wire/names.ts'
import type { StreamLimits } from '../wire/serve.ts'
import type { RateLimit } from '../wire/rate-limiter.ts'
import type { AcmeRequestRecord, ExternalAccount } from './acme/index.ts'
import { budgetRules, type BudgetsInit } from './budgets.ts'
import type { DnsServerInit } from './challenges.ts'

/** A proof server that clients are sent to. */
export interface ProofServerAddress {
  readonly id: PeerId
  readonly addresses: readonly Multiaddr[]
  /** A name for people; another one for each server. */
  readonly display: string
}

/** Options of `issueServer`. */
export interface IssueServerInit {
  /** The domain that certificates are issued for. */
  readonly zone: string
  readonly proofServers: readonly ProofServerAddress[]
  /** A proof signed with any of these is believed (NT-ISSUE-036). */
  readonly proofKeys: readonly PublicKey[]
  /** The zone's DNS servers: all of them get every challenge. */
  readonly dnsServers: readonly DnsServerInit[]
  readonly acme: {
    readonly directoryUrl: string
    /** PEM that the CA's own HTTPS certificate is verified with. @default Node's own roots */
    readonly certificateAuthority?: string
    /** Such as `mailto:operator@example.org`. */
    readonly contacts?: readonly string[]
    readonly externalAccount?: ExternalAccount
    readonly profile?: string
    /** Bound on each request, in ms. @default 10_000 */
    readonly requestTimeoutMs?: number
    /** Called after each request that the CA answered, for metrics. */
    readonly onRequest?: (record: AcmeRequestRecord) => void
  }
  /** File for account, orders and certificates: made with mode 0600, its folder with 0700. */
  readonly storePath: string
  /** Certify addresses that the public Internet does not route. For tests. @default false (NT-ISSUE-034) */
  readonly allowPrivateAddresses?: boolean
  /**
   * The CA's limits, which are kept here, so that they are never reached there.
   * @default those of the CA whose directory it is; none for a CA that we do not know
   */
  readonly budgets?: BudgetsInit
  /** Requests that one peer, and one IPv4 address or IPv6 /64, may make. @default 20 at once, then 1 every 3 s */
  readonly rateLimit?: RateLimit
  /** File of peer ids, addresses and networks that get no certificate; read again when it changes. */
  readonly denyListFile?: string
  /** Total time for one order, in ms. @default 120_000 (NT-ISSUE-028) */
  readonly orderTimeoutMs?: number
  /** Orders at once. @default 32 */
  readonly ordersRunningMax?: number
  /** Orders that wait for that; what comes then gets E_RATE_LIMIT. @default 512 */
  readonly ordersWaitingMax?: number
  /** Streams of each protocol. @default 32 of a peer, 2048 in total */
  readonly streams?: StreamLimits
  /** Time for reading one request, in ms. @default 10_000 (NT-WIRE-009) */
  readonly requestTimeoutMs?: number
}

/**
 * Checks what only the operator can have got wrong; returns the zone in its one form.
 * @throws {TypeError | RangeError} that names the option.
 */
export function checkInit(init: IssueServerInit): string {
  const zone = parseZone(init.zone)
  if (zone === undefined)
    throw new TypeError(`zone "${init.zone}" is not a domain name of use here`)
  budgetRules(init.budgets, init.acme.directoryUrl)
  if (init.proofKeys.length === 0) throw new TypeError('proofKeys is empty: no proof is trusted')
  if (init.dnsServers.length === 0)
    throw new TypeError('dnsServers is empty: no challenge can be set')
  for (const { addresses } of init.dnsServers) {
    if (addresses.length === 0) throw new TypeError('dnsServers has an entry without addresses')
    for (const address of addresses) {
      // The id authenticates the server: without it anybody at that address would do.
      if (peerIdOf(address) === undefined) {
        throw new TypeError(
          `dnsServers address "${address.toString()}" does not end in /p2p/<peer id>`,
        )
      }
    }
  }
  const displays = new Set<string>()
  for (const { id, addresses, display } of init.proofServers) {
    if (display === '' || displays.has(display)) {
      throw new TypeError(`proofServers display "${display}" is empty or not unique`)
    }
    displays.add(display)
    for (const address of addresses) {
      const named = peerIdOf(address)
      // NT-ISSUE-002: a client would refuse the server at such an address.
      if (named !== undefined && named !== id.toString()) {
        throw new TypeError(
          `proofServers address "${address.toString()}" names another peer than "${id.toString()}"`,
        )
      }
    }
  }
  return zone
}

function peerIdOf(address: Multiaddr): string | undefined {
  const last = address.getComponents().at(-1)
  return last?.name === 'p2p' ? last.value : undefined
}
