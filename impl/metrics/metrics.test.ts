// Events in, numbers out: services are stood in for by event targets that dispatch what the real ones do.
import { TypedEventEmitter } from 'main-event'
import { EventEmitter } from 'node:events'
import type { Stream } from '@libp2p/interface'
import { Registry } from 'prom-client'
import { test } from 'tap'
import { DnsCounters } from '../dns/counters.ts'
import type { DnsServerEvents } from '../dns/index.ts'
import type { IssueServerEvents } from '../issue/index.ts'
import { ServerMetrics } from './index.ts'
import { Families, LABEL_VALUES_MAX } from './families.ts'
import { NodeMetrics } from './libp2p.ts'

type Series = ReadonlyMap<string, number>

/** The series of a text, `name{labels}` to value. */
function seriesOf(text: string): Series {
  return new Map(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => {
        const end = line.lastIndexOf(' ')
        return [line.slice(0, end), Number(line.slice(end + 1))]
      }),
  )
}

async function read(metrics: ServerMetrics): Promise<Series> {
  return seriesOf((await metrics.text()).body)
}

const HOUR_MS = 3_600_000
const PEER = '12D3KooWSEAvMtpEvWCS4QznrncL8coCmUCxkHduK6numCkS8US2'
const NAMES = [`p${'a'.repeat(40)}.nt.example`, 'ip4203-0-113-7.nt.example']

test('what an issue server tells becomes counters and durations, without a peer or a name in any label', async (t) => {
  const metrics = new ServerMetrics()
  const service = new TypedEventEmitter<IssueServerEvents>()
  let looks = 0
  const firstEnd = 1_800_000_000_000
  metrics.watch('issue', service, () => {
    looks += 1
    return {
      certificates: { valid: 9, replaced: 4, renewalDue: 2, firstEnd },
      orders: { unfinished: 3 },
      budgets: [{ budget: 'certificatesPerDomain', count: 50, leastLeft: 7, usedUp: 0 }],
      blockedNames: 2,
      pausedUntil: Date.now() + HOUR_MS,
    }
  })
  const order = { peer: PEER, names: NAMES }
  const tell = <K extends keyof IssueServerEvents>(
    type: K,
    detail: IssueServerEvents[K]['detail'],
  ): void => void service.safeDispatchEvent(type, { detail })
  tell('request:received', { peer: PEER })
  tell('request:received', { peer: PEER })
  tell('request:refused', { peer: PEER, code: 1, reason: `too much of ${PEER}`, suppressed: 4 })
  tell('request:refused', { peer: PEER, code: 77, reason: '', suppressed: 0 })
  tell('stream:failed', { peer: PEER, code: 9, reason: '' })
  tell('order:created', { ...order, order: 'https://ca/order/1' })
  tell('order:resumed', { ...order, state: 'ordered' })
  tell('order:failed', { ...order, reason: '', durationMs: 3_000 })
  const certificate = { ...order, serial: 'AA', notBefore: 1, notAfter: 2 }
  tell('certificate:issued', { ...certificate, fromCache: false, durationMs: 1_500 })
  tell('certificate:issued', { ...certificate, fromCache: true, durationMs: 1 })
  tell('challenge:set', { name: NAMES[0] ?? '', server: PEER })
  tell('challenge:failed', { name: NAMES[0] ?? '', server: PEER, reason: '' })
  metrics.onAcmeRequest({ method: 'POST', resource: 'newOrder', status: 201, durationMs: 40 })
  metrics.onAcmeRequest({ method: 'POST', resource: 'newOrder', status: 429, durationMs: 2 })

  const { body, type } = await metrics.text()
  t.match(type, /^text\/plain/)
  const series = seriesOf(body)
  for (const [name, value] of Object.entries({
    nodetrust_issue_requests_total: 2,
    'nodetrust_issue_requests_refused_total{code="rate_limit"}': 5,
    'nodetrust_issue_requests_refused_total{code="other"}': 1,
    'nodetrust_issue_requests_refused_total{code="invalid_proof"}': 0,
    'nodetrust_issue_streams_failed_total{code="other"}': 1,
    nodetrust_orders_created_total: 1,
    nodetrust_orders_resumed_total: 1,
    'nodetrust_order_duration_seconds_count{outcome="failed"}': 1,
    'nodetrust_order_duration_seconds_sum{outcome="failed"}': 3,
    'nodetrust_order_duration_seconds_count{outcome="issued"}': 1,
    'nodetrust_order_duration_seconds_bucket{le="1",outcome="issued"}': 0,
    'nodetrust_order_duration_seconds_bucket{le="2.5",outcome="issued"}': 1,
    'nodetrust_certificates_issued_total{source="ca"}': 1,
    'nodetrust_certificates_issued_total{source="store"}': 1,
    'nodetrust_challenges_total{outcome="set"}': 1,
    'nodetrust_challenges_total{outcome="failed"}': 1,
    'nodetrust_challenges_total{outcome="removed"}': 0,
    'nodetrust_certificates{state="fresh"}': 3,
    'nodetrust_certificates{state="renewal_due"}': 2,
    'nodetrust_certificates{state="replaced"}': 4,
    'nodetrust_certificate_first_end_timestamp_seconds{of="certificates"}': firstEnd / 1_000,
    nodetrust_orders_unfinished: 3,
    'nodetrust_budget_limit{budget="certificatesPerDomain"}': 50,
    'nodetrust_budget_left{budget="certificatesPerDomain"}': 7,
    'nodetrust_budgets_used_up{budget="certificatesPerDomain"}': 0,
    nodetrust_names_blocked: 2,
    'nodetrust_acme_request_duration_seconds_count{resource="newOrder",status="2xx"}': 1,
    'nodetrust_acme_request_duration_seconds_count{resource="newOrder",status="429"}': 1,
  })) {
    t.equal(series.get(name), value, name)
  }
  const pauseSeconds = series.get('nodetrust_ca_pause_seconds') ?? 0
  t.ok(pauseSeconds > 0 && pauseSeconds <= 3_600)
  t.equal(looks, 1, 'the store is looked into once a scrape')
  for (const secret of [PEER, ...NAMES]) t.notMatch(body, secret)
})

