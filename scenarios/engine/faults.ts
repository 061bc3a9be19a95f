import { AsyncLocalStorage } from 'node:async_hooks'
import { misbehave } from './byzantine.ts'
import { disturbMachine } from './machine-faults.ts'
import { disturbNetwork } from './network-faults.ts'
import { disturbRouter } from './router-faults.ts'
import type { Fault, FaultMoment } from './scenario.ts'
import type { TraceEntry } from './trace.ts'
import type { World } from './world.ts'

/** A fault that has been carried out. */
export interface Injected {
  /** Makes the host what it was. */
  heal(): Promise<void>
  /** Lets go of what the fault holds, and leaves the host as it is: the world ends. */
  release(): Promise<void>
}

/** Carries out the faults of a plan, and those that a story adds to it. */
export class Faults implements AsyncDisposable {
  readonly #world: World
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #unfollow = new Set<() => void>()
  readonly #pending = new Set<Promise<void>>()
  readonly #unhealed = new Map<Injected, Fault>()
  readonly #outstanding = new Set<Fault>()
  readonly #failures: string[] = []
  /** A fault is the engine's work, whoever's event it was that brought it. */
  readonly #asEngine = AsyncLocalStorage.snapshot()

  constructor(world: World) {
    this.#world = world
  }

  /**
   * A fault at 0 is in place when this returns, so that the next step of the story already meets it; others happen
   * when their time or event comes.
   */
  async add(fault: Fault): Promise<void> {
    const { at } = fault
    this.#outstanding.add(fault)
    if (at === 0) await this.#carryOut(fault)
    else if (typeof at === 'number') this.#later(at, () => this.#carryOut(fault))
    else this.#when(at, () => this.#carryOut(fault))
  }

  /** Which of them did not happen or could not be carried out: then the run has shown nothing. */
  problem(): string | undefined {
    const [failure] = this.#failures
    if (failure !== undefined) return failure
    const [left] = this.#outstanding
    return left === undefined
      ? undefined
      : `"${left.kind}" of ${left.host} never happened (${JSON.stringify(left.at)})`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stop of this.#unfollow) stop()
    this.#clearTimers()
    // A host that is stopped in its sleep has stopped only when it is awake again, and may have been put to sleep just now.
    while (this.#pending.size > 0) {
      await this.#releaseThose(({ kind }) => kind === 'sleep')
      await Promise.race(this.#pending)
    }
    this.#clearTimers()
    await this.#releaseThose(() => true)
  }

  async #releaseThose(chosen: (fault: Fault) => boolean): Promise<void> {
    for (const [injected, fault] of this.#unhealed) {
      if (!chosen(fault)) continue
      this.#unhealed.delete(injected)
      await injected.release()
    }
  }

  /** Ends what goes on, and lets nothing more happen: all is as if there had been no fault. */
  async healAll(): Promise<void> {
    for (const stop of this.#unfollow) stop()
    this.#unfollow.clear()
    this.#clearTimers()
    // First: a host that is stopped in its sleep has stopped only when it is awake again.
    await this.#healThose(({ kind }) => kind === 'sleep')
    await Promise.all(this.#pending)
    this.#clearTimers()
    await this.#healThose(() => true)
  }

  /** Together: a host cannot start before its disk is well. */
  async #healThose(chosen: (fault: Fault) => boolean): Promise<void> {
    const those = [...this.#unhealed].filter(([, fault]) => chosen(fault))
    for (const [injected] of those) this.#unhealed.delete(injected)
    await Promise.all(those.map((one) => this.#heal(...one).catch(this.#failed)))
  }

  readonly #failed = (error: unknown): void => {
    // Some messages of libp2p hold the stacks of others, which differ with where the code is and how it is run.
    const reason = String(error).replaceAll(/\n\s+at .*/g, '')
    this.#failures.push(reason)
    this.#world.trace.record('engine', 'fault:failed', { reason })
  }

  #clearTimers(): void {
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
  }

  #run(work: () => Promise<void>): void {
    const done = this.#asEngine(work).catch(this.#failed)
    this.#pending.add(done)
    void done.finally(() => this.#pending.delete(done))
  }

  #later(afterMs: number, work: () => Promise<void>): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      this.#run(work)
    }, afterMs)
    this.#timers.add(timer)
  }

  #when(moment: FaultMoment, work: () => Promise<void>): void {
    let left = moment.nth ?? 1
    const stop = this.#world.trace.follow((entry) => {
      if (!isMoment(moment, entry)) return
      left -= 1
      if (left > 0) return
      stop()
      this.#unfollow.delete(stop)
      // Whatever a fault does before it first waits is done before the host's next step.
      this.#run(work)
    })
    this.#unfollow.add(stop)
  }

  async #carryOut(fault: Fault): Promise<void> {
    const { trace } = this.#world
    const injected = await inject(this.#world, fault)
    trace.record(fault.host, `fault:${fault.kind}`, wordsOf(fault))
    this.#outstanding.delete(fault)
    this.#unhealed.set(injected, fault)
    const heal = async (): Promise<void> => {
      if (this.#unhealed.delete(injected)) await this.#heal(injected, fault)
    }
    if (fault.forMs !== undefined) this.#later(fault.forMs, heal)
    if (fault.until !== undefined) this.#when(fault.until, heal)
  }

  async #heal(injected: Injected, { host, kind }: Fault): Promise<void> {
    await injected.heal()
    this.#world.trace.record(host, 'fault:healed', { kind })
  }
}

