import { styleText } from 'node:util'
import type { FaultMoment } from '../../engine/scenario.ts'
import type { SwarmPlan } from '../plan.ts'
import type { SeedResult } from '../result.ts'

/** What a person reads of a failure: what was drawn first, then what is wrong, then how to see it again. */
export function failureText(result: SeedResult): string {
  const { seed, world, failure, options } = result
  return [
    `${styleText('red', `✗ seed ${seed}`)} of ${world}: ${result.class}`,
    ...Object.entries(options).map(([name, value]) => `    ${name.padEnd(24)}${value}`),
    ...(failure === undefined
      ? []
      : [
          `  ${styleText('bold', failure.invariant)}`,
          ...failure.problem.split('\n').map((line) => `    ${styleText('red', line)}`),
          `    at ${seconds(failure.atMs)} of virtual time${failure.hosts.length === 0 ? '' : `, ${failure.hosts.join(', ')}`}`,
        ]),
    `  replay: ${result.replay}`,
  ].join('\n')
}

/** The same in one line, where more is said of it later. */
export function failureLine({ seed, world, class: kind, failure, replay }: SeedResult): string {
  const what = failure === undefined ? kind : `${kind}: ${failure.invariant}`
  return `${styleText('red', `✗ seed ${seed}`)} of ${world}: ${what}; replay: ${replay}`
}

/** The faults of a plan, a line each, with the numbers that `--faults` takes. */
export function faultsText(plan: SwarmPlan, numbers: readonly number[]): string {
  return plan.faults
    .map((fault, index) => {
      const { at, forMs, kind, host, ...rest } = fault
      const more = Object.keys(rest).length === 0 ? '' : ` ${JSON.stringify(rest)}`
      const number = String(numbers[index] ?? index).padStart(4)
      const when = typeof at === 'number' ? seconds(at) : momentText(at)
      return `${number}  ${when.padStart(9)} for ${seconds(forMs).padEnd(9)} ${kind} ${host}${more}`
    })
    .join('\n')
}

function momentText({ event, detail = {}, nth = 1 }: FaultMoment): string {
  return [`at ${event}`, ...Object.values(detail), `number ${nth}`].join(' ')
}

/** One line about a run that is over. */
export function resultLine(result: SeedResult): string {
  const { digest } = result
  return [
    `${seconds(result.virtualMs)} of virtual time in ${seconds(result.cpuMs)} of CPU`,
    `${result.events} events, ${digest.packetCount} packets, ${result.draws} draws`,
    `trace ${digest.events.slice(0, 12)} ${digest.shape.slice(0, 12)} ${digest.bytes.slice(0, 12)}`,
  ].join('; ')
}

export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(3)} s`
}
