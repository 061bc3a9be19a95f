// What stands in the place of Node's timers and dates, beside Node's own: where one process can ask both, it does.
import { EventEmitter, once } from 'node:events'
import { performance as hooks } from 'node:perf_hooks'
import timers from 'node:timers'
import {
  scheduler,
  setImmediate as nextTurn,
  setInterval as every,
  setTimeout as wait,
} from 'node:timers/promises'
import { promisify } from 'node:util'
import { test, type Test } from 'tap'
import { HostClock } from './host-clock.ts'
import { runOn } from './host-context.ts'
import { install, inWorld } from './install.ts'
import { native } from './native.ts'
import { simulation } from './simulation.ts'
import { takeOver } from './take-over.ts'
import { testHost } from './testing.ts'

takeOver()

const EPOCH_MS = Date.UTC(2026, 0, 1)

/** What a call comes to, with the code of its error when it fails. */
async function outcome(call: () => unknown): Promise<unknown> {
  try {
    const result: unknown = await call()
    return result
  } catch (error) {
    const { name, code, message, cause } = error as Error & { code?: string }
    return { name, code, message, cause }
  }
}

/** Tells the same story in real and in virtual time. */
async function twice(t: Test, name: string, story: () => Promise<unknown>): Promise<void> {
  const real = await outcome(story)
  t.strictSame(await inWorld(() => outcome(story)), real, name)
}

test('before the first world the time of day stands still, and timers are real', async (t) => {
  t.equal(Date.now(), EPOCH_MS)
  const begun = native.nowMs()
  await wait(20)
  t.ok(native.nowMs() - begun > 15)
  t.equal(Date.now(), EPOCH_MS)
})

test('a world shows its own time by every clock, and after it they show the real one', async (t) => {
  const day = 86_400_000
  await inWorld(async () => {
    const hrtime = process.hrtime()
    await wait(day + 1_234)
    t.equal(Date.now(), EPOCH_MS + day + 1_234)
    t.equal(new Date().toISOString(), '2026-01-02T00:00:01.234Z')
    t.equal(Date(), new Date().toString())
    t.equal(performance.now(), day + 1_234)
    t.equal(hooks.now(), day + 1_234)
    t.equal(performance.timeOrigin, EPOCH_MS)
    t.strictSame(process.hrtime(), [86_401, 234_000_000])
    t.strictSame(process.hrtime(hrtime), [86_401, 234_000_000])
    t.strictSame(process.hrtime([1, 999_000_000]), [86_399, 235_000_000])
    t.equal(process.hrtime.bigint(), 86_401_234_000_000n)
    t.equal(process.uptime(), 86_401.234)
  })
  t.ok(Math.abs(Date.now() - native.Date.now()) < 5_000)
  t.ok(Math.abs(performance.now() - native.nowMs()) < 5_000)
  t.ok(Math.abs(performance.timeOrigin + performance.now() - native.Date.now()) < 60_000)
})

test('a date is a Date, however it is made', async (t) => {
  await inWorld(async () => {
    const date = new Date(2020, 1, 29)
    t.ok(date instanceof Date)
    t.ok(date instanceof native.Date)
    t.ok(new native.Date() instanceof Date)
    t.equal(date.constructor, Date)
    t.equal(Object.prototype.toString.call(date), '[object Date]')
    t.equal(Date.name, 'Date')
    t.equal(Date.length, 7)
    t.equal(Date.parse('2020-01-01T00:00:00Z'), 1_577_836_800_000)
    t.equal(Date.UTC(2020, 0), 1_577_836_800_000)
    t.ok(Number.isNaN(new Date(Number.NaN).getTime()))
    t.equal(new Date('2020-01-01T00:00:00Z').getTime(), 1_577_836_800_000)
    class Later extends Date {
      get next(): number {
        return this.getTime() + 1
      }
    }
    t.equal(new Later().next, EPOCH_MS + 1)
    t.ok(structuredClone(new Date()) instanceof native.Date)
  })
})

test('each host reads its own time of day, and timers run by the time of the world', async (t) => {
  await inWorld(async () => {
    const skew = new HostClock({ offsetMs: 600_000, driftPpm: 1_000 })
    await runOn(testHost('ahead', skew), async () => {
      t.equal(Date.now(), EPOCH_MS + 600_000)
      await wait(10_000)
      t.equal(Date.now(), EPOCH_MS + 610_010)
      t.equal(performance.now(), 10_000)
      skew.disturb({ offsetMs: -3_600_000 }, 10_000)
      t.equal(new Date().getTime(), EPOCH_MS + 610_010 - 3_600_000)
    })
    t.equal(Date.now(), EPOCH_MS + 10_000, "outside a host it is the world's")
  })
})

