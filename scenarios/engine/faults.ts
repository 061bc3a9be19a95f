import type { Fault } from './scenario.ts'
import type { World } from './world.ts'

/** A fault that has been carried out. */
interface Injected {
  /** Makes the host what it was. */
  heal(): Promise<void>
  /** Lets go of what the fault holds, and leaves the host as it is: the world ends. */
  release(): Promise<void>
}

/** The faults of a run. */
export interface ScheduledFaults extends AsyncDisposable {
  /** Which of them did not happen or could not be carried out: then the run has shown nothing. */
  problem(): string | undefined
}

/**
 * Carries out the faults of a plan. Those at 0 are in place when this returns, so that the story's first step already
 * meets them; the others happen when their time or event comes.
 */
export async function scheduleFaults(world: World): Promise<ScheduledFaults> {
  const outstanding = new Set(world.plan.faults)
  const failures: string[] = []
  const timers = new Set<NodeJS.Timeout>()
  const unfollow: (() => void)[] = []
  const pending = new Set<Promise<void>>()
  const unhealed = new Set<Injected>()

  const run = (work: () => Promise<void>): void => {
    const done = work().catch((error: unknown) => {
      failures.push(String(error))
      world.trace.record('engine', 'fault:failed', { reason: String(error) })
    })
    pending.add(done)
    void done.finally(() => pending.delete(done))
  }
  const later = (afterMs: number, work: () => Promise<void>): void => {
    const timer = setTimeout(() => {
      timers.delete(timer)
      run(work)
    }, afterMs)
    timers.add(timer)
  }
  const carryOut = async (fault: Fault): Promise<void> => {
    const injected = await inject(world, fault)
    world.trace.record(fault.host, `fault:${fault.kind}`)
    outstanding.delete(fault)
    unhealed.add(injected)
    if (fault.forMs === undefined) return
    later(fault.forMs, async () => {
      unhealed.delete(injected)
      await injected.heal()
      world.trace.record(fault.host, 'fault:healed', { kind: fault.kind })
    })
  }

  for (const fault of world.plan.faults ?? []) {
    const { at } = fault
    if (at === 0) await carryOut(fault)
    else if (typeof at === 'number') later(at, () => carryOut(fault))
    else {
      const stop = world.trace.follow(({ event }) => {
        if (event !== at.event) return
        stop()
        run(() => carryOut(fault))
      })
      unfollow.push(stop)
    }
  }

  return {
    problem() {
      const [failure] = failures
      if (failure !== undefined) return failure
      const [left] = outstanding
      return left === undefined
        ? undefined
        : `"${left.kind}" of ${left.host} never happened (${JSON.stringify(left.at)})`
    },
    async [Symbol.asyncDispose]() {
      for (const stop of unfollow) stop()
      for (const timer of timers) clearTimeout(timer)
      await Promise.all(pending)
      for (const injected of unhealed) await injected.release()
    },
  }
}

async function inject(world: World, fault: Fault): Promise<Injected> {
  const release = async (): Promise<void> => {}
  if (fault.host === 'ca') {
    if (fault.kind !== 'kill')
      throw new RangeError(`the CA knows no fault "${fault.kind}", only "kill"`)
    await world.ca.kill()
    return {
      release,
      async heal() {
        await world.ca.start()
        await world.rootCertificates()
      },
    }
  }
  const host = world.host(fault.host)
  const multiaddrs = host.multiaddrs.map((address) => address.decapsulate('/p2p').toString())
  await host.stop()
  switch (fault.kind) {
    case 'refuse':
    case 'kill':
      return { release, heal: () => host.start() }
    case 'hang': {
      const hole = await world.driver.blackHole(multiaddrs)
      return {
        release: () => hole.close(),
        async heal() {
          await hole.close()
          await host.start()
        },
      }
    }
  }
}
