import { AsyncResource } from 'node:async_hooks'
import { ClockTimer, MANUAL, ours, type Timer } from './clock-timer.ts'
import { EventHeap, NOWHERE } from './event-heap.ts'
import { currentHost, type VirtualHost } from './host-context.ts'
import { HostFailure } from './host-failure.ts'
import { Holds } from './holds.ts'
import { native } from './native.ts'

export type { Timer } from './clock-timer.ts'

/** The time of a simulated world: whole milliseconds that pass only between events. */
export interface Clock {
  /** Virtual milliseconds since the world's start. */
  readonly nowMs: number
  /** The time of day at the world's start, in milliseconds since 1970. */
  readonly epochMs: number
  /**
   * Runs `work` after a delay of whole milliseconds, in the async context of the caller. Work of one time runs in the
   * order in which it was scheduled, and that of a dead host not at all.
   */
  schedule(delayMs: number, work: () => void): Timer
  cancel(timer: Timer): void
  /** Virtual time stands still until the returned function is called. `what` is named when that never comes. */
  hold(what?: string): () => void
  /** Holds the clock around work outside the world: a child process, a real socket, a file. */
  external<T>(work: () => Promise<T>, what?: string): Promise<T>
}

export interface RunOptions {
  /** Events after this time stay where they are. @default as long as there are some */
  readonly untilMs?: number | undefined
  /** The run ends when this has settled, however it did. */
  readonly until?: Promise<unknown> | undefined
  readonly signal?: AbortSignal | undefined
}

/** Why a run ended: it reached `untilMs`, `until` has settled, or nothing is left to happen. */
export type RunEnd = 'time' | 'settled' | 'idle'

export interface ClockOptions {
  /** @default 2026-01-01T00:00:00Z */
  readonly epochMs?: number | undefined
  /** Real time that the clock may be held without a break. @default 120000 */
  readonly holdMsMax?: number | undefined
  /** Events without any time passing between them, before a world is taken for one that stands still. @default 2000000 */
  readonly eventsPerInstantMax?: number | undefined
}

/** When worlds begin unless they say otherwise. */
export const EPOCH_MS = Date.UTC(2026, 0, 1)
const HOLD_MS_MAX = 120_000
/** What Node's own modules still have to do between two turns of the event loop takes a few of them. */
const IDLE_TURNS = 10
const EVENTS_PER_INSTANT_MAX = 2_000_000

interface Run {
  readonly untilMs: number
  /** Whether it ends when only timers that do not count are left, as a process does. */
  readonly untilIdle: boolean
  settled: boolean
  readonly end: (end: RunEnd) => void
  readonly fail: (error: unknown) => void
}

/**
 * Runs what is due, one event after another. Between two events the real event loop turns once, so that every microtask
 * and `process.nextTick` of the first has run before the second begins.
 */
export class VirtualClock implements Clock {
  readonly epochMs: number
  readonly #eventsPerInstantMax: number
  readonly #due = new EventHeap<ClockTimer>()
  readonly #holds: Holds
  /** Events of paused hosts, in the order in which they were due. */
  readonly #paused = new Map<VirtualHost, ClockTimer[]>()
  /** The clock's own turns belong to no host, whoever lets them go on. */
  readonly #context = new AsyncResource('VirtualClock', MANUAL)
  #nowMs = 0
  #sequence = 0
  #counting = 0
  #idleTurns = 0
  #ids = 0
  #events = 0
  #eventsAtNow = 0
  #run: Run | undefined
  /** Whether a turn is on its way: there is one at a time. */
  #turning = false

  constructor({
    epochMs = EPOCH_MS,
    holdMsMax = HOLD_MS_MAX,
    eventsPerInstantMax = EVENTS_PER_INSTANT_MAX,
  }: ClockOptions = {}) {
    if (!Number.isSafeInteger(epochMs)) {
      throw new RangeError(`epochMs is "${epochMs}", wanted whole milliseconds`)
    }
    this.epochMs = epochMs
    this.#holds = new Holds(holdMsMax)
    this.#eventsPerInstantMax = eventsPerInstantMax
  }

