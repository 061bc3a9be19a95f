import { AsyncResource } from 'node:async_hooks'
import type { VirtualClock } from './clock.ts'
import { currentHost, type VirtualHost } from './host-context.ts'
import { native } from './native.ts'

/** One call of something that works on another thread. */
interface Job {
  readonly host: VirtualHost | undefined
  readonly context: AsyncResource
  /** Tells the caller; undefined until the work is done. */
  deliver: (() => void) | undefined
}

/**
 * Work on other threads takes real time, and none in the world: the clock is held while there is some. Which thread is
 * done first is chance, so the callers are told in the order in which they called, one in each turn of the event loop.
 */
export class WorkQueue {
  readonly #clock: VirtualClock
  readonly #jobs: Job[] = []
  #release: (() => void) | undefined
  #telling = false
  #calls = 0

  constructor(clock: VirtualClock) {
    this.#clock = clock
  }

  /** How many calls there have been. */
  get calls(): number {
    return this.#calls
  }

  /** Enters a call of `what`. Whoever does the work calls the returned function with the way to tell the caller. */
  enter(what: string): (deliver: () => void) => void {
    this.#calls += 1
    this.#release ??= this.#clock.hold(what)
    const job: Job = {
      host: currentHost(),
      context: new AsyncResource('SimulatedWork', { requireManualDestroy: true }),
      deliver: undefined,
    }
    this.#jobs.push(job)
    return (deliver) => {
      if (job.deliver !== undefined) return
      job.deliver = deliver
      this.#tellNext()
    }
  }

  #tellNext(): void {
    if (this.#telling || this.#jobs[0]?.deliver === undefined) return
    this.#telling = true
    native.setImmediate(this.#tell)
  }

  readonly #tell = (): void => {
    this.#telling = false
    const job = this.#jobs.shift()
    if (job === undefined) return
    this.#deliver(job)
    if (this.#jobs.length > 0) return this.#tellNext()
    // What the caller does next comes before the clock's next event: that waits for a turn of the loop.
    this.#release?.()
    this.#release = undefined
  }

  #deliver({ host, context, deliver = () => {} }: Job): void {
    if (host !== undefined) {
      if (!host.alive) return
      // A process that is stopped hears of it later, like of everything else.
      if (host.paused === true) {
        context.runInAsyncScope(() => void this.#clock.schedule(0, deliver))
        return
      }
    }
    try {
      context.runInAsyncScope(deliver)
    } catch (error) {
      this.#clock.fail(error, host)
    }
  }
}
