// What an operator asks first: which certificates there are, what is under way, whether the DNS servers and the CA
// answer. Collected from outside of the servers, so that it works while they run and while they do not.
import type { BudgetState } from '../issue/budget-state.ts'
import type { BudgetName, BudgetRules } from '../issue/budgets.ts'
import {
  StoreReader,
  type BlockedNameRow,
  type CertificateRow,
  type OrderRow,
} from '../issue/overview.ts'
import { querySoa } from '../issue/soa-query.ts'
import type { DnsEndpoint } from '../issue/dns-query.ts'

export { statusSources } from './sources.ts'

/** Where a status is collected from; what a configuration does not have is left out. */
export interface StatusSources {
  readonly zone: string | undefined
  /** The DNS servers of the zone, as this machine reaches them. */
  readonly dnsServers: readonly DnsEndpoint[]
  readonly issue:
    | {
        readonly storePath: string
        readonly directoryUrl: string
        readonly rules: BudgetRules
        /** What is wrong with the CA, if anything. */
        readonly caProblem: (signal: AbortSignal) => Promise<string | undefined>
      }
    | undefined
  /** What the servers say of themselves; undefined when nobody can tell. */
  readonly servers:
    | ((signal: AbortSignal) => Promise<{ readonly problems: readonly string[] }>)
    | undefined
}

/** Times are ISO 8601. */
export interface Status {
  readonly zone?: string
  readonly time: string
  /** Whether the servers of this configuration run and can work. */
  readonly servers?: { readonly problems: readonly string[] }
  readonly ca?: {
    readonly directoryUrl: string
    readonly problem?: string
    /** It limits us: no order goes on before. */
    readonly pausedUntil?: string
  }
  readonly dnsServers: readonly DnsServerStatus[]
  /** At most {@link LIST_MAX}, those that end first first, those replaced last; `certificateCount` is of all. */
  readonly certificates: readonly CertificateStatus[]
  readonly certificateCount: number
  /** Likewise, the oldest first. */
  readonly orders: readonly OrderStatus[]
  readonly orderCount: number
  /** What is left of the CA's limits: of the account, of the zone, and what is used most of the others. */
  readonly budgets: readonly BudgetStatus[]
  /** Names that no order is made for, because their validation has failed; those that wait longest first. */
  readonly blockedNames: readonly BlockedNameStatus[]
  readonly blockedNameCount: number
  /** One sentence for each thing that needs a person; empty when all is well. */
  readonly problems: readonly string[]
}

export interface DnsServerStatus {
  readonly address: string
  readonly port: number
  /** The SOA record that it answers with. */
  readonly answer?: string
  readonly problem?: string
  /** Whether it answers as most do. */
  readonly inStep: boolean
}

export interface CertificateStatus {
  readonly peer: string
  readonly names: readonly string[]
  readonly serial: string
  readonly ends: string
  /** When its peer should ask for the next, give or take some jitter. */
  readonly renews: string
  /** Its peer has a newer one for the same names. */
  readonly replaced?: true
}

export interface OrderStatus {
  readonly peer: string
  readonly names: readonly string[]
  readonly state: string
  readonly since: string
  readonly error?: string
}

export interface BudgetStatus {
  readonly budget: BudgetName
  /** What it is counted for: a domain, a name, the names of a set; empty for the account. */
  readonly key: string
  readonly count: number
  readonly periodMs: number
  readonly left: number
  /** When the next one comes back; absent where none is used. */
  readonly next?: string
}

export interface BlockedNameStatus {
  readonly name: string
  /** Who asked for it last. */
  readonly peer?: string
  /** In a row. */
  readonly failures: number
  readonly until: string
}

/** Rows of each list. */
export const LIST_MAX = 1_000
/** Two tries of a query and more. */
const DNS_TIMEOUT_MS = 3_000

