// A probe's bounds: in time, in how often it is made, and in how long its result holds.
import { test } from 'tap'
import { checkHealth, Probe, type ProbeInit } from './index.ts'

function probe(run: ProbeInit['run'], rest: Partial<ProbeInit> = {}): Probe {
  return new Probe({ name: 'thing', timeoutMs: 60_000, holdsMs: 60_000, run, ...rest })
}

test('a probe is made once for all who ask while it runs, and not again while its result holds', async (t) => {
  let made = 0
  const gate = Promise.withResolvers<void>()
  const counted = probe(() => {
    made += 1
    return gate.promise
  })
  const asked = [counted.check(), counted.check(), counted.check()]
  gate.resolve()
  t.strictSame(await Promise.all(asked), [undefined, undefined, undefined])
  for (let asks = 0; asks < 1_000; asks += 1) await counted.check()
  t.equal(made, 1)
})

test('a failure holds as long as a success, and a result that holds no longer is made anew', async (t) => {
  let made = 0
  const failing = (holdsMs: number): Probe =>
    probe(
      () => {
        made += 1
        throw new Error(`failure ${made}`)
      },
      { holdsMs },
    )
  const held = failing(60_000)
  t.equal(await held.check(), 'failure 1')
  t.equal(await held.check(), 'failure 1')
  const forgotten = failing(0)
  t.equal(await forgotten.check(), 'failure 2')
  t.equal(await forgotten.check(), 'failure 3')
})

test('a probe that hangs fails in its time, whether it listens to its signal or not', async (t) => {
  const deaf = probe(() => new Promise<void>(() => {}), { timeoutMs: 10 })
  t.equal(await deaf.check(), 'no result within 10 ms')
  const listening = probe(
    (signal) =>
      new Promise<void>((_, reject) => {
        signal.addEventListener('abort', () => reject(new Error('aborted')))
      }),
    { timeoutMs: 10 },
  )
  t.equal(await listening.check(), 'no result within 10 ms', 'its own words would say less')
})

test('a stop ends a probe under way, and the next is not begun', async (t) => {
  let made = 0
  const stopped = probe(
    () => {
      made += 1
      return new Promise<void>(() => {})
    },
    { holdsMs: 0 },
  )
  const checking = stopped.check()
  stopped.stop()
  t.equal(await checking, 'the server is stopping')
  t.equal(await stopped.check(), 'the server is stopping')
  t.equal(made, 1)
})

test('health names each probe that failed, and says when there is a new answer', async (t) => {
  const fine = probe(() => {}, { holdsMs: 90_000 })
  t.strictSame(await checkHealth([fine]), { problems: [], retryAfterSeconds: 1 })
  const fails = (name: string, holdsMs: number): Probe =>
    probe(() => Promise.reject(new Error(`no ${name}`)), { name, holdsMs })
  t.strictSame(await checkHealth([fine, fails('store', 5_000), fails('CA', 29_001)]), {
    problems: ['store: no store', 'CA: no CA'],
    retryAfterSeconds: 30,
  })
})
