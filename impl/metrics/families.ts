import { Counter, Gauge, Histogram, Summary, type Registry } from 'prom-client'

/** What a Prometheus metric can be. */
export type Kind = 'gauge' | 'counter' | 'histogram' | 'summary'

export interface FamilyOptions {
  /** Name of the one label beside `role`. */
  readonly label?: string
  readonly help?: string
  readonly buckets?: readonly number[]
  readonly percentiles?: readonly number[]
  readonly maxAgeSeconds?: number
  readonly ageBuckets?: number
  readonly pruneAgedBuckets?: boolean
  readonly compressCount?: number
}

export interface Change {
  readonly operation: 'set' | 'add' | 'observe'
  readonly value: number
}

/** Values of a label that a metric keeps apart, for each role; the rest are counted as `other`. */
export const LABEL_VALUES_MAX = 64
const OTHER = 'other'

/** The metrics of several libp2p nodes in one registry: a metric of the same name is one, with a label for the role. */
export class Families {
  readonly #registry: Registry
  readonly #families = new Map<string, Family>()

  constructor(registry: Registry) {
    this.#registry = registry
  }

  /** The metric of that name; made when it is the first. */
  family(kind: Kind, name: string, options: FamilyOptions): Family {
    const safe = safeName(name)
    let family = this.#families.get(safe)
    if (family === undefined) {
      family = new Family(kind, { name: safe, options, registry: this.#registry })
      this.#families.set(safe, family)
    }
    return family
  }
}

type Labels = Readonly<Record<string, string>>
type Calculation = () => Promise<readonly (readonly [string, number])[]>

/** One metric of all nodes. */
export class Family {
  readonly kind: Kind
  readonly #label: string | undefined
  readonly #metric: Gauge | Counter | Histogram | Summary
  readonly #values = new Map<string, Set<string>>()
  readonly #calculations: { readonly role: string; readonly calculation: Calculation }[] = []

  constructor(
    kind: Kind,
    init: { readonly name: string; readonly options: FamilyOptions; readonly registry: Registry },
  ) {
    const { label, help, buckets, percentiles, ...rest } = init.options
    this.kind = kind
    this.#label = label === undefined ? undefined : safeName(label)
    const configuration = {
      name: init.name,
      help: help ?? `Of libp2p: ${init.name}`,
      labelNames: ['role', ...(this.#label === undefined ? [] : [this.#label])],
      registers: [init.registry],
      collect: () => this.#collect(),
    }
    switch (kind) {
      case 'gauge':
        this.#metric = new Gauge(configuration)
        break
      case 'counter':
        this.#metric = new Counter(configuration)
        break
      case 'histogram':
        this.#metric = new Histogram({
          ...configuration,
          ...(buckets === undefined ? {} : { buckets: [...buckets] }),
        })
        break
      case 'summary':
        this.#metric = new Summary({
          ...configuration,
          ...rest,
          ...(percentiles === undefined ? {} : { percentiles: [...percentiles] }),
        })
        break
    }
  }

  /** Changes one series; `key` is the value of the label, or empty where the metric has none. */
  write(role: string, key: string, { operation, value }: Change): void {
    if (!Number.isFinite(value)) return
    const labels = this.#labels(role, key)
    const metric = this.#metric
    if (metric instanceof Gauge) {
      if (operation === 'set') metric.set(labels, value)
      else metric.inc(labels, value)
    } else if (metric instanceof Counter) {
      // Counters only grow; prom-client throws where libp2p would not expect it.
      if (value >= 0) metric.inc(labels, value)
    } else {
      metric.observe(labels, value)
    }
  }

  /** Calculates series when they are asked for: of a counter what is new, of all others what is. */
  calculate(role: string, calculation: Calculation): void {
    this.#calculations.push({ role, calculation })
  }

  reset(role: string): void {
    for (const key of this.#values.get(role) ?? []) this.#metric.remove(this.#named(role, key))
    this.#values.delete(role)
  }

  async #collect(): Promise<void> {
    for (const { role, calculation } of this.#calculations) {
      const entries = await calculation().catch(() => [])
      // What has gone is not there any more; a counter never forgets.
      if (this.kind === 'gauge') this.reset(role)
      const operation = OPERATIONS[this.kind]
      for (const [key, value] of entries) this.write(role, key, { operation, value })
    }
  }

  #labels(role: string, key: string): Labels {
    let values = this.#values.get(role)
    if (values === undefined) this.#values.set(role, (values = new Set()))
    const known = values.has(key) || values.size < LABEL_VALUES_MAX
    const name = known ? key : OTHER
    values.add(name)
    return this.#named(role, name)
  }

  #named(role: string, key: string): Labels {
    return this.#label === undefined ? { role } : { role, [this.#label]: key }
  }
}

const OPERATIONS = {
  gauge: 'set',
  counter: 'add',
  histogram: 'observe',
  summary: 'observe',
} as const

/** libp2p names metrics and labels freely; Prometheus does not. */
function safeName(name: string): string {
  return name.replaceAll(/[^a-zA-Z0-9_]+/g, '_').replace(/^\d/, '_')
}
