// The clock by itself: nothing of Node's is replaced here.
import { AsyncLocalStorage } from 'node:async_hooks'
import { EventEmitter } from 'node:events'
import { setTimeout as realMs } from 'node:timers/promises'
import { test } from 'tap'
import { VirtualClock } from './clock.ts'
import { EventHeap, NOWHERE } from './event-heap.ts'
import { HostClock } from './host-clock.ts'
import { currentHost, runOn, runOutside } from './host-context.ts'
import { HostFailure } from './host-failure.ts'
import { SeededRandom } from './random.ts'
import { testHost as host } from './testing.ts'

test('events run in the order of their times, and those of one time in the order of their making', async (t) => {
  const clock = new VirtualClock()
  const ran: string[] = []
  for (const [name, delayMs] of [
    ['c', 20],
    ['a', 10],
    ['d', 20],
    ['b', 10],
    ['now', 0],
  ] as const) {
    clock.schedule(delayMs, () => ran.push(`${name}@${clock.nowMs}`))
  }
  t.equal(await clock.run(), 'idle')
  t.strictSame(ran, ['now@0', 'a@10', 'b@10', 'c@20', 'd@20'])
  t.equal(clock.events, 5)
})

test('an event begins when every microtask and nextTick of the one before has run', async (t) => {
  const clock = new VirtualClock()
  const ran: string[] = []
  clock.schedule(1, () => {
    void (async () => {
      for (let step = 0; step < 50; step++) await Promise.resolve()
      process.nextTick(() => queueMicrotask(() => ran.push('all that followed')))
    })()
  })
  clock.schedule(1, () => ran.push('the next event'))
  await clock.run()
  t.strictSame(ran, ['all that followed', 'the next event'])
})

test('a timer that was cancelled never runs, and one that was put off runs at its new time', async (t) => {
  const clock = new VirtualClock()
  const ran: string[] = []
  const cancelled = clock.schedule(5, () => ran.push('cancelled'))
  const late = clock.schedule(5, () => ran.push(`late@${clock.nowMs}`))
  clock.schedule(4, () => {
    clock.cancel(cancelled)
    clock.reschedule(late, 10)
  })
  await clock.run()
  t.strictSame(ran, ['late@14'])
  t.equal(clock.pending, 0)
  clock.reschedule(late, 1)
  await clock.run()
  t.strictSame(ran, ['late@14', 'late@15'], 'one that has run can be put on again')
  t.throws(() => clock.cancel({ atMs: 1 }), { message: /of no virtual clock/ })
})

test('a delay is a whole number, 0 or more', (t) => {
  const clock = new VirtualClock()
  for (const delayMs of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    t.throws(() => clock.schedule(delayMs, () => {}), RangeError, String(delayMs))
  }
  t.throws(() => new VirtualClock({ epochMs: 0.5 }), RangeError)
  t.end()
})

test('the heap gives what is due first, whatever was added and removed', (t) => {
  const random = new SeededRandom('heap')
  const heap = new EventHeap<{ atMs: number; sequence: number; index: number }>()
  let model: { atMs: number; sequence: number; index: number }[] = []
  for (let sequence = 0; sequence < 2_000; sequence++) {
    if (random.float() < 0.6) {
      const entry = { atMs: random.integer(0, 50), sequence, index: NOWHERE }
      heap.add(entry)
      model.push(entry)
    } else if (model.length > 0) {
      const entry = random.float() < 0.5 ? heap.first : random.pick(model)
      if (entry === undefined) throw new Error('the heap is empty')
      heap.remove(entry)
      model = model.filter((other) => other !== entry)
      if (entry.index !== NOWHERE) t.fail('a removed entry still has a place')
    }
    const [wanted] = model.toSorted((a, b) => a.atMs - b.atMs || a.sequence - b.sequence)
    if (heap.first !== wanted) t.fail(`after ${sequence} steps another entry is first`)
  }
  t.equal(heap.size, model.length)
  t.end()
})

test('a run ends at its time, with its promise, when nothing is left, or by its signal', async (t) => {
  const clock = new VirtualClock()
  const ran: number[] = []
  const beat = (): void => {
    ran.push(clock.nowMs)
    clock.schedule(10, beat)
  }
  clock.schedule(10, beat)
  t.equal(await clock.run({ untilMs: 25 }), 'time')
  t.equal(clock.nowMs, 25, 'the time that was asked for, though nothing happened then')
  t.strictSame(ran, [10, 20])

  const done = new Promise<void>((resolve) => clock.schedule(10, resolve))
  t.equal(await clock.run({ until: done }), 'settled')
  t.equal(clock.nowMs, 35)

  const abort = new AbortController()
  clock.schedule(5, () => abort.abort(new Error('enough')))
  await t.rejects(clock.run({ signal: abort.signal }), { message: 'enough' })
  await t.rejects(clock.run({ signal: abort.signal }), { message: 'enough' }, 'and at once')
  t.equal(await new VirtualClock().run({ untilMs: 40 }), 'idle')
})

