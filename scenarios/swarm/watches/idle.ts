import type { Watch } from './watch.ts'

/** Over so long, bursts of work have levelled out. */
const WINDOW_MS = 10_000
/** A timer that sets itself again and again has an event in each millisecond, and each client has several of them. */
const EVENTS_PER_MS_MAX = 4
/** So many hosts that all start at once, and obtain, have work for an event in each millisecond. */
const HOSTS_PER_EVENT = 4

/** Whoever waits does nothing: as with timers past 2^31 - 1 ms, which Node fires at once. */
export const nobodyIsBusyWaiting: Watch = {
  name: 'nobody is busy with waiting',
  open({ driver: { simulated }, plan }) {
    const perMsMax = Math.max(EVENTS_PER_MS_MAX, plan.hosts.length / HOSTS_PER_EVENT)
    let since = { atMs: 0, events: simulated?.clock.events ?? 0 }
    return ({ atMs }) => {
      if (simulated === undefined || atMs - since.atMs < WINDOW_MS) return undefined
      const perMs = (simulated.clock.events - since.events) / (atMs - since.atMs)
      since = { atMs, events: simulated.clock.events }
      if (perMs <= perMsMax) return undefined
      return { problem: `${perMs.toFixed(1)} events happen in each millisecond`, hosts: [] }
    }
  },
}
