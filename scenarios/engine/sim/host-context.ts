import { AsyncLocalStorage } from 'node:async_hooks'

/** A machine of a simulated world, as its clock knows it. */
export interface VirtualHost {
  /** Unique in its world: errors and random streams bear it. */
  readonly name: string
  /** Whether its process runs. What a dead host had planned (timers, packets, results of work) is dropped. */
  readonly alive: boolean
  /** Whether its process is stopped: what is due then happens when the clock is told to resume it. */
  readonly paused?: boolean
  /** How far its time of day is from the world's; see {@link HostClock}. */
  skewMs(nowMs: number): number
}

/**
 * Which host the running code belongs to. It holds no state of a world, only what runs now: so one for the process is
 * enough, and code of several worlds cannot mix it up.
 */
const running = new AsyncLocalStorage<VirtualHost | undefined>()

/** The host whose code runs now; undefined where the engine's own code runs. */
export const currentHost = (): VirtualHost | undefined => running.getStore()

/** Runs `work` as a host's code: with its time, its random stream and its network, until all that it starts has ended. */
export function runOn<T>(host: VirtualHost, work: () => T): T {
  return running.run(host, work)
}

/** Runs `work` as the engine's own code, wherever it is called from. */
export function runOutside<T>(work: () => T): T {
  return running.run(undefined, work)
}