test('a run without an end waits for no timer that lets a process end', async (t) => {
  const clock = new VirtualClock()
  const ran: string[] = []
  clock.setCounts(
    clock.schedule(5, () => ran.push('unref, before the end')),
    false,
  )
  clock.schedule(10, () => ran.push('ref'))
  clock.setCounts(
    clock.schedule(20, () => ran.push('unref, after the end')),
    false,
  )
  t.equal(await clock.run(), 'idle')
  t.strictSame(ran, ['unref, before the end', 'ref'])
  t.equal(await clock.run({ untilMs: 30 }), 'idle')
  t.strictSame(ran.at(-1), 'unref, after the end', 'a run with an end lets it happen')
})

test('one run at a time', async (t) => {
  const clock = new VirtualClock()
  clock.schedule(1, () => {})
  const first = clock.run()
  await t.rejects(clock.run(), { message: /runs already/ })
  t.equal(await first, 'idle')
})

test('no time passes while the clock is held, and what real work starts comes before the next event', async (t) => {
  const clock = new VirtualClock()
  const ran: string[] = []
  clock.schedule(0, () => {
    void clock.external(async () => {
      await realMs(20)
      ran.push(`worked@${clock.nowMs}`)
      clock.schedule(0, () => ran.push(`told@${clock.nowMs}`))
    })
  })
  clock.schedule(1, () => ran.push(`next@${clock.nowMs}`))
  await clock.run()
  t.strictSame(ran, ['worked@0', 'told@0', 'next@1'])
})

test('a hold ends once, however often it is told to', async (t) => {
  const clock = new VirtualClock()
  const ran: string[] = []
  const [first, second] = [clock.hold(), clock.hold()]
  clock.schedule(1, () => ran.push('event'))
  const running = clock.run()
  first()
  first()
  await realMs(5)
  t.strictSame(ran, [], 'the other still holds it')
  second()
  await running
  t.strictSame(ran, ['event'])
})

test('a clock that nobody lets go on says who holds it', async (t) => {
  const clock = new VirtualClock({ holdMsMax: 20 })
  clock.hold('a socket of the CA')
  clock.hold('another')
  clock.schedule(1, () => {})
  await t.rejects(clock.run(), { message: /stands still.*held by "a socket of the CA"/ })
})

test('work that waits for what can never come is told so', async (t) => {
  const clock = new VirtualClock()
  clock.schedule(7, () => {})
  await t.rejects(
    clock.drive(() => new Promise(() => {})),
    { message: /nothing is left to happen at 7 ms/ },
  )
  t.equal(await clock.drive(async () => 'result'), 'result')
  await t.rejects(
    clock.drive(async () => {
      throw new Error('its own')
    }),
    { message: 'its own' },
  )
})

test('a world in which no time passes any more is stopped', async (t) => {
  const clock = new VirtualClock({ eventsPerInstantMax: 100 })
  const again = (): void => void clock.schedule(0, again)
  clock.schedule(3, again)
  await t.rejects(clock.run(), { message: /at 3 ms of virtual time: more than 100 events/ })
})

test('an event runs in the async context that scheduled it, and the clock in none', async (t) => {
  const clock = new VirtualClock()
  const storage = new AsyncLocalStorage<string>()
  const seen: unknown[] = []
  const timer = storage.run('mine', () => clock.schedule(1, () => seen.push(storage.getStore())))
  clock.schedule(2, () => seen.push(storage.getStore()))
  await clock.run()
  storage.run('another', () => clock.reschedule(timer, 1))
  await clock.run()
  t.strictSame(seen, ['mine', undefined, 'mine'])
})

test('hosts know their events, and what a dead host had planned is dropped', async (t) => {
  const clock = new VirtualClock()
  const [a, b] = [host('a'), host('b')]
  const ran: string[] = []
  const beat = (): void => {
    ran.push(`${currentHost()?.name}@${clock.nowMs}`)
    clock.schedule(10, beat)
  }
  runOn(a, () => clock.schedule(10, beat))
  runOn(b, () => {
    clock.schedule(15, beat)
    runOutside(() => clock.schedule(25, () => ran.push(`${currentHost()?.name}`)))
  })
  clock.schedule(22, () => {
    a.alive = false
  })
  await clock.run({ untilMs: 40 })
  t.strictSame(ran, ['a@10', 'b@15', 'a@20', 'undefined', 'b@25', 'b@35'])
})