  get nowMs(): number {
    return this.#nowMs
  }

  /** How many events have run. */
  get events(): number {
    return this.#events
  }

  /** How many are still to come. */
  get pending(): number {
    return this.#due.size
  }

  /** How many of those are whose, by the name of the host; what is nobody's is left out. */
  pendingByHost(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>()
    for (const { host } of this.#due) {
      if (host?.alive === true) counts.set(host.name, (counts.get(host.name) ?? 0) + 1)
    }
    return counts
  }

  /** The time of day as the running host's clock shows it, in milliseconds since 1970. */
  dateMs(): number {
    return this.epochMs + this.#nowMs + (currentHost()?.skewMs(this.#nowMs) ?? 0)
  }

  schedule(delayMs: number, work: () => void): ClockTimer {
    const timer = new ClockTimer(this.#at(delayMs), this.#sequence++, work)
    this.#due.add(timer)
    this.#counting += 1
    return timer
  }

  /** Puts a timer off, or on again when it has run or was cancelled; it keeps its context. */
  reschedule(timer: Timer, delayMs: number): void {
    const known = ours(timer)
    const atMs = this.#at(delayMs)
    this.#take(known)
    this.#forgetPostponed(known)
    known.atMs = atMs
    known.sequence = this.#sequence++
    this.#due.add(known)
    if (known.counts) this.#counting += 1
  }

  cancel(timer: Timer): void {
    const known = ours(timer)
    this.#take(known)
    this.#forgetPostponed(known)
  }

  /** Lets happen now what was due while a host was paused, in its order. The host says itself that it no longer is. */
  resume(host: VirtualHost): void {
    const postponed = this.#paused.get(host) ?? []
    this.#paused.delete(host)
    for (const timer of postponed) this.reschedule(timer, 0)
  }

  /** Numbers for timers that are told by them. */
  nextId(): number {
    this.#ids += 1
    return this.#ids
  }

  isPending(timer: Timer): boolean {
    return ours(timer).index !== NOWHERE
  }

  /** Says whether a run without an end of its own waits for a timer. */
  setCounts(timer: Timer, counts: boolean): void {
    const known = ours(timer)
    if (known.counts === counts) return
    known.counts = counts
    if (known.index !== NOWHERE) this.#counting += counts ? 1 : -1
  }

  hold(what = 'work outside the world'): () => void {
    return this.#holds.add(what)
  }

  async external<T>(work: () => Promise<T>, what?: string): Promise<T> {
    const release = this.hold(what)
    try {
      return await work()
    } finally {
      release()
    }
  }

  /**
   * Runs events until the options say stop; without any, until only timers that do not keep a process alive are left.
   * Rejects with a {@link HostFailure} when a host throws, with the signal's reason, and when the clock is held too long.
   */
  async run({ untilMs, until, signal }: RunOptions = {}): Promise<RunEnd> {
    if (this.#run !== undefined) throw new Error('the clock runs already: one run at a time')
    signal?.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<RunEnd>()
    const run: Run = {
      untilMs: untilMs ?? Number.POSITIVE_INFINITY,
      untilIdle: untilMs === undefined && until === undefined,
      settled: false,
      end: resolve,
      fail: reject,
    }
    const settle = (): void => {
      run.settled = true
    }
    until?.then(settle, settle)
    const abort = (): void => reject(signal?.reason)
    const uncaught = (error: unknown): void => this.fail(error, currentHost())
    signal?.addEventListener('abort', abort, { once: true })
    process.on('uncaughtException', uncaught)
    process.on('unhandledRejection', uncaught)
    this.#run = run
    try {
      this.#context.runInAsyncScope(this.#next)
      return await promise
    } finally {
      this.#run = undefined
      this.#holds.forget()
      process.off('uncaughtException', uncaught)
      process.off('unhandledRejection', uncaught)
      signal?.removeEventListener('abort', abort)
    }
  }

  /**
   * Runs the world for as long as `work` takes and returns what that does. Rejects when nothing is left to happen in the
   * world and the work still waits: in virtual time, that is for ever.
   */
  async drive<T>(work: () => Promise<T>, { signal }: Pick<RunOptions, 'signal'> = {}): Promise<T> {
    const working = work()
    // The run can end by another's failure, and then nobody asks for this one.
    working.catch(() => {})
    const end = await this.run({ until: working, signal })
    if (end !== 'settled') {
      throw new Error(
        `nothing is left to happen at ${this.#nowMs} ms of virtual time, and what was run still waits; hold the clock around work outside the world`,
      )
    }
    return working
  }

  readonly #next = (): void => {
    if (this.#turning) return
    this.#turning = true
    native.setImmediate(this.#turn)
  }

  /** One event. */
  readonly #turn = (): void => {
    this.#turning = false
    const run = this.#run
    if (run === undefined) return
    if (run.settled) return run.end('settled')
    if (this.#holds.size > 0) {
      const released = (): void => this.#context.runInAsyncScope(this.#next)
      return this.#holds.wait({ released, stuck: run.fail })
    }
    const timer = this.#due.first
    if (timer === undefined || (run.untilIdle && this.#counting === 0)) {
      this.#idleTurns += 1
      if (this.#idleTurns < IDLE_TURNS) return this.#next()
      if (run.untilMs !== Number.POSITIVE_INFINITY) this.#advance(run.untilMs)
      return run.end('idle')
    }
    if (timer.atMs > run.untilMs) {
      this.#advance(run.untilMs)
      return run.end('time')
    }
    this.#idleTurns = 0
    if (timer.atMs !== this.#nowMs) this.#advance(timer.atMs)
    this.#take(timer)
    this.#eventsAtNow += 1
    if (this.#eventsAtNow > this.#eventsPerInstantMax) {
      const error = new Error(
        `more than ${this.#eventsPerInstantMax} events and no time has passed`,
      )
      this.fail(error, timer.host)
    }
    this.#happen(timer)
    this.#next()
  }

  #happen(timer: ClockTimer): void {
    const { host } = timer
    if (host !== undefined) {
      if (!host.alive) return
      if (host.paused === true) return this.#postpone(timer, host)
    }
    this.#events += 1
    try {
      timer.runInAsyncScope(timer.work)
    } catch (error) {
      this.fail(error, host)
    }
  }

  #forgetPostponed(timer: ClockTimer): void {
    if (this.#paused.size === 0 || timer.host === undefined) return
    const postponed = this.#paused.get(timer.host)
    const index = postponed?.indexOf(timer) ?? -1
    if (index !== -1) postponed?.splice(index, 1)
  }

  #postpone(timer: ClockTimer, host: VirtualHost): void {
    const postponed = this.#paused.get(host)
    if (postponed === undefined) this.#paused.set(host, [timer])
    else postponed.push(timer)
  }

  #at(delayMs: number): number {
    if (!Number.isSafeInteger(delayMs) || delayMs < 0) {
      throw new RangeError(`a delay is "${delayMs}", wanted whole milliseconds, 0 or more`)
    }
    return this.#nowMs + delayMs
  }

  #advance(toMs: number): void {
    if (toMs > this.#nowMs) {
      this.#nowMs = toMs
      this.#eventsAtNow = 0
    }
  }

  #take(timer: ClockTimer): void {
    if (timer.index === NOWHERE) return
    this.#due.remove(timer)
    if (timer.counts) this.#counting -= 1
  }

  /** Ends the run because of what `host` has thrown. What a dead host does is nobody's failure. */
  fail(error: unknown, host: VirtualHost | undefined): void {
    if (host !== undefined && !host.alive) return
    this.#run?.fail(new HostFailure({ host: host?.name, atMs: this.#nowMs, cause: error }))
  }
}