/** Collects a status. Never throws: what cannot be learned is a problem. */
export async function collectStatus(
  sources: StatusSources,
  { now, signal }: { readonly now: number; readonly signal: AbortSignal },
): Promise<Status> {
  const { zone, issue } = sources
  const [dnsServers, caProblem, servers] = await Promise.all([
    zone === undefined ? [] : askDnsServers(zone, sources.dnsServers, signal),
    issue?.caProblem(signal),
    sources.servers?.(signal),
  ])
  const stored = issue === undefined ? EMPTY : readStore(issue, { zone: zone ?? '', now })
  const pausedUntil = stored.pausedUntil === undefined ? undefined : isoTime(stored.pausedUntil)
  const problems = [
    ...(servers?.problems ?? []).map((problem) => `servers: ${problem}`),
    ...(caProblem === undefined ? [] : [`CA: ${caProblem}`]),
    ...(pausedUntil === undefined ? [] : [`CA: limits us, no order goes on before ${pausedUntil}`]),
    ...dnsServers.flatMap((server) => (server.inStep ? [] : [`DNS server ${dnsProblem(server)}`])),
    ...(stored.problem === undefined ? [] : [stored.problem]),
  ]
  return {
    ...(zone === undefined ? {} : { zone }),
    time: isoTime(now),
    ...(servers === undefined ? {} : { servers: { problems: servers.problems } }),
    ...(issue === undefined
      ? {}
      : {
          ca: {
            directoryUrl: issue.directoryUrl,
            ...(caProblem === undefined ? {} : { problem: caProblem }),
            ...(pausedUntil === undefined ? {} : { pausedUntil }),
          },
        }),
    dnsServers,
    certificates: stored.certificates.map(certificateStatus),
    certificateCount: stored.certificateCount,
    orders: stored.orders.map(orderStatus),
    orderCount: stored.orderCount,
    budgets: stored.budgets.map(budgetStatus),
    blockedNames: stored.blockedNames.slice(0, LIST_MAX).map(blockedNameStatus),
    blockedNameCount: stored.blockedNames.length,
    problems,
  }
}

async function askDnsServers(
  zone: string,
  servers: readonly DnsEndpoint[],
  signal: AbortSignal,
): Promise<readonly DnsServerStatus[]> {
  const asked = await Promise.all(
    servers.map(async ({ address, port }) => {
      const deadline = AbortSignal.timeout(DNS_TIMEOUT_MS)
      try {
        const { primary, hostmaster, serial } = await querySoa(
          zone,
          { address, port },
          { signal: AbortSignal.any([signal, deadline]) },
        )
        return { address, port, answer: `${primary} ${hostmaster} ${serial}` }
      } catch (error) {
        const problem = deadline.aborted ? `no answer within ${DNS_TIMEOUT_MS} ms` : sentence(error)
        return { address, port, problem }
      }
    }),
  )
  const usual = mostFrequent(asked.flatMap(({ answer }) => answer ?? []))
  return asked.map((server) => ({
    ...server,
    inStep: server.answer !== undefined && server.answer === usual,
  }))
}

/** The first of those that are there most often. */
function mostFrequent(texts: readonly string[]): string | undefined {
  const counts = Map.groupBy(texts, (text) => text)
  return [...counts.values()].toSorted((a, b) => b.length - a.length)[0]?.[0]
}

function dnsProblem({ address, port, answer, problem }: DnsServerStatus): string {
  return `${address} port ${port} ${problem === undefined ? `answers "${answer}", others do not` : `fails: ${problem}`}`
}

interface Stored {
  readonly certificates: readonly CertificateRow[]
  readonly certificateCount: number
  readonly orders: readonly OrderRow[]
  readonly orderCount: number
  readonly budgets: readonly BudgetState[]
  readonly blockedNames: readonly BlockedNameRow[]
  readonly pausedUntil?: number | undefined
  readonly problem?: string
}

const EMPTY: Stored = {
  certificates: [],
  certificateCount: 0,
  orders: [],
  orderCount: 0,
  budgets: [],
  blockedNames: [],
}

function readStore(
  { storePath, directoryUrl, rules }: NonNullable<StatusSources['issue']>,
  { zone, now }: { readonly zone: string; readonly now: number },
): Stored {
  try {
    using store = new StoreReader({ path: storePath, directoryUrl })
    const { certificates, orders, pausedUntil } = store.overview(now)
    return {
      certificates: store.certificates(now, { max: LIST_MAX }),
      certificateCount: certificates.valid,
      orders: store.unfinishedOrders({ max: LIST_MAX }),
      orderCount: orders.unfinished,
      budgets: store.budgets({ rules, zone }, now),
      blockedNames: store.blockedNames(rules, now),
      pausedUntil,
    }
  } catch (error) {
    return { ...EMPTY, problem: sentence(error) }
  }
}

function certificateStatus(row: CertificateRow): CertificateStatus {
  const { peer, names, serial, notAfter, renewAt, replaced } = row
  const times = { ends: isoTime(notAfter), renews: isoTime(renewAt) }
  return { peer, names, serial, ...times, ...(replaced ? { replaced } : {}) }
}

function orderStatus({ peer, names, state, createdAt, error }: OrderRow): OrderStatus {
  const since = isoTime(createdAt)
  return { peer, names, state, since, ...(error === undefined ? {} : { error }) }
}

function budgetStatus({ nextAt, ...budget }: BudgetState): BudgetStatus {
  return { ...budget, ...(nextAt === undefined ? {} : { next: isoTime(nextAt) }) }
}

function blockedNameStatus({ until, ...row }: BlockedNameRow): BlockedNameStatus {
  return { ...row, until: isoTime(until) }
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
