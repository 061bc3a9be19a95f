import { timeOfDay, type Watch } from './watch.ts'

/** What a client's options in swarm worlds say, see draw.ts. */
const INITIAL_MS = 5_000
const MAXIMUM_MS = 60_000
/** As the client counts refusals (NT-CLIENT-015). */
const FACTORS: Readonly<Record<string, number>> = {
  RATE_LIMIT: 6,
  INVALID_PROOF: 60,
  NO_MATCHING_CRYPTO: 60,
  NOT_AUTHORIZED: 60,
}
/** Waits are rounded when they are told. */
const ROUNDING_MS = 1
/** Waits that are exactly as long as they can be: three in one world are no chance. */
const UNDRAWN_MAX = 2

/** A client that has nothing yet waits longer each time, and never as long as the others (NT-CLIENT-015). */
export const waitsGrowAndAreDrawn: Watch = {
  name: 'waits after failures grow, and are drawn',
  open(world) {
    const failures = new Map<string, number>()
    let undrawn = 0
    return ({ host, event, detail }) => {
      if (event === 'host:started' || event === 'certificate:obtained') failures.set(host, 0)
      // With a certificate, a round can succeed without a word.
      if (event === 'certificate:obtained' || event === 'certificate:renewed') {
        failures.set(host, Number.NaN)
      }
      if (event === 'certificate:expired') failures.set(host, Number.NaN)
      const retryAt = detail['retryAt']
      if (event !== 'certificate:failed' || typeof retryAt !== 'number') return undefined
      const count = (failures.get(host) ?? 0) + 1
      failures.set(host, count)
      const waitMs = retryAt - timeOfDay(world, host)
      const factor = FACTORS[String(detail['code'])] ?? 1
      const grown = (nth: number): number =>
        Math.min(INITIAL_MS * factor * 2 ** (nth - 1), MAXIMUM_MS)
      if (waitMs < grown(count) / 2 - ROUNDING_MS) {
        const problem = `${host} waits ${waitMs} ms after its failure number ${count}, wanted at least ${grown(count) / 2} ms`
        return { problem, hosts: [host] }
      }
      const possible = [1, 2, 3, 4, 5].map(grown)
      if (possible.some((longest) => Math.abs(waitMs - longest) <= ROUNDING_MS)) undrawn += 1
      if (undrawn <= UNDRAWN_MAX) return undefined
      return { problem: `${undrawn} waits are exactly as long as can be`, hosts: [host] }
    }
  },
}