test('an issue server without a store to read shows no certificates, and not that they ended in 1970', async (t) => {
  const metrics = new ServerMetrics()
  metrics.watch('issue', new TypedEventEmitter<IssueServerEvents>(), () => undefined)
  const names = [...(await read(metrics)).keys()]
  t.strictSame(
    names.filter((name) => name.startsWith('nodetrust_certificate_') || name.includes('state=')),
    [],
  )
})

test('the counters of a DNS server are read when asked for, and suppressed events count', async (t) => {
  const metrics = new ServerMetrics()
  const counters = new DnsCounters()
  const service = Object.assign(new TypedEventEmitter<DnsServerEvents>(), {
    counters,
    challengeCount: 7,
  })
  metrics.watch('dns', service, () => undefined)
  counters.queriesUdp = 3
  counters.noerror = 2
  counters.dropped = 4
  service.safeDispatchEvent('dns:error', { detail: { reason: 'udp', suppressed: 9 } })
  service.safeDispatchEvent('writer:refused', {
    detail: { writer: PEER, code: 3, reason: '', suppressed: 1 },
  })
  await read(metrics)
  counters.queriesUdp = 5
  const series = await read(metrics)
  for (const [name, value] of Object.entries({
    'nodetrust_dns_queries_total{transport="udp"}': 5,
    'nodetrust_dns_queries_total{transport="tcp"}': 0,
    'nodetrust_dns_answers_total{rcode="noerror"}': 2,
    nodetrust_dns_dropped_total: 4,
    nodetrust_dns_challenges: 7,
    nodetrust_dns_errors_total: 10,
    'nodetrust_dns_writers_refused_total{code="not_authorized"}': 2,
  })) {
    t.equal(series.get(name), value, name)
  }
})

function nodes() {
  const registry = new Registry()
  const families = new Families(registry)
  return {
    proof: new NodeMetrics('proof', families),
    dns: new NodeMetrics('dns', families),
    read: async () => seriesOf(await registry.metrics()),
  }
}

