// What one DNS server has of the challenges, while it goes away and comes back. It is scripted: with a real one and real
// DNS queries the scenario dns-server-returns does the same.
import { test, type Test } from 'tap'
import { ChallengeCopy } from './challenge-copy.ts'
import type { ChallengeValue } from './records.ts'
import { testSignal } from './testing.ts'

/** What a server does with requests. */
type State = 'up' | 'unreachable' | 'unanswering'

interface Script {
  state: State
  /** What it has. */
  readonly held: Set<string>
  /** Requests that reached it, in order; `?` for those that it did not answer. */
  readonly requests: string[]
  /** When a request was tried, in ms. */
  readonly triedAt: number[]
  readonly caughtUp: string[]
  readonly copy: ChallengeCopy
  /** Waits until something of `caughtUp` ends with the text. */
  told(text: string): Promise<void>
  /** Set to keep removals from being answered. */
  gate: Promise<void> | undefined
}

function open(t: Test): Script {
  const listeners = new Set<() => void>()
  const script: Omit<Script, 'copy' | 'told'> = {
    state: 'up',
    held: new Set(),
    requests: [],
    triedAt: [],
    caughtUp: [],
    gate: undefined,
  }
  const request = async (what: string, act: () => void, onSend?: () => void): Promise<void> => {
    script.triedAt.push(performance.now())
    await Promise.resolve()
    if (script.state === 'unreachable') throw new Error('connection refused')
    onSend?.()
    script.requests.push(script.state === 'up' ? what : `${what}?`)
    if (script.state === 'unanswering') throw new Error('no answer')
    act()
  }
  const copy = new ChallengeCopy(
    {
      set: ({ fqdn }, { onSend }) => request(`set ${fqdn}`, () => script.held.add(fqdn), onSend),
      remove: async ({ fqdn }) => {
        await request(`remove ${fqdn}`, () => script.held.delete(fqdn))
        await script.gate
        return true
      },
    },
    {
      caughtUp: ({ name }, done) => {
        script.caughtUp.push(`${done} ${name}`)
        for (const listener of listeners) listener()
      },
    },
  )
  t.teardown(() => copy.close())
  return Object.assign(script, {
    copy,
    async told(text: string) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const look = (): void => {
        if (script.caughtUp.includes(text)) resolve()
      }
      listeners.add(look)
      look()
      await promise
      listeners.delete(look)
    },
  })
}

const value = (name: string): ChallengeValue => ({ name, value: 'v' })

/** Moves the clock that does not go back. */
function holdClock(t: Test): { shiftMs: number } {
  const clock = { shiftMs: 0 }
  const now = performance.now.bind(performance)
  performance.now = () => now() + clock.shiftMs
  t.teardown(() => {
    performance.now = now
  })
  return clock
}

test('NT-DNS01-013 what could not be set is set when the server is back, with growing waits in between', async (t) => {
  const server = open(t)
  server.state = 'unreachable'
  const failing = ['a', 'b'].map((name) => server.copy.set(value(name), testSignal()))
  for (const set of failing) await t.rejects(set, /connection refused/)
  const attempts = server.triedAt.length
  while (server.triedAt.length < attempts + 6) await new Promise((resolve) => setImmediate(resolve))
  // Two values are tried at a time. Only the least that a wait can be does not depend on the machine.
  const starts = server.triedAt.slice(attempts).filter((_, index) => index % 2 === 0)
  const [first = 0, second = 0, third = 0] = starts
  t.ok(second - first >= 95 && third - second >= 190, `${second - first}, ${third - second} ms`)
  server.state = 'up'
  await Promise.all([server.told('set a'), server.told('set b')])
  t.strictSame([...server.held].toSorted(), ['a', 'b'])
})

test('one request that works brings everything else with it', async (t) => {
  const server = open(t)
  server.state = 'unreachable'
  await t.rejects(server.copy.set(value('a'), testSignal()))
  const tries = (): number => server.triedAt.length
  const before = tries()
  // The next wait is 0.8 s at least.
  while (tries() < before + 4) await new Promise((resolve) => setImmediate(resolve))
  server.state = 'up'
  const startedAt = performance.now()
  await server.copy.set(value('b'), testSignal())
  await server.told('set a')
  t.ok(performance.now() - startedAt < 800, 'its wait was cut short')
})