test('a delay that Node cannot count is 1 ms', async (t) => {
  const warnings: string[] = []
  t.capture(process, 'emitWarning', (_: unknown, type: unknown) => {
    warnings.push(String(type))
  })
  const delays: readonly [unknown, number][] = [
    [undefined, 1],
    [0, 1],
    [-5, 1],
    [Number.NaN, 1],
    ['oops', 1],
    [null, 1],
    [2 ** 31, 1],
    [Number.POSITIVE_INFINITY, 1],
    [40 * 86_400_000, 1],
    [2 ** 31 - 1, 2 ** 31 - 1],
    [1.9, 1],
    ['15', 15],
    [true, 1],
  ]
  for (const [delay, ms] of delays) {
    await inWorld(async ({ clock }) => {
      const fired = Promise.withResolvers<void>()
      setTimeout(fired.resolve, delay as number)
      await fired.promise
      t.equal(clock.nowMs, ms, `setTimeout of ${String(delay)}`)
      const again = Promise.withResolvers<void>()
      const interval = setInterval(again.resolve, delay as number)
      await again.promise
      clearInterval(interval)
      t.equal(clock.nowMs, 2 * ms, `setInterval of ${String(delay)}`)
    })
  }
  t.equal(
    warnings.filter((type) => type === 'TimeoutOverflowWarning').length,
    6,
    'of one that is too long it warns each time',
  )
})

test('what Node refuses is refused in its words', async (t) => {
  const none = undefined as unknown as () => void
  const calls: Record<string, () => unknown> = {
    'setTimeout without a callback': () => setTimeout(none, 1),
    'setInterval without a callback': () => setInterval(none, 1),
    'setImmediate without a callback': () => setImmediate(none),
    'setTimeout with a bigint': () => setTimeout(() => {}, 1n as unknown as number),
    'wait for text': () => wait('1' as unknown as number),
    'wait with options that are none': () => wait(1, undefined, 5 as never),
    'wait with a signal that is none': () => wait(1, undefined, { signal: {} as AbortSignal }),
    'wait with a ref that is none': () => wait(1, undefined, { ref: 'yes' as never }),
    'wait with an aborted signal': () =>
      wait(1, undefined, { signal: AbortSignal.abort(new Error('why')) }),
    'a turn with an aborted signal': () =>
      nextTurn(1, { signal: AbortSignal.abort(new Error('why')) }),
    'an interval with an aborted signal': async () => {
      for await (const _ of every(1, 1, { signal: AbortSignal.abort(new Error('why')) })) break
    },
    'an interval of text': () => every('1' as unknown as number).next(),
    'AbortSignal.timeout of -1': () => AbortSignal.timeout(-1),
    'AbortSignal.timeout of 1.5': () => AbortSignal.timeout(1.5),
    'AbortSignal.timeout of text': () => AbortSignal.timeout('1' as unknown as number),
  }
  for (const [name, call] of Object.entries(calls)) await twice(t, name, async () => call())
})

test('timers do in virtual time what they do in real time', async (t) => {
  await twice(t, 'parameters and this', async () => {
    const { promise, resolve } = Promise.withResolvers<unknown>()
    const timeout: unknown = setTimeout(
      function (this: unknown, ...parameters: unknown[]) {
        resolve([...parameters, this === timeout])
      },
      1,
      'a',
      2,
    )
    return promise
  })
  await twice(t, 'an interval is cleared within itself', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    let count = 0
    const interval = setInterval(() => {
      count += 1
      if (count === 3) {
        clearInterval(interval)
        setTimeout(resolve, 10)
      }
    }, 1)
    await promise
    return count
  })
  await twice(t, 'clear takes anything', async () => {
    const seen: string[] = []
    const cleared = setTimeout(() => seen.push('by number'), 2)
    const text = setTimeout(() => seen.push('by text'), 2)
    clearTimeout(Number(cleared))
    clearTimeout(String(Number(text)))
    const crossed = setTimeout(() => seen.push('by clearInterval'), 2)
    clearInterval(crossed)
    clearImmediate(setImmediate(() => seen.push('immediate')))
    for (const nothing of [undefined, null, {}, 'x', 123_456]) clearTimeout(nothing as undefined)
    {
      using _timeout = setTimeout(() => seen.push('disposed'), 2)
      using _immediate = setImmediate(() => seen.push('immediate disposed'))
    }
    setTimeout(() => seen.push('closed'), 2).close()
    await wait(20)
    return seen
  })
  await twice(t, 'refresh begins anew, after the end too, and not after a clear', async () => {
    const seen: string[] = []
    const timeout = setTimeout(() => seen.push('fired'), 30)
    await wait(15)
    timeout.refresh()
    await wait(20)
    seen.push('before')
    await wait(40)
    timeout.refresh()
    await wait(50)
    clearTimeout(timeout)
    timeout.refresh()
    t.notOk(simulation()?.clock.pending)
    await wait(50)
    return seen
  })
  await twice(t, 'ref, unref and hasRef', async () => {
    const timeout = setTimeout(() => {}, 1)
    const immediate = setImmediate(() => {})
    const seen = [timeout.hasRef(), immediate.hasRef()]
    timeout.unref()
    immediate.unref()
    seen.push(timeout.hasRef(), immediate.hasRef(), timeout.ref().hasRef())
    seen.push(timeout.ref() === timeout, immediate.ref().hasRef())
    await wait(5)
    return seen
  })
  await twice(t, 'the order of an immediate, a tick, a promise and a timer', async () => {
    const seen: string[] = []
    setTimeout(() => seen.push('timer'), 5)
    setImmediate(() => seen.push('immediate'))
    process.nextTick(() => seen.push('tick'))
    queueMicrotask(() => seen.push('microtask'))
    await wait(20)
    return seen.toSorted((a, b) => Number(a === 'timer') - Number(b === 'timer')).join()
  })
  await twice(t, 'promisify', async () => [
    await promisify(setTimeout)(1, 'value'),
    await promisify(setImmediate)('value'),
    promisify(setTimeout) === wait,
  ])
  await twice(t, 'node:timers has the same functions', async () => [
    timers.setTimeout === setTimeout,
    timers.setInterval === setInterval,
    timers.setImmediate === setImmediate,
    timers.clearTimeout === clearTimeout,
    timers.promises.setTimeout === wait,
    setTimeout.name,
    setTimeout.length,
  ])
})