test('a metric of two libp2p nodes is one, with a series for each role', async (t) => {
  const { proof, dns, read: readSeries } = nodes()
  let open = 2
  for (const [node, count] of [
    [proof, () => open],
    [dns, () => 5],
  ] as const) {
    node.registerMetricGroup('libp2p_connections', {
      label: 'direction',
      calculate: () => ({ [count() === 0 ? 'none' : 'inbound']: count() }),
    })
    node.registerCounter('libp2p_dials_total').increment()
    node.registerHistogram('libp2p_wait').observe(0.2)
    node.registerSummary('libp2p_size').observe(4)
    node.registerMetric('libp2p_queue').update(3)
  }
  const first = await readSeries()
  for (const [name, value] of Object.entries({
    'libp2p_connections{role="proof",direction="inbound"}': 2,
    'libp2p_connections{role="dns",direction="inbound"}': 5,
    'libp2p_dials_total{role="proof"}': 1,
    'libp2p_dials_total{role="dns"}': 1,
    'libp2p_wait_count{role="dns"}': 1,
    'libp2p_size_sum{role="dns"}': 4,
    'libp2p_queue{role="proof"}': 3,
  })) {
    t.equal(first.get(name), value, name)
  }
  open = 0
  const second = await readSeries()
  t.notOk(second.has('libp2p_connections{role="proof",direction="inbound"}'), 'gone is gone')
  t.equal(second.get('libp2p_connections{role="dns",direction="inbound"}'), 5)
})

test('a label has a bounded number of values for each role, however many a stranger makes', async (t) => {
  const { proof, dns, read: readSeries } = nodes()
  const errors = proof.registerCounterGroup('libp2p_errors_total', { label: 'error' })
  for (let index = 0; index < 10_000; index += 1) errors.increment({ [`error ${index}`]: true })
  dns.registerCounterGroup('libp2p_errors_total', { label: 'error' }).increment({ mine: 2 })
  const series = [...(await readSeries())].filter(([name]) => name.startsWith('libp2p_errors'))
  t.equal(series.length, LABEL_VALUES_MAX + 2)
  t.equal(series.find(([name]) => name.includes('error="other"'))?.[1], 10_000 - LABEL_VALUES_MAX)
  t.equal(series.find(([name]) => name.includes('role="dns",error="mine"'))?.[1], 2)
})

test('a metric that cannot be calculated, and a value that is no number, spoil no scrape', async (t) => {
  const { proof, read: readSeries } = nodes()
  proof.registerMetric('libp2p_broken', {
    calculate: () => Promise.reject(new Error('broken')),
  })
  proof.registerMetric('libp2p_nan').update(Number.NaN)
  proof.registerCounter('libp2p_back').increment(-1)
  proof.registerMetric('libp2p fine/name').update(1)
  const series = await readSeries()
  t.equal(series.get('libp2p_fine_name{role="proof"}'), 1)
  t.notOk(series.has('libp2p_broken{role="proof"}'))
  t.notOk(series.has('libp2p_nan{role="proof"}'))
})

test('bytes are counted by protocol as they pass, and a stream without a reader keeps its first bytes', async (t) => {
  const { proof, read: readSeries } = nodes()
  const stream = fakeStream('/echo/1')
  proof.trackProtocolStream(stream as unknown as Stream)
  t.equal(stream.listenerCount('message'), 0, 'a listener would take what the protocol waits for')
  stream.dispatchEvent({ type: 'message', data: { byteLength: 5 } })
  stream.send({ byteLength: 3 })
  stream.dispatchEvent({ type: 'close' })
  const name = (direction: string): string =>
    `libp2p_data_transfer_bytes_total{role="proof",protocol="/echo/1 ${direction}"}`
  await readSeries()
  stream.send({ byteLength: 4 })
  const series = await readSeries()
  t.equal(series.get(name('received')), 5)
  t.equal(series.get(name('sent')), 7)
  t.equal(stream.dispatched, 2)
})

function fakeStream(protocol: string) {
  const emitter = new EventEmitter()
  return {
    protocol,
    dispatched: 0,
    listenerCount: (type: string) => emitter.listenerCount(type),
    dispatchEvent(_event: { readonly type: string; readonly data?: { byteLength: number } }) {
      this.dispatched += 1
      return true
    },
    send: (_data: { readonly byteLength: number }) => true,
  }
}