test('what is due while a host is paused happens when it goes on, in its order', async (t) => {
  const clock = new VirtualClock()
  const [a, b] = [host('a'), host('b')]
  const ran: string[] = []
  const put = (name: string, delayMs: number) =>
    clock.schedule(delayMs, () => ran.push(`${name}@${clock.nowMs}`))
  const cancelled = runOn(a, () => {
    put('a first', 10)
    put('a second', 12)
    put('a later', 40)
    return put('a cancelled', 11)
  })
  const putOff = runOn(a, () => put('a put off', 13))
  runOn(b, () => put('b', 12))
  clock.schedule(5, () => {
    a.paused = true
  })
  clock.schedule(20, () => {
    clock.cancel(cancelled)
    clock.reschedule(putOff, 30)
  })
  clock.schedule(30, () => {
    a.paused = false
    clock.resume(a)
  })
  await clock.run()
  t.strictSame(ran, ['b@12', 'a first@30', 'a second@30', 'a later@40', 'a put off@50'])
})

test('a run after another that was ended goes on where that was', async (t) => {
  const clock = new VirtualClock()
  const realTimers = (): number =>
    process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const abort = new AbortController()
  const ran: (number | string)[] = []
  for (const atMs of [1, 2, 3, 4]) clock.schedule(atMs, () => ran.push(atMs))
  clock.schedule(2, () => abort.abort(new Error('enough')))
  const timersBefore = realTimers()
  await clock.run({ signal: abort.signal }).catch((error: Error) => ran.push(error.message))
  // It waits for real work: nothing of the first run may wait along.
  const release = clock.hold()
  const second = clock.run()
  await realMs(5)
  release()
  await second
  t.strictSame(ran, [1, 2, 'enough', 3, 4])
  t.equal(realTimers(), timersBefore)
})

test('what a host throws names the host and the time, wherever in the event it throws', async (t) => {
  const boom = new Error('boom')
  const ways: Record<string, () => void> = {
    'in the event': () => {
      throw boom
    },
    'in a promise that nobody handles': () => {
      void (async () => {
        await Promise.resolve()
        throw boom
      })()
    },
    'in a microtask': () =>
      queueMicrotask(() => {
        throw boom
      }),
    'in a nextTick': () =>
      process.nextTick(() => {
        throw boom
      }),
  }
  // The test runner listens for these too, and would take them for its own.
  const events = ['uncaughtException', 'unhandledRejection'] as const
  const emitter: EventEmitter = process
  const listeners = events.map((event) => emitter.listeners(event) as (() => void)[])
  for (const event of events) emitter.removeAllListeners(event)
  // Somebody who listens takes them from Node, which then makes no exceptions of them.
  process.on('unhandledRejection', () => {})
  t.teardown(() => {
    for (const [index, event] of events.entries()) {
      emitter.removeAllListeners(event)
      for (const listener of listeners[index] ?? []) emitter.on(event, listener)
    }
  })
  for (const [way, fail] of Object.entries(ways)) {
    const clock = new VirtualClock()
    const failing = host('proof-1')
    runOn(failing, () => clock.schedule(1234, fail))
    clock.schedule(2_000, () => {})
    const error = await clock.run().then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    t.ok(error instanceof HostFailure, way)
    t.match(
      error,
      {
        message: 'host "proof-1" failed at 1234 ms of virtual time: boom',
        host: 'proof-1',
        atMs: 1234,
        cause: boom,
      },
      way,
    )

    const again = new VirtualClock()
    const dying = host('proof-2')
    runOn(dying, () =>
      again.schedule(1, () => {
        dying.alive = false
        fail()
      }),
    )
    again.schedule(2_000, () => {})
    t.equal(await again.run(), 'idle', `${way}, of a dead host: nobody's failure`)
    t.equal(again.nowMs, 2_000)
  }
})

test('a host reads its own time of day: it is off, drifts, and is set right by what is healed alone', (t) => {
  const skew = new HostClock({ offsetMs: -500, driftPpm: 100 })
  t.equal(skew.skewMs(0), -500)
  t.equal(skew.skewMs(10_000_000), 500)
  t.equal(skew.skewMs(15_001), -499, 'whole milliseconds')
  const setRight = skew.disturb({ offsetMs: 3_600_000, driftPpm: -200 }, 10_000_000)
  t.equal(skew.skewMs(10_000_000), 3_600_500, 'what it was off it stays off')
  t.equal(skew.skewMs(15_000_000), 3_600_000, 'and drifts on')
  setRight()
  t.equal(skew.skewMs(15_000_000), 1_000)
  t.throws(() => skew.disturb({ offsetMs: 0.5 }, 0), RangeError)
  const clock = new VirtualClock({ epochMs: Date.UTC(2030, 0, 1) })
  t.equal(clock.dateMs(), Date.UTC(2030, 0, 1))
  t.equal(
    runOn(host('off', new HostClock({ offsetMs: 60_000 })), () => clock.dateMs()),
    Date.UTC(2030, 0, 1, 0, 1),
  )
  t.end()
})
