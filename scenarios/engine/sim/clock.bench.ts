// How many events the clock runs in a second of CPU: by itself, and as timers of hosts, with a world's load of deadlines
// that are set and cleared.
import { takeOver } from './take-over.ts'
import { VirtualClock } from './clock.ts'
import { runOn } from './host-context.ts'
import { install } from './install.ts'
import { testHost } from './testing.ts'

/** What simulated networks of some size ask for. */
const EVENTS_PER_SECOND_MIN = 300_000
const EVENTS = 400_000
const ROUNDS = 5
/** As many timers as a world of some size has at once. */
const PENDING = 1_000
const HOSTS = 50

takeOver()
report('clock events', await best(ofTheClock))
report('timers of hosts, each with a deadline that is cleared', await best(ofHosts))

async function ofTheClock(): Promise<number> {
  const clock = new VirtualClock()
  let left = EVENTS - PENDING
  for (let index = 0; index < PENDING; index++) {
    const again = (): void => {
      left -= 1
      if (left >= 0) clock.schedule((left * 7_919) % 997, again)
    }
    clock.schedule(index % 13, again)
  }
  await clock.run()
  return clock.events
}

async function ofHosts(): Promise<number> {
  const { clock, uninstall } = install('bench')
  const hosts = Array.from({ length: HOSTS }, (_, index) => testHost(`host-${index}`))
  let left = EVENTS - PENDING
  for (let index = 0; index < PENDING; index++) {
    const again = (deadline?: NodeJS.Timeout): void => {
      clearTimeout(deadline)
      left -= 1
      if (left >= 0)
        setTimeout(
          again,
          (left * 7_919) % 997,
          setTimeout(() => {}, 60_000),
        )
    }
    runOn(hosts[index % HOSTS] ?? testHost('none'), () => setTimeout(again, index % 13))
  }
  await clock.run()
  uninstall()
  return clock.events
}

/** CPU time, because the machine has other work too; of the best round, because the first ones compile. */
async function best(measure: () => Promise<number>): Promise<number> {
  let rate = 0
  for (let round = 0; round < ROUNDS; round++) {
    const begun = process.cpuUsage()
    const events = await measure()
    const { user, system } = process.cpuUsage(begun)
    rate = Math.max(rate, events / ((user + system) / 1e6))
  }
  return rate
}

function report(name: string, value: number): void {
  const result = {
    name,
    unit: 'per second of CPU',
    value,
    limit: EVENTS_PER_SECOND_MIN,
    atLeast: 1,
  }
  process.stdout.write(`${JSON.stringify(result)}\n`)
}