test('NT-DNS01-013 a server that was restarted gets again what is live, and nothing that was removed', async (t) => {
  const server = open(t)
  for (const name of ['a', 'b', 'c']) await server.copy.set(value(name), testSignal())
  await server.copy.remove(value('b'), testSignal())
  server.held.clear()
  server.copy.dropped()
  await Promise.all([server.told('set a'), server.told('set c')])
  t.strictSame([...server.held].toSorted(), ['a', 'c'])
  t.strictSame(server.requests.slice(4).toSorted(), ['set a', 'set c'])
})

test('NT-ISSUE-038 what could not be removed is removed when the server is back with its old memory', async (t) => {
  const server = open(t)
  await server.copy.set(value('a'), testSignal())
  await server.copy.set(value('b'), testSignal())
  server.state = 'unreachable'
  server.copy.dropped()
  await t.rejects(server.copy.remove(value('a'), testSignal()), /connection refused/)
  server.state = 'up'
  await server.told('removed a')
  t.strictSame([...server.held], ['b'])
})

test('a server that was never sent a value owes no removal, one that did not answer does', async (t) => {
  const server = open(t)
  server.state = 'unreachable'
  await t.rejects(server.copy.set(value('a'), testSignal()))
  t.equal(await server.copy.remove(value('a'), testSignal()), false)
  server.state = 'unanswering'
  await t.rejects(server.copy.set(value('b'), testSignal()), /no answer/)
  await t.rejects(server.copy.remove(value('b'), testSignal()), /no answer/)
  server.state = 'up'
  await server.told('removed b')
  t.notOk(server.requests.some((request) => request.endsWith('a')))
})

test('a removal is tried for as long as the value can be there, and a value that is wanted again is not removed', async (t) => {
  const clock = holdClock(t)
  const server = open(t)
  await server.copy.set(value('answered'), testSignal())
  server.state = 'unanswering'
  await t.rejects(server.copy.set(value('unanswered'), testSignal()))
  await t.rejects(server.copy.set(value('wanted'), testSignal()))
  for (const name of ['answered', 'unanswered', 'wanted']) {
    await t.rejects(server.copy.remove(value(name), testSignal()))
  }
  await t.rejects(server.copy.set(value('wanted'), testSignal()))
  clock.shiftMs = 120_001
  server.requests.length = 0
  server.state = 'up'
  await Promise.all([server.told('removed unanswered'), server.told('set wanted')])
  t.strictSame(server.requests.toSorted(), ['remove unanswered', 'set wanted'])
})

test('a value that is set while its removal is under way is set after it', async (t) => {
  const server = open(t)
  await server.copy.set(value('a'), testSignal())
  const gate = Promise.withResolvers<void>()
  server.gate = gate.promise
  const removing = server.copy.remove(value('a'), testSignal())
  while (server.requests.length < 2) await new Promise((resolve) => setImmediate(resolve))
  const setting = server.copy.set(value('a'), testSignal())
  await new Promise((resolve) => setImmediate(resolve))
  t.strictSame(server.requests, ['set a', 'remove a'])
  gate.resolve()
  await Promise.all([removing, setting])
  t.strictSame(server.requests, ['set a', 'remove a', 'set a'])
  t.strictSame([...server.held], ['a'])
})

test('what an earlier process may have left is removed, unless it is wanted now', async (t) => {
  const server = open(t)
  await server.copy.set(value('b'), testSignal())
  server.copy.sweep([value('a'), value('b')])
  await server.told('removed a')
  t.strictSame([...server.held], ['b'])
  t.strictSame(server.requests, ['set b', 'remove a'])
})

test('a great many values are removed a few hundred at a time, after those that are wanted', async (t) => {
  const server = open(t)
  const names = Array.from({ length: 600 }, (_, index) => `n${index}`)
  server.state = 'unreachable'
  server.copy.sweep(names.map(value))
  await t.rejects(server.copy.set(value('wanted'), testSignal()))
  const gate = Promise.withResolvers<void>()
  server.gate = gate.promise
  server.state = 'up'
  await server.told('set wanted')
  t.equal(server.requests[0], 'set wanted')
  t.equal(server.requests.length, 256)
  gate.resolve()
  await server.told('removed n599')
})
