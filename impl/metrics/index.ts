// What the servers of a process count, for Prometheus: their own events and counters, libp2p's metrics, the process.
import type { Metrics as Libp2pMetrics } from '@libp2p/interface'
import { collectDefaultMetrics, Registry } from 'prom-client'
import type { Role } from '../config/schema.ts'
import type { DnsServer } from '../dns/index.ts'
import type { IssueServer } from '../issue/index.ts'
import type { ProofServer } from '../proof/index.ts'
import { watchDns } from './dns.ts'
import { Families } from './families.ts'
import { acmeRequests, watchIssue, type AcmeRequestWatcher, type StoreFacts } from './issue.ts'
import { NodeMetrics } from './libp2p.ts'
import { watchProof } from './proof.ts'

export type { StoreFacts } from './issue.ts'

/** The metrics of the servers of one process. */
export class ServerMetrics {
  readonly #registry = new Registry()
  readonly #families = new Families(this.#registry)
  /** To be told of each request to the CA. */
  readonly onAcmeRequest: AcmeRequestWatcher

  constructor() {
    collectDefaultMetrics({ register: this.#registry })
    this.onAcmeRequest = acmeRequests(this.#registry)
  }

  /** What `createLibp2p` takes as `metrics` of a role's node. */
  ofNode(role: Role): () => Libp2pMetrics {
    return () => new NodeMetrics(role, this.#families)
  }

  /** Counts what a role's service does. `readStore` looks into that of the issue server. */
  watch(role: Role, service: object, readStore: () => StoreFacts | undefined): void {
    switch (role) {
      case 'proof':
        return watchProof(service as ProofServer, this.#registry)
      case 'dns':
        return watchDns(service as DnsServer, this.#registry)
      case 'issue':
        return watchIssue(service as IssueServer, { registry: this.#registry, readStore })
    }
  }

  /** In Prometheus' text format. */
  async text(): Promise<{ readonly type: string; readonly body: string }> {
    return { type: this.#registry.contentType, body: await this.#registry.metrics() }
  }
}
