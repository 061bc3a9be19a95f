import type { Fault, HostPlan, WorldPlan } from '../engine/scenario.ts'
import type { LinkOptions } from '../engine/sim/network/index.ts'
import type { LongPlan } from './long/live-long.ts'

/** A world as a seed has drawn it: data alone, so that it can be told, shrunk and run again. */
export interface SwarmPlan {
  readonly seed: string
  readonly world: WorldName
  /** What was drawn, for people. */
  readonly options: Readonly<Record<string, string | number | boolean>>
  readonly hosts: readonly HostPlan[]
  /** When each client is started, in ms after the servers. */
  readonly starts: Readonly<Record<string, number>>
  readonly link: LinkOptions
  readonly ca: Pick<
    WorldPlan,
    'caEnvironment' | 'certificateValiditySeconds' | 'builtInCa' | 'upkeep'
  >
  /** Their times count from when all servers run. */
  readonly faults: readonly TimedFault[]
  /** How long faults happen; then everything is healed. */
  readonly faultsMs: number
  readonly long?: LongPlan
  /** How long a healed world may take until all is well. */
  readonly livenessMs: number
}

/**
 * The worlds that are drawn; scenarios can be run by a seed too.
 *
 * - `swarm`: small ones, each another
 * - `canary`: the same with a planted bug: a client that never tries again
 * - `crowd`: 100 nodes
 * - `long`: 400 days
 */
export const WORLDS = ['swarm', 'canary', 'crowd', 'long'] as const

export type WorldName = (typeof WORLDS)[number]

/** One that heals by itself. */
export type TimedFault = Fault & { readonly forMs: number }

/** What is left of a plan when it is shrunk; everything else is as it was drawn. */
export interface Reduction {
  /** Which of the faults stay, by their place in the plan. @default all */
  readonly faults?: readonly number[] | undefined
  /** Hosts that are not there. */
  readonly without?: readonly string[] | undefined
  /** How often the length of a fault is halved, by its place in the plan. */
  readonly halved?: Readonly<Record<number, number>> | undefined
}

/** The servers that a world cannot do without: the first of each kind. */
export const INDISPENSABLE: ReadonlySet<string> = new Set(['proof1', 'dns1', 'issue1'])

/** The plan that a reduction leaves. Nothing that stays is drawn anew. */
export function reduce(
  plan: SwarmPlan,
  { faults, without = [], halved = {} }: Reduction,
): SwarmPlan {
  const absent = new Set(without)
  const isLeft = (fault: Fault): boolean => {
    if (absent.has(fault.host)) return false
    return (
      !('with' in fault) || fault.with === undefined || fault.with.some((host) => !absent.has(host))
    )
  }
  return {
    ...plan,
    hosts: plan.hosts.filter(({ name }) => !absent.has(name)),
    faults: plan.faults.flatMap((fault, index) => {
      if (faults !== undefined && !faults.includes(index)) return []
      if (!isLeft(fault)) return []
      const forMs = Math.ceil(fault.forMs / 2 ** (halved[index] ?? 0))
      return [{ ...fault, forMs }]
    }),
  }
}

/** A reduction as options of the command line; the empty text for none. */
export function reductionText({ faults, without = [], halved = {} }: Reduction): string {
  const lengths = Object.entries(halved).filter(([, times]) => times > 0)
  return [
    ...(faults === undefined ? [] : [` --faults ${faults.join(',') || 'none'}`]),
    ...(without.length === 0 ? [] : [` --without ${without.join(',')}`]),
    ...(lengths.length === 0
      ? []
      : [` --halved ${lengths.map(([index, times]) => `${index}:${times}`).join(',')}`]),
  ].join('')
}

/** Reads what {@link reductionText} has written. @throws {SyntaxError} */
export function parseReduction(given: {
  readonly faults?: string | undefined
  readonly without?: string | undefined
  readonly halved?: string | undefined
}): Reduction {
  const { faults, without, halved } = given
  return {
    ...(faults === undefined
      ? {}
      : { faults: faults === 'none' ? [] : faults.split(',').map(wholeNumber) }),
    ...(without === undefined ? {} : { without: without.split(',') }),
    ...(halved === undefined
      ? {}
      : {
          halved: Object.fromEntries(
            halved.split(',').map((pair) => {
              const [index = '', times = ''] = pair.split(':')
              return [wholeNumber(index), wholeNumber(times)]
            }),
          ),
        }),
  }
}

function wholeNumber(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new SyntaxError(`"${text}" is no whole number`)
  return Number(text)
}

/** The line that runs a seed again. */
export function replayLine(seed: string, world: string, reduction: Reduction = {}): string {
  const where = world === 'swarm' ? '' : ` --world ${world}`
  return `npm run scenario -- replay ${seed}${where}${reductionText(reduction)}`
}

/** The same for a scenario. */
export function scenarioLine(seed: string, name: string, clients?: number): string {
  const many = clients === undefined ? '' : ` --clients ${clients}`
  return `npm run scenario -- ${name} --transport sim --seed ${seed}${many}`
}
