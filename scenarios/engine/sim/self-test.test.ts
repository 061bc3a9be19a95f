import { randomBytes } from 'node:crypto'
import { test } from 'tap'
import { VirtualTimeout } from './timeouts.ts'
import { KNOWN_NAMES } from './known-names.ts'
import { selfTest, timeChecks } from './self-test.ts'
import { takeOver, takenOver } from './take-over.ts'

takeOver()

test('the simulator fits the Node that runs it', async (t) => {
  t.strictSame(await selfTest(timeChecks()), [])
  t.ok(takenOver().length > 100, `${takenOver().length} functions are replaced`)
})

test('what does not fit is named', async (t) => {
  const broken = async (
    owner: object,
    key: string,
    value: unknown,
    wanted: RegExp,
  ): Promise<void> => {
    const before = Object.getOwnPropertyDescriptor(owner, key)
    Object.defineProperty(owner, key, { value, configurable: true, writable: true })
    try {
      const problems = await selfTest(timeChecks())
      t.match(problems.join('\n'), wanted, key)
    } finally {
      if (before === undefined) Reflect.deleteProperty(owner, key)
      else Object.defineProperty(owner, key, before)
    }
  }
  await broken(Math, 'random', () => 0.5, /^Math.random is the sim.*\n.*Math.random comes from/s)
  await broken(performance, 'now', () => 7, /performance.now shows virtual time/)
  await broken(globalThis, 'setTimeout', () => {}, /^setTimeout waits in virtual time: nothing/m)
  const { default: nodeCrypto } = await import('node:crypto')
  await broken(nodeCrypto, 'randomNovelty', randomBytes, /node:crypto has nothing.*"randomNovelty"/)
})

test('a timer of a world has all that one of Node has', (t) => {
  for (const name of KNOWN_NAMES.Timeout?.names ?? []) {
    t.ok(name in VirtualTimeout.prototype, name)
  }
  t.end()
})
