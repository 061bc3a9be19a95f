// Node's own functions, as they were before the simulator took their place. This file is loaded before anything is
// replaced, because whatever replaces them imports it.
import { performance } from 'node:perf_hooks'
import timers from 'node:timers'
import timersPromises from 'node:timers/promises'

/** What runs in real time, whatever world is on. */
export const native = {
  setTimeout: timers.setTimeout,
  clearTimeout: timers.clearTimeout,
  setInterval: timers.setInterval,
  clearInterval: timers.clearInterval,
  setImmediate: timers.setImmediate,
  clearImmediate: timers.clearImmediate,
  promises: {
    setTimeout: timersPromises.setTimeout,
    setInterval: timersPromises.setInterval,
    setImmediate: timersPromises.setImmediate,
  },
  Date: globalThis.Date,
  /** Real milliseconds on the monotonic clock. */
  nowMs: performance.now.bind(performance),
} as const
