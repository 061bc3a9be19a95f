import type { ServerResponse } from 'node:http'
import { performance } from 'node:perf_hooks'
import { promisify } from 'node:util'
import { VirtualDate } from './date.ts'
import { native } from './native.ts'
import { builtin, dressed, type AnyFunction, type Replacement } from './replace.ts'
import { simulation } from './simulation.ts'
import {
  clearImmediate,
  clearTimeout,
  setImmediate,
  setInterval,
  setTimeout,
  VirtualTimeout,
} from './timeouts.ts'
import * as waiting from './timers-promises.ts'

/**
 * Everything by which code beneath us learns what time it is, or waits. `queueMicrotask` and `process.nextTick` stay as
 * they are: no time passes in them.
 *
 * What cannot be had here: timers inside Node's own modules (`socket.setTimeout`: the virtual network has its own),
 * `performance.mark`, `Event.timeStamp`, times of files, and `Intl.DateTimeFormat` without a date.
 */
export function timeReplacements(): Replacement[] {
  // An import of all that it exports would load what keeps Node's own randomness: fetch and WebSocket.
  const { prototype: response } = builtin<typeof import('node:http')>('node:http').ServerResponse
  return [
    ...timers(),
    ...timersPromises(),
    { name: 'Date', owner: globalThis, key: 'Date', value: VirtualDate },
    { name: 'Date', owner: native.Date.prototype, key: 'constructor', value: VirtualDate },
    {
      name: 'AbortSignal.timeout',
      owner: AbortSignal,
      key: 'timeout',
      value: dressed(nativeTimeoutSignal, timeoutSignal),
    },
    { name: 'performance.now', owner: performance, key: 'now', value: monotonicMs },
    {
      name: 'performance.timeOrigin',
      owner: performance,
      key: 'timeOrigin',
      get: () => simulation()?.clock.epochMs ?? timeOrigin,
    },
    { name: 'process.hrtime', owner: process, key: 'hrtime', value: hrtime },
    {
      name: 'the Date header of node:http',
      owner: response,
      key: 'writeHead',
      value: datedHead(response),
    },
    { name: 'process.uptime', owner: process, key: 'uptime', value: uptime },
  ]
}

function timers(): Replacement[] {
  const standIns = {
    setTimeout: dressed(native.setTimeout, setTimeout),
    setInterval: dressed(native.setInterval, setInterval),
    setImmediate: dressed(native.setImmediate, setImmediate),
    clearTimeout: dressed(native.clearTimeout, clearTimeout),
    clearInterval: dressed(native.clearInterval, (timeout?: unknown) => clearTimeout(timeout)),
    clearImmediate: dressed(native.clearImmediate, clearImmediate),
  }
  Object.defineProperty(standIns.setTimeout, promisify.custom, {
    enumerable: true,
    get: () => waiting.setTimeout,
  })
  Object.defineProperty(standIns.setImmediate, promisify.custom, {
    enumerable: true,
    get: () => waiting.setImmediate,
  })
  const module = builtin('node:timers')
  return Object.entries(standIns).flatMap(([key, value]) => [
    { name: key, owner: globalThis, key, value },
    { name: `node:timers ${key}`, owner: module, key, value },
  ])
}

function timersPromises(): Replacement[] {
  const module = builtin<typeof import('node:timers/promises')>('node:timers/promises')
  const { scheduler } = module
  return [
    {
      name: 'timers/promises setTimeout',
      owner: module,
      key: 'setTimeout',
      value: waiting.setTimeout,
    },
    {
      name: 'timers/promises setInterval',
      owner: module,
      key: 'setInterval',
      value: waiting.setInterval,
    },
    {
      name: 'timers/promises setImmediate',
      owner: module,
      key: 'setImmediate',
      value: waiting.setImmediate,
    },
    { name: 'scheduler.wait', owner: scheduler, key: 'wait', value: waiting.wait },
    { name: 'scheduler.yield', owner: scheduler, key: 'yield', value: waiting.yieldTurn },
  ]
}

const TIMEOUT_SIGNAL_MS_MAX = 2 ** 32 - 1
const nativeTimeoutSignal = AbortSignal.timeout.bind(AbortSignal)

function timeoutSignal(delayMs: number): AbortSignal {
  const clock = simulation()?.clock
  const counted = Number.isInteger(delayMs) && delayMs >= 0 && delayMs <= TIMEOUT_SIGNAL_MS_MAX
  if (clock === undefined || !counted) return nativeTimeoutSignal(delayMs)
  const controller = new AbortController()
  const abort = (): void => {
    controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'))
  }
  new VirtualTimeout(abort, delayMs, { clock }).unref()
  return controller.signal
}

const { timeOrigin } = performance

function monotonicMs(): number {
  return simulation()?.clock.nowMs ?? native.nowMs()
}

const nativeHrtime = process.hrtime
const nativeUptime = process.uptime.bind(process)
const NS_PER_MS = 1_000_000n
const NS_PER_SECOND = 1_000_000_000

function hrtimeBigint(): bigint {
  const clock = simulation()?.clock
  return clock === undefined ? nativeHrtime.bigint() : BigInt(clock.nowMs) * NS_PER_MS
}

const hrtime = Object.assign(
  (before?: [number, number]): [number, number] => {
    const clock = simulation()?.clock
    if (clock === undefined) return nativeHrtime(before)
    const [seconds, nanoseconds] = before ?? [0, 0]
    const sinceNs = (clock.nowMs % 1_000) * 1_000_000 - nanoseconds
    const borrowed = sinceNs < 0 ? 1 : 0
    return [
      Math.trunc(clock.nowMs / 1_000) - seconds - borrowed,
      sinceNs + borrowed * NS_PER_SECOND,
    ]
  },
  { bigint: hrtimeBigint },
)

function uptime(): number {
  const clock = simulation()?.clock
  return clock === undefined ? nativeUptime() : clock.nowMs / 1_000
}

/** `ServerResponse.writeHead`: Node's own date is of the real clock, and kept for a second. */
function datedHead(response: ServerResponse): unknown {
  const own = Object.getOwnPropertyDescriptor(response, 'writeHead')?.value as AnyFunction
  return dressed(own, function (this: ServerResponse, ...head: unknown[]) {
    if (simulation() !== undefined && this.sendDate && !this.headersSent) {
      if (!this.hasHeader('date')) this.setHeader('Date', new Date().toUTCString())
    }
    return Reflect.apply(own, this, head)
  })
}
