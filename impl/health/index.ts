import type { Probe } from './probe.ts'

export { Probe, type ProbeInit } from './probe.ts'
export { CA_PROBES, roleProbes } from './roles.ts'

/** Whether the servers of a process can do what they are for. */
export interface HealthReport {
  /** One sentence for each thing that is wrong; empty when all is well. */
  readonly problems: readonly string[]
  /** When to ask again, in whole seconds: until then the answer is the same. */
  readonly retryAfterSeconds: number
}

/** Asks all probes, at once. Never throws. */
export async function checkHealth(probes: readonly Probe[]): Promise<HealthReport> {
  const results = await Promise.all(
    probes.map(async (probe) => ({ probe, problem: await probe.check() })),
  )
  const failed = results.filter(({ problem }) => problem !== undefined)
  const holdsMs = Math.max(MIN_RETRY_MS, ...failed.map(({ probe }) => probe.holdsMs))
  return {
    problems: failed.map(({ probe, problem }) => `${probe.name}: ${problem}`),
    retryAfterSeconds: Math.ceil(holdsMs / 1_000),
  }
}

/** Retry-After: 0 would be an invitation to hammer. */
const MIN_RETRY_MS = 1_000
