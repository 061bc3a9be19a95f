import type { Config } from './config/index.ts'
import type { Running } from './config/services.ts'
import { CA_PROBES, checkHealth, Probe, roleProbes } from './health/index.ts'
import { budgetRules } from './issue/budgets.ts'
import { StoreReader } from './issue/overview.ts'
import type { ServerMetrics, StoreFacts } from './metrics/index.ts'
import { openOperatorHttp } from './operator-http.ts'
import { collectStatus, statusSources, type Status } from './status/index.ts'

/** The http port of a process. */
export interface OperatorPort {
  readonly address: string
  readonly port: number
  close(): Promise<void>
}

/** It asks each DNS server and reads lists. */
const STATUS_TIMEOUT_MS = 10_000
const STATUS_HOLDS_MS = 5_000

/** Opens the port that the configuration wants, for servers that run. */
export async function openOperatorPort(
  config: Config,
  { running, metrics }: { readonly running: Running; readonly metrics: ServerMetrics },
): Promise<OperatorPort> {
  const { http } = config
  if (http === undefined) throw new TypeError('the configuration has no section "http"')
  const probes = roleProbes(config, running)
  const ca = probes.find(({ name }) => name === 'CA')
  const ofServers = probes.filter(({ name }) => !CA_PROBES.has(name))
  const sources = statusSources(config, {
    running,
    // The CA has a place of its own there.
    servers: () => checkHealth(ofServers),
    ...(ca === undefined ? {} : { caProblem: () => ca.check() }),
  })
  let status: Status | undefined
  const collecting = new Probe({
    name: 'status',
    timeoutMs: STATUS_TIMEOUT_MS,
    holdsMs: STATUS_HOLDS_MS,
    run: async (signal) => {
      status = await collectStatus(sources, { now: Date.now(), signal })
    },
  })
  const server = await openOperatorHttp(http, {
    metrics: () => metrics.text(),
    health: () => checkHealth(probes),
    status: async () => {
      const problem = await collecting.check()
      if (status === undefined || problem !== undefined) throw new Error(problem)
      return status
    },
  })
  return {
    address: server.address,
    port: server.port,
    async close() {
      for (const probe of [...probes, collecting]) probe.stop()
      await server.close()
    },
  }
}

/** What the store of the issue server holds; undefined where there is none to be read. */
export function readStore({ issue }: Config): StoreFacts | undefined {
  if (issue === undefined) return undefined
  const { directoryUrl } = issue.acme
  try {
    using store = new StoreReader({ path: issue.storePath, directoryUrl })
    const now = Date.now()
    const rules = budgetRules(issue.budgets, directoryUrl)
    return {
      ...store.overview(now),
      budgets: store.budgetTotals(rules, now),
      blockedNames: store.blockedNames(rules, now).length,
    }
  } catch {
    // Health says so; metrics leave it out.
    return undefined
  }
}
