import { native } from './native.ts'
import { simulation } from './simulation.ts'

/** The time of day before the first world: what modules keep of the moment when they are loaded is then always equal. */
let loadingMs: number | undefined

/** Holds the time of day while modules are loaded; undefined lets it be what it is. */
export function setLoadingDate(ms: number | undefined): void {
  loadingMs = ms
}

const { Date: NativeDate } = native

const nowMs = (): number => simulation()?.clock.dateMs() ?? loadingMs ?? NativeDate.now()

/**
 * `Date` with the time of day of the running host. Its objects are Node's own: they have the same prototype, so that
 * `instanceof` and what Node does with dates know no difference.
 */
function Date(this: unknown, ...parts: readonly unknown[]): unknown {
  if (new.target === undefined) return new NativeDate(nowMs()).toString()
  return Reflect.construct(NativeDate, parts.length === 0 ? [nowMs()] : parts, new.target)
}

/** What stands in the place of the global `Date`. */
export const VirtualDate = Object.defineProperties(
  Date,
  Object.getOwnPropertyDescriptors(NativeDate),
) as unknown as DateConstructor
VirtualDate.now = nowMs
