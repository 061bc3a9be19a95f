import type { SeededRandom } from '../engine/sim/random.ts'
import type { TimedFault } from './plan.ts'

/** Of worlds with certificates of minutes. */
const SHARE = 0.5
/** Longer than their certificates live, and than a healed world may take to be well. */
export const AHEAD_MS_MIN = 20 * 60_000
const AHEAD_MS_MAX = 3 * 3_600_000
/** After the client was started: it has a certificate, or is about to ask for one. */
const AFTER_MS_MAX = 20_000
const FOR_MS_MIN = 20_000
const FOR_MS_MAX = 90_000

/**
 * Draws a clock that is ahead for a while, as one in another time zone: by it every certificate of minutes has ended,
 * and whatever is set by the time of day meanwhile comes hours too late. Faults of any kind meet this too seldom.
 */
export function drawClockAhead(
  random: SeededRandom,
  {
    starts,
    validity,
  }: {
    readonly starts: Readonly<Record<string, number>>
    readonly validity: number | undefined
  },
): readonly TimedFault[] {
  const own = random.fork('clock ahead')
  // The first to be started: most time is left for what comes of it.
  const [first] = Object.entries(starts).toSorted(([, one], [, other]) => one - other)
  if (first === undefined || validity === undefined || own.float() >= SHARE) return []
  const [host, startMs] = first
  const at = startMs + own.integer(1, AFTER_MS_MAX)
  const offsetMs = own.integer(AHEAD_MS_MIN, AHEAD_MS_MAX)
  const forMs = own.integer(FOR_MS_MIN, FOR_MS_MAX)
  return [{ kind: 'clock', host, offsetMs, driftPpm: 0, at, forMs }]
}