test('timers/promises do in virtual time what they do in real time', async (t) => {
  await twice(t, 'values', async () => [
    await wait(1, 'a'),
    await wait(undefined, 'b'),
    await nextTurn('c'),
    await scheduler.wait(1),
    await scheduler.yield(),
  ])
  const abortedWhile = async (
    work: (signal: AbortSignal) => Promise<unknown>,
  ): Promise<unknown> => {
    const controller = new AbortController()
    const working = outcome(() => work(controller.signal))
    setTimeout(() => controller.abort(new Error('why')), 5)
    return working
  }
  await twice(t, 'wait, aborted', () => abortedWhile((signal) => wait(60_000, 0, { signal })))
  await twice(t, 'scheduler.wait, aborted', () =>
    abortedWhile((signal) => scheduler.wait(60_000, { signal })),
  )
  await twice(t, 'a turn, aborted', async () => {
    const controller = new AbortController()
    const turn = outcome(() => nextTurn(0, { signal: controller.signal }))
    controller.abort(new Error('why'))
    return turn
  })
  await twice(t, 'an interval, aborted', () =>
    abortedWhile(async (signal) => {
      for await (const value of every(60_000, 'never', { signal })) return value
      return 'no value'
    }),
  )
  await twice(t, 'an interval, left', async () => {
    const seen: unknown[] = []
    for await (const value of every(1, 'tick')) {
      if (seen.push(value) === 3) break
    }
    return seen
  })
  await inWorld(async ({ clock }) => {
    const at: number[] = []
    for await (const _ of every(10)) {
      at.push(clock.nowMs)
      if (at.length === 2) await wait(25)
      if (at.length === 5) break
    }
    t.strictSame(at, [10, 20, 45, 45, 50], 'an interval counts those that nobody has waited for')
    t.equal(clock.pending, 0, 'and leaves nothing behind')
  })
})

test('AbortSignal.timeout aborts in virtual time, alone and with others', async (t) => {
  await inWorld(async ({ clock }) => {
    const signal = AbortSignal.timeout(30_000)
    const any = AbortSignal.any([signal, new AbortController().signal])
    t.notOk(signal.aborted)
    await once(any as unknown as EventEmitter, 'abort')
    t.equal(clock.nowMs, 30_000)
    t.equal(clock.pending, 0)
    t.match(signal.reason, { name: 'TimeoutError', code: 23 })
    t.ok(signal.reason instanceof DOMException)
    await t.rejects(wait(60_000, 0, { signal: AbortSignal.timeout(10) }), {
      name: 'AbortError',
      cause: { name: 'TimeoutError' },
    })
    t.equal(clock.nowMs, 30_010)
    t.equal(clock.pending, 0, 'what was waited for is not pending any more')
    const [short] = [AbortSignal.timeout(0)]
    await wait(1)
    t.ok(short?.aborted)
  })
  await twice(t, 'as Node does', async () => {
    const signal = AbortSignal.timeout(1)
    await wait(20)
    const { name, message, code } = signal.reason as DOMException
    return { name, message, code }
  })
})

test('a timer of an earlier world does nothing, and goes on in the next when it is started again', async (t) => {
  const seen: string[] = []
  let kept: NodeJS.Timeout | undefined
  await inWorld(async () => {
    kept = setTimeout(() => seen.push(`fired at ${performance.now()}`), 100)
  })
  await inWorld(async () => {
    await wait(1_000)
    t.strictSame(seen, [])
    kept?.refresh()
    await wait(1_000)
    t.strictSame(seen, ['fired at 1100'])
  })
  kept?.unref().refresh()
  const last = install('last')
  kept?.refresh()
  t.equal(await last.clock.run(), 'idle')
  t.equal(last.clock.nowMs, 0, 'nobody waits for it there either')
  last.uninstall()
  const begun = native.nowMs()
  await promisify(setTimeout)(15)
  t.ok(native.nowMs() - begun > 10, 'after the last world timers are real')
})

test('one world at a time', (t) => {
  const world = install('one')
  t.throws(() => install('two'), { message: /one at a time/ })
  world.uninstall()
  world.uninstall()
  install('two').uninstall()
  t.end()
})
