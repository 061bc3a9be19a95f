import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { AcmeRequestRecord } from '../issue/acme/index.ts'
import type { IssueServer } from '../issue/index.ts'
import type { BudgetTotal } from '../issue/budget-state.ts'
import type { StoreOverview } from '../issue/overview.ts'
import { CODE_LABELS, codeLabel } from './codes.ts'

export type AcmeRequestWatcher = (record: AcmeRequestRecord) => void

/** Up to the 120 s that an order may take. */
const ORDER_BUCKETS_SECONDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 120]
/** Up to the 10 s that a request may take. */
const REQUEST_BUCKETS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** What the store of an issue server says to metrics. */
export interface StoreFacts extends StoreOverview {
  readonly budgets: readonly BudgetTotal[]
  /** Names that no order is made for, because their validation has failed. */
  readonly blockedNames: number
}

/** Counts what an issue server does, and looks into its store when somebody asks. */
export function watchIssue(
  server: IssueServer,
  {
    registry,
    readStore,
  }: { readonly registry: Registry; readonly readStore: () => StoreFacts | undefined },
): void {
  const registers = [registry]
  const counter = (name: string, help: string): Counter => new Counter({ name, help, registers })
  const byCode = (name: string, help: string): Counter => {
    const made = new Counter({ name, help, labelNames: ['code'], registers })
    for (const code of CODE_LABELS) made.inc({ code }, 0)
    return made
  }

  const received = counter('nodetrust_issue_requests_total', 'Requests for a certificate')
  const refused = byCode(
    'nodetrust_issue_requests_refused_total',
    'Requests that were refused, by the error of the protocol',
  )
  const streams = byCode(
    'nodetrust_issue_streams_failed_total',
    'Streams that ended without an answer: malformed, too slow, one too many',
  )
  server.addEventListener('request:received', () => received.inc())
  // Events that strangers cause are bounded; those left out count with the next.
  server.addEventListener('request:refused', ({ detail }) => {
    refused.inc({ code: codeLabel(detail.code) }, 1 + detail.suppressed)
  })
  server.addEventListener('stream:failed', ({ detail }) => {
    streams.inc({ code: codeLabel(detail.code) })
  })

  const created = counter('nodetrust_orders_created_total', 'Orders that the CA has made')
  const resumed = counter('nodetrust_orders_resumed_total', 'Orders taken up after a restart')
  const duration = new Histogram({
    name: 'nodetrust_order_duration_seconds',
    help: 'Time from the start of an order to its end, issued or failed',
    labelNames: ['outcome'],
    buckets: ORDER_BUCKETS_SECONDS,
    registers,
  })
  const issued = new Counter({
    name: 'nodetrust_certificates_issued_total',
    help: 'Certificates handed out: new ones of the CA, and those kept in the store',
    labelNames: ['source'],
    registers,
  })
  for (const outcome of ['issued', 'failed']) duration.zero({ outcome })
  for (const source of ['ca', 'store']) issued.inc({ source }, 0)
  server.addEventListener('order:created', () => created.inc())
  server.addEventListener('order:resumed', () => resumed.inc())
  server.addEventListener('order:failed', ({ detail }) => {
    duration.observe({ outcome: 'failed' }, detail.durationMs / 1_000)
  })
  server.addEventListener('certificate:issued', ({ detail }) => {
    issued.inc({ source: detail.fromCache ? 'store' : 'ca' })
    if (!detail.fromCache) duration.observe({ outcome: 'issued' }, detail.durationMs / 1_000)
  })

  const challenges = new Counter({
    name: 'nodetrust_challenges_total',
    help: 'Challenges on DNS servers, once for each server, by what became of them',
    labelNames: ['outcome'],
    registers,
  })
  for (const outcome of ['set', 'removed', 'failed']) challenges.inc({ outcome }, 0)
  server.addEventListener('challenge:set', () => challenges.inc({ outcome: 'set' }))
  server.addEventListener('challenge:removed', () => challenges.inc({ outcome: 'removed' }))
  server.addEventListener('challenge:failed', () => challenges.inc({ outcome: 'failed' }))

  watchStore(readStore, registry)
}

