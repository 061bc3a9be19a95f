import { createRequire } from 'node:module'
import type { Replacement } from './replace.ts'

/** How exact undici's own are. */
const TICK_MS = 499

/**
 * undici waits for all that it waits for with one coarse timer of its module. Hosts, which are processes of their own,
 * would share it, and so would worlds that follow each other: it would belong to whoever came first, and end with them
 * for all others. Each wait has a timer of its own here, as late as undici's where nothing else waits.
 */
export function undiciReplacements(): Replacement[] {
  const owner = createRequire(import.meta.url)('undici/lib/util/timers.js') as object
  const wait = (callback: (parameter: unknown) => void, afterMs: number, parameter: unknown) =>
    setTimeout(callback, Math.ceil(afterMs / TICK_MS) * TICK_MS, parameter).unref()
  const values = {
    setTimeout: wait,
    setFastTimeout: wait,
    clearTimeout,
    clearFastTimeout: clearTimeout,
  }
  return Object.entries(values).map(([key, value]) => ({
    name: `undici's ${key}`,
    owner,
    key,
    value,
  }))
}
