import type {
  CalculatedHistogramOptions,
  CalculatedMetricOptions,
  CalculatedSummaryOptions,
  Counter,
  CounterGroup,
  Histogram,
  HistogramGroup,
  HistogramOptions,
  MessageStream,
  Metric,
  MetricGroup,
  MetricOptions,
  Metrics,
  MultiaddrConnection,
  Stream,
  StreamMessageEvent,
  Summary,
  SummaryGroup,
  SummaryOptions,
} from '@libp2p/interface'
import type { Families, Family, FamilyOptions, Kind } from './families.ts'

/**
 * What the libp2p node of one role tells of itself, each series with the label `role`.
 *
 * Not @libp2p/prometheus-metrics: it keeps its metrics in one map of the process, so that of several nodes only the
 * first is heard, and bounds no label.
 */
export class NodeMetrics implements Metrics {
  readonly [Symbol.toStringTag] = 'nodetrust/metrics'
  readonly #role: string
  readonly #families: Families
  /** Since the last scrape; libp2p sends many small messages, and a counter with labels costs more than this. */
  readonly #bytes = new Map<string, number>()

  constructor(role: string, families: Families) {
    this.#role = role
    this.#families = families
    this.registerCounterGroup('libp2p_data_transfer_bytes_total', {
      label: 'protocol',
      help: 'Bytes sent and received, by protocol; global is what went over connections',
      calculate: () => {
        const bytes = Object.fromEntries(this.#bytes)
        this.#bytes.clear()
        return bytes
      },
    })
  }

  trackMultiaddrConnection(connection: MultiaddrConnection): void {
    this.#track(connection, 'global')
  }

  trackProtocolStream(stream: Stream): void {
    if (stream.protocol !== '') this.#track(stream, stream.protocol)
  }

  registerMetric(name: string, options: CalculatedMetricOptions): void
  registerMetric(name: string, options?: MetricOptions): Metric
  registerMetric(name: string, options: Single = {}): Metric {
    return this.#single('gauge', name, options)
  }

  registerMetricGroup(name: string, options: CalculatedMetricOptions<Values>): void
  registerMetricGroup(name: string, options?: MetricOptions): MetricGroup
  registerMetricGroup(name: string, options: Group = {}): MetricGroup {
    return this.#group('gauge', name, options)
  }

  registerCounter(name: string, options: CalculatedMetricOptions): void
  registerCounter(name: string, options?: MetricOptions): Counter
  registerCounter(name: string, options: Single = {}): Counter {
    return this.#single('counter', name, options)
  }

  registerCounterGroup(name: string, options: CalculatedMetricOptions<Values>): void
  registerCounterGroup(name: string, options?: MetricOptions): CounterGroup
  registerCounterGroup(name: string, options: Group = {}): CounterGroup {
    return this.#group('counter', name, options)
  }

  registerHistogram(name: string, options: CalculatedHistogramOptions): void
  registerHistogram(name: string, options?: HistogramOptions): Histogram
  registerHistogram(name: string, options: Single = {}): Histogram {
    return this.#single('histogram', name, options)
  }

  registerHistogramGroup(name: string, options: CalculatedHistogramOptions<Values>): void
  registerHistogramGroup(name: string, options?: HistogramOptions): HistogramGroup
  registerHistogramGroup(name: string, options: Group = {}): HistogramGroup {
    return this.#group('histogram', name, options)
  }

  registerSummary(name: string, options: CalculatedSummaryOptions): void
  registerSummary(name: string, options?: SummaryOptions): Summary
  registerSummary(name: string, options: Single = {}): Summary {
    return this.#single('summary', name, options)
  }

  registerSummaryGroup(name: string, options: CalculatedSummaryOptions<Values>): void
  registerSummaryGroup(name: string, options?: SummaryOptions): SummaryGroup
  registerSummaryGroup(name: string, options: Group = {}): SummaryGroup {
    return this.#group('summary', name, options)
  }

  createTrace(): undefined {
    return undefined
  }

  traceFunction<F>(_name: string, traced: F): F {
    return traced
  }

  #single(kind: Kind, name: string, { calculate, ...options }: Single): SingleMetric {
    const family = this.#families.family(kind, name, options)
    const role = this.#role
    if (calculate !== undefined) {
      family.calculate(role, async () => [['', await calculate()]])
    }
    return {
      update: (value) => family.write(role, '', { operation: 'set', value }),
      increment: (value = 1) => family.write(role, '', { operation: 'add', value }),
      decrement: (value = 1) => family.write(role, '', { operation: 'add', value: -value }),
      observe: (value) => family.write(role, '', { operation: 'observe', value }),
      reset: () => family.reset(role),
      timer: () => timer(family, { role, key: '' }),
    }
  }

  #group(kind: Kind, name: string, { calculate, ...options }: Group): GroupMetric {
    // The label of a group without one is called as the group is.
    const family = this.#families.family(kind, name, { label: name, ...options })
    const role = this.#role
    if (calculate !== undefined) {
      family.calculate(role, async () => Object.entries(await calculate()))
    }
    const each =
      (operation: 'set' | 'add' | 'observe', sign = 1) =>
      (values: Changes): void => {
        for (const [key, value] of Object.entries(values)) {
          if (value === undefined) continue
          family.write(role, key, { operation, value: sign * Number(value) })
        }
      }
    return {
      update: each('set'),
      increment: each('add'),
      decrement: each('add', -1),
      observe: each('observe'),
      reset: () => family.reset(role),
      timer: (key) => timer(family, { role, key }),
    }
  }

  /** A listener of our own would open the stream before its protocol listens, so what passes by is counted. */
  #track(stream: MessageStream, name: string): void {
    const count = (direction: string, length: number): void => {
      const key = `${name} ${direction}`
      this.#bytes.set(key, (this.#bytes.get(key) ?? 0) + length)
    }
    const dispatchEvent = stream.dispatchEvent.bind(stream)
    stream.dispatchEvent = (event) => {
      if (event.type === 'message') {
        count('received', (event as StreamMessageEvent).data.byteLength)
      }
      return dispatchEvent(event)
    }
    const send = stream.send.bind(stream)
    stream.send = (data) => {
      count('sent', data.byteLength)
      return send(data)
    }
  }
}

type Values = Record<string, number>
type Changes = Readonly<Partial<Record<string, number | true>>>
type Single = FamilyOptions & { readonly calculate?: CalculatedMetricOptions['calculate'] }
type Group = FamilyOptions & { readonly calculate?: CalculatedMetricOptions<Values>['calculate'] }

/** All that libp2p's kinds of single metrics can do; each is given out as what it is. */
type SingleMetric = Metric & Histogram & Summary
type GroupMetric = MetricGroup & HistogramGroup & SummaryGroup

function timer(
  family: Family,
  { role, key }: { readonly role: string; readonly key: string },
): () => void {
  const startedAt = performance.now()
  return () => {
    const value = (performance.now() - startedAt) / 1_000
    const operation = family.kind === 'gauge' ? 'set' : 'observe'
    family.write(role, key, { operation, value })
  }
}
