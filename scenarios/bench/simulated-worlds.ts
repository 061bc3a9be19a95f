// Worlds in virtual time, for the benchmarks that say how long they take. Only for a process that sim/register.ts has
// prepared.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { simDriver } from '../engine/drivers/sim.ts'
import { hosts, type HostPlan, type Upkeep, type WorldPlan } from '../engine/scenario.ts'
import { Trace } from '../engine/trace.ts'
import { makeWorkFolder } from '../engine/work-folder.ts'
import { World } from '../engine/world.ts'
import type { SwarmPlan } from '../swarm/plan.ts'
import { runPlan } from '../swarm/run-plan.ts'

// As in a campaign.
Error.stackTraceLimit = 0

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** Connections stay, and nobody asks whether they do. */
const CALM: Upkeep = { heartbeatMs: DAY_MS, keepAlive: false, reconnectMs: DAY_MS }
const SILENCE_MS_MAX = 2 ** 31 - 1

/** With what has to be gone through before and after them, 170 virtual seconds. */
const SMALL_MS = 150_000

/** A swarm's world of the usual size, with a fault of each of the usual kinds. Its leak check is part of it. */
const SMALL: SwarmPlan = {
  seed: '1',
  world: 'swarm',
  options: {},
  hosts: hosts({ proof: 3, dns: 2, issue: 1, client: 5 }).map((host): HostPlan =>
    host.role === 'client'
      ? { ...host, late: true, options: { autoStart: true, announceIntervalMs: 10_000 } }
      : { ...host, families: [4, 6] },
  ),
  starts: { client1: 5_000, client2: 10_000, client3: 20_000, client4: 30_000, client5: 60_000 },
  link: { latencyMs: 40, jitterMs: 5 },
  ca: {},
  faults: [
    { kind: 'partition', host: 'proof1', direction: 'both', at: 8_000, forMs: 20_000 },
    { kind: 'reset', when: 'now', host: 'issue1', at: 20_500, forMs: 100 },
    { kind: 'crash', host: 'dns1', at: 25_000, forMs: 10_000 },
    { kind: 'latency', host: 'client2', latencyMs: 500, jitterMs: 100, at: 30_000, forMs: 20_000 },
    { kind: 'crash', host: 'issue1', at: 70_000, forMs: 10_000 },
  ],
  faultsMs: SMALL_MS,
  livenessMs: SMALL_MS,
}

/** CPU time of the best of some rounds, in ms: in the first ones, a process compiles. */
export async function smallWorld(rounds: number): Promise<number> {
  const folder = await makeWorkFolder({ keep: false })
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds; round++) {
    const workDirectory = join(folder, String(round))
    await mkdir(workDirectory)
    const begun = process.cpuUsage()
    const { failure } = await runPlan(SMALL, { workDirectory })
    best = Math.min(best, cpuMs(begun))
    if (failure !== undefined) throw new Error(failure.problem)
  }
  return best
}

/** CPU time until so many clients, who all come at once, have certificates, in ms. They announce nothing. */
export async function crowd(clients: number): Promise<number> {
  const begun = process.cpuUsage()
  await inWorld({ clients, options: { autoStart: true, announce: false } }, everyoneHasACertificate)
  return cpuMs(begun)
}

/**
 * CPU time until all clients have certificates, and of each day after that, in ms. The CA wants to be asked about each
 * certificate once a day; Let's Encrypt says six hours.
 */
export async function days(
  clients: number,
  count: number,
): Promise<{ readonly startMs: number; readonly dayMs: number }> {
  let [startMs, dayMs] = [0, 0]
  let begun = process.cpuUsage()
  const options = { autoStart: true, announceIntervalMs: 30 * DAY_MS }
  const builtInCa = { renewalRetryAfterSeconds: DAY_MS / 1_000 }
  await inWorld({ clients, options, builtInCa }, async (world) => {
    await everyoneHasACertificate(world)
    startMs = cpuMs(begun)
    begun = process.cpuUsage()
    for (let day = 0; day < count; day++) await sleep(DAY_MS)
    dayMs = cpuMs(begun) / count
  })
  return { startMs, dayMs }
}

async function everyoneHasACertificate({ clients, trace, signal }: World): Promise<void> {
  const without = new Set(clients.map(({ name }) => name))
  await trace.waitFor(({ host, event }) => {
    if (event === 'certificate:obtained') without.delete(host)
    return without.size === 0
  }, signal)
}

async function inWorld(
  plan: { readonly clients: number; readonly options: object } & Pick<WorldPlan, 'builtInCa'>,
  story: (world: World) => Promise<void>,
): Promise<void> {
  const driver = simDriver({ silenceMsMax: SILENCE_MS_MAX })
  const workDirectory = await makeWorkFolder({ keep: false })
  const { clients, options, ...rest } = plan
  await driver.drive(async () => {
    await using world = await World.open({
      plan: {
        hosts: hosts({ proof: 3, dns: 2, issue: 1, client: clients }).map((host) =>
          host.role === 'client' ? { ...host, options } : host,
        ),
        upkeep: CALM,
        ...rest,
      },
      driver,
      trace: new Trace(),
      workDirectory,
      signal: new AbortController().signal,
      ca: { only: 'built-in' },
    })
    await story(world)
  })
}

function cpuMs(begun: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(begun)
  return (user + system) / 1_000
}
