import type { VirtualClock } from './clock.ts'
import type { Randomness } from './randomness.ts'
import type { VirtualTimeout } from './timeouts.ts'
import type { WorkQueue } from './work-queue.ts'

/** What Node's functions are answered from while a world is on. */
export interface Simulation {
  readonly clock: VirtualClock
  readonly randomness: Randomness
  readonly work: WorkQueue
  /** Timers that are known by their number, as `clearTimeout` takes one. */
  readonly timeouts: Map<number, VirtualTimeout>
}

/**
 * The world that is on. Node's functions are one for the process, and so is this: what stands in their place asks here,
 * each time it is called, and does what Node does when there is no world. So a module that keeps such a function
 * (`const { setTimeout } = globalThis`) is in the right world, and in none after the last.
 */
let current: Simulation | undefined

export const simulation = (): Simulation | undefined => current

/** Puts a world on; returns the way to take it off. */
export function begin(world: Simulation): () => void {
  if (current !== undefined) throw new Error('a simulated world is on: one at a time in a process')
  current = world
  return () => {
    if (current === world) current = undefined
  }
}