function watchStore(readStore: () => StoreFacts | undefined, registry: Registry): void {
  const registers = [registry]
  // One look for all, with the first that is collected; prom-client collects in the order of making.
  let found: StoreFacts | undefined
  new Gauge({
    name: 'nodetrust_certificates',
    help: 'Certificates in the store that have not ended; renewal_due are past the time at which clients renew, of replaced ones the peer has a newer one',
    labelNames: ['state'],
    registers,
    collect() {
      found = readStore()
      this.reset()
      if (found === undefined) return
      const { valid, replaced, renewalDue } = found.certificates
      this.set({ state: 'fresh' }, valid - replaced - renewalDue)
      this.set({ state: 'renewal_due' }, renewalDue)
      this.set({ state: 'replaced' }, replaced)
    },
  })
  new Gauge({
    name: 'nodetrust_certificate_first_end_timestamp_seconds',
    help: 'When the first of the certificates in the store ends, replaced ones left out; absent when there is none',
    // A gauge without labels is 0 until it is set, and 1970 would be an alarm.
    labelNames: ['of'],
    registers,
    collect() {
      this.reset()
      const firstEnd = found?.certificates.firstEnd
      if (firstEnd !== undefined) this.set({ of: 'certificates' }, firstEnd / 1_000)
    },
  })
  new Gauge({
    name: 'nodetrust_orders_unfinished',
    help: 'Orders under way, or waiting for somebody to ask again',
    registers,
    collect() {
      this.set(found?.orders.unfinished ?? 0)
    },
  })
  const ofBudgets = (
    name: string,
    { help, value }: { readonly help: string; readonly value: (total: BudgetTotal) => number },
  ): Gauge =>
    new Gauge({
      name,
      help,
      labelNames: ['budget'],
      registers,
      collect() {
        this.reset()
        for (const total of found?.budgets ?? []) this.set({ budget: total.budget }, value(total))
      },
    })
  ofBudgets('nodetrust_budget_limit', {
    help: "The CA's limits that the issue server keeps to",
    value: ({ count }) => count,
  })
  ofBudgets('nodetrust_budget_left', {
    help: 'What is left of a limit; where it is one for each domain, set of names or name, the least that any has left',
    value: ({ leastLeft }) => leastLeft,
  })
  ofBudgets('nodetrust_budgets_used_up', {
    help: 'Domains, sets of names or names for which nothing is left of a limit',
    value: ({ usedUp }) => usedUp,
  })
  new Gauge({
    name: 'nodetrust_names_blocked',
    help: 'Names that no order is made for, because their validation has failed',
    registers,
    collect() {
      this.set(found?.blockedNames ?? 0)
    },
  })
  new Gauge({
    name: 'nodetrust_ca_pause_seconds',
    help: 'How long no order goes on because the CA limits us; 0 when it does not',
    registers,
    collect() {
      this.set(Math.max(0, ((found?.pausedUntil ?? 0) - Date.now()) / 1_000))
    },
  })
}

/** Counts the requests to the CA. What there is of resources and statuses is bounded by the protocol. */
export function acmeRequests(registry: Registry): AcmeRequestWatcher {
  const duration = new Histogram({
    name: 'nodetrust_acme_request_duration_seconds',
    help: 'Requests that the CA answered, by resource and class of status; 429 is a class of its own',
    labelNames: ['resource', 'status'],
    buckets: REQUEST_BUCKETS_SECONDS,
    registers: [registry],
  })
  return ({ resource, status, durationMs }) => {
    const statusClass = status === 429 ? '429' : `${Math.floor(status / 100)}xx`
    duration.observe({ resource, status: statusClass }, durationMs / 1_000)
  }
}
