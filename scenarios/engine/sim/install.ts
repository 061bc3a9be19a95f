import { VirtualClock, type ClockOptions } from './clock.ts'
import { setLoadingDate } from './date.ts'
import { TraceHashes } from './hashes.ts'
import { Randomness, setLoadingRandom } from './randomness.ts'
import { SeededRandom } from './random.ts'
import { begin } from './simulation.ts'
import { isTakenOver } from './take-over.ts'
import { WorkQueue } from './work-queue.ts'

/**
 * Small buffers lie together in pools, and one that stays keeps its whole pool: of the 64 KiB of Node 24, each host of a
 * world would keep several for a few bytes each.
 */
const POOL_SIZE = 4 * 1024

/** A world's time and chance, and what they came to. */
export interface Installed {
  readonly clock: VirtualClock
  /** The world's own stream; hosts draw from forks of it. */
  readonly random: SeededRandom
  readonly randomness: Randomness
  readonly hashes: TraceHashes
  /** Gives Node's functions back to real time and chance. What the world had planned never happens. */
  readonly uninstall: () => void
}

/**
 * Puts a world on: from now on, Node's time and randomness are its own. One at a time, and only in a process that was
 * started with `node --import …/sim/register.ts`.
 *
 * What outlives a world in a warm process are the variables of modules: gossipsub counts its messages from the time of
 * its loading on, undici keeps connections, and Node caches. Bytes can differ between a world in a fresh process and the
 * same one after others; what happens, and when, does not.
 */
export function install(seed: string | number | bigint, options: ClockOptions = {}): Installed {
  if (!isTakenOver()) {
    throw new Error(
      'this process is not prepared for a simulation: start it with --import and the path of sim/register.ts',
    )
  }
  const clock = new VirtualClock(options)
  const random = new SeededRandom(seed)
  const randomness = new Randomness(random)
  const work = new WorkQueue(clock)
  const end = begin({ clock, randomness, work, timeouts: new Map() })
  setLoadingDate(undefined)
  setLoadingRandom(undefined)
  const { poolSize } = Buffer
  Buffer.poolSize = POOL_SIZE
  const uninstall = (): void => {
    Buffer.poolSize = poolSize
    end()
  }
  return { clock, random, randomness, hashes: new TraceHashes(), uninstall }
}

/** Runs a story in a world of its own, which ends with it. */
export async function inWorld<T>(
  story: (world: Installed) => Promise<T>,
  { seed = 'story', ...options }: ClockOptions & { readonly seed?: string } = {},
): Promise<T> {
  const world = install(seed, options)
  try {
    return await world.clock.drive(() => story(world))
  } finally {
    world.uninstall()
  }
}