/** What others must know of a fault to judge what comes of it, and to tell it from others of its kind. */
function wordsOf(fault: Fault): Readonly<Record<string, unknown>> {
  const { kind: _kind, host: _host, at: _at, forMs: _forMs, until: _until, ...rest } = fault
  const words = Object.entries(rest).filter(([, value]) =>
    ['string', 'number', 'boolean'].includes(typeof value),
  )
  return Object.fromEntries(words)
}

function isMoment({ event, detail = {} }: FaultMoment, entry: TraceEntry): boolean {
  return (
    entry.event === event &&
    Object.entries(detail).every(([key, value]) => entry.detail[key] === value)
  )
}

const nothing = async (): Promise<void> => {}

/** Not async itself: a crash must not wait for the next microtask. */
function inject(world: World, fault: Fault): Promise<Injected> {
  switch (fault.kind) {
    case 'kill':
      return world.killCa().then(() => ({ release: nothing, heal: () => world.startCa() }))
    case 'pause': {
      const resume = (): Promise<void> => world.ca.resume()
      return world.ca.pause().then(() => ({ release: resume, heal: resume }))
    }
    case 'disturb': {
      const end = world.disturbCa(fault.rules)
      return Promise.resolve({ release: nothing, heal: async () => end() })
    }
    case 'crash': {
      const heal = world.crash(fault.host, fault)
      return Promise.resolve({ release: nothing, heal })
    }
    case 'isolate': {
      const rejoin = world.host(fault.host).isolate()
      return Promise.resolve({ release: nothing, heal: async () => rejoin() })
    }
    case 'deny': {
      const end = world.host(fault.host).deny(world.host(fault.peer).peerId)
      return Promise.resolve({ release: nothing, heal: async () => end() })
    }
    case 'move':
      return world.move(fault.host).then(() => ({ release: nothing, heal: nothing }))
    case 'refuse':
    case 'hang':
      return silence(world, { kind: fault.kind, host: fault.host })
    case 'partition':
    case 'ring':
    case 'latency':
    case 'bandwidth':
    case 'stall':
    case 'reset':
    case 'half-close':
    case 'datagrams':
      return Promise.resolve(disturbNetwork(world, fault))
    case 'rebind':
    case 'no-route':
    case 'firewall':
      return Promise.resolve(disturbRouter(world, fault))
    case 'clock':
    case 'sleep':
    case 'disk':
      return Promise.resolve(disturbMachine(world, fault))
    case 'lie':
    case 'lag':
    case 'attack':
    case 'scribble':
      return misbehave(world, fault)
  }
}

async function silence(
  world: World,
  { kind, host: name }: { readonly kind: 'refuse' | 'hang'; readonly host: string },
): Promise<Injected> {
  if (name === 'ca') {
    throw new RangeError(`the CA knows no fault "${kind}", only "kill", "pause" and "disturb"`)
  }
  const host = world.host(name)
  const multiaddrs = host.multiaddrs.map((address) => address.decapsulate('/p2p').toString())
  await host.stop()
  if (kind === 'refuse') return { release: nothing, heal: () => host.start() }
  const hole = await world.driver.blackHole(multiaddrs)
  return {
    release: () => hole.close(),
    async heal() {
      await hole.close()
      await host.start()
    },
  }
}
