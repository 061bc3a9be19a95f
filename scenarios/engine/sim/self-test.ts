// Whether the simulator still fits the Node that runs it: what it replaces is Node's to change. Each check is of one
// thing, so that a Node that differs is told of by its name.
import { strict as assert } from 'node:assert'
import nodeCrypto from 'node:crypto'
import dns from 'node:dns'
import fs from 'node:fs'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { promisify } from 'node:util'
import { performance as hooks } from 'node:perf_hooks'
import timers from 'node:timers'
import timersPromises from 'node:timers/promises'
import zlib from 'node:zlib'
import { runOn } from './host-context.ts'
import { inWorld, type Installed } from './install.ts'
import { KNOWN_NAMES } from './known-names.ts'
import { native } from './native.ts'
import { takenOver } from './take-over.ts'

/** One thing that must be so. */
export interface SelfCheck {
  readonly name: string
  /** Throws when it is not. */
  readonly check: () => Promise<void>
}

/** What is wrong, a line each: the name of a check and what it has found. */
export async function selfTest(checks: readonly SelfCheck[]): Promise<string[]> {
  const problems: string[] = []
  for (const { name, check } of checks) {
    try {
      await check()
    } catch (error) {
      problems.push(`${name}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return problems
}

/** The checks of time, chance and work on other threads. The process must have been taken over. */
export function timeChecks(): SelfCheck[] {
  return [
    ...takenOver().map(({ name, owner, key, value, get }) => ({
      name: `${name} is the simulator's`,
      check: async () => {
        const found = Object.getOwnPropertyDescriptor(owner, key)
        assert.ok(
          value === undefined ? found?.get === get : found?.value === value,
          'somebody has put something else in its place',
        )
      },
    })),
    ...Object.entries(WAITS).map(([name, wait]) => waiting(name, wait)),
    ...Object.entries(CLOCKS).map(([name, read]) => reading(name, read)),
    ...Object.entries(DRAWS).map(([name, draw]) => drawing(name, draw)),
    ...Object.entries(WORK).map(([name, work]) => working(name, work)),
    ...Object.entries(KNOWN_NAMES).map(([module, { holder, names }]) => ({
      name: `${module} has nothing that the simulator does not know`,
      check: async () => {
        const unknown = Object.getOwnPropertyNames(holder()).filter((name) => !names.has(name))
        assert.ok(unknown.length === 0, `it has "${unknown.join('", "')}"`)
      },
    })),
  ]
}

const WAIT_MS = 86_400_000

/** Ways to wait for a day. */
const WAITS: Record<string, () => Promise<unknown>> = {
  setTimeout: () => new Promise((resolve) => void setTimeout(resolve, WAIT_MS)),
  setInterval: () =>
    new Promise<void>((resolve) => {
      const interval = setInterval(() => {
        clearInterval(interval)
        resolve()
      }, WAIT_MS)
    }),
  'setTimeout, refreshed': () =>
    new Promise((resolve) => {
      const timeout = setTimeout(resolve, WAIT_MS - 5)
      setTimeout(() => timeout.refresh(), 5)
    }),
  'promisify(setTimeout)': () => promisify(setTimeout)(WAIT_MS),
  'node:timers setTimeout': () =>
    new Promise((resolve) => void timers.setTimeout(resolve, WAIT_MS)),
  'timers/promises setTimeout': () => timersPromises.setTimeout(WAIT_MS),
  'timers/promises setInterval': async () => {
    for await (const _ of timersPromises.setInterval(WAIT_MS)) return
  },
  'scheduler.wait': () => timersPromises.scheduler.wait(WAIT_MS),
  'AbortSignal.timeout': () =>
    new Promise((resolve) => {
      AbortSignal.timeout(WAIT_MS).addEventListener('abort', resolve)
    }),
  'setImmediate, and then a timer': async () => {
    await new Promise((resolve) => void setImmediate(resolve))
    await promisify(setImmediate)()
    await timersPromises.setImmediate()
    await timersPromises.scheduler.yield()
    await timersPromises.setTimeout(WAIT_MS)
  },
}

function waiting(name: string, wait: () => Promise<unknown>): SelfCheck {
  return {
    name: `${name} waits in virtual time`,
    check: () =>
      inWorld(async ({ clock }) => {
        await wait()
        assert.equal(clock.nowMs, WAIT_MS)
      }),
  }
}

/** Clocks, in milliseconds since the world's start. */
const CLOCKS: Record<string, (world: Installed) => number> = {
  'Date.now': ({ clock }) => Date.now() - clock.epochMs,
  'new Date': ({ clock }) => new Date().getTime() - clock.epochMs,
  Date: ({ clock }) => Date.parse(Date()) - clock.epochMs,
  'the Date header of node:http': ({ clock }) => {
    const response = new ServerResponse(new IncomingMessage(new Socket()))
    response.writeHead(200)
    return Date.parse(String(response.getHeader('date'))) - clock.epochMs
  },
  'performance.now': () => performance.now(),
  'node:perf_hooks performance.now': () => hooks.now(),
  'performance.timeOrigin': ({ clock }) => performance.timeOrigin - clock.epochMs + clock.nowMs,
  'process.hrtime': () => process.hrtime()[0] * 1_000,
  'process.hrtime.bigint': () => Number(process.hrtime.bigint() / 1_000_000n),
  'process.uptime': () => process.uptime() * 1_000,
}

const SKEW_MS = 60_000

function reading(name: string, read: (world: Installed) => number): SelfCheck {
  const host = { name: 'skewed', alive: true, skewMs: () => SKEW_MS }
  const shown = name.includes('Date') ? SKEW_MS : 0
  return {
    name: `${name} shows virtual time`,
    check: () =>
      inWorld(async (world) => {
        assert.equal(read(world), 0)
        await timersPromises.setTimeout(WAIT_MS)
        assert.equal(read(world), WAIT_MS)
        assert.equal(
          runOn(host, () => read(world)),
          WAIT_MS + shown,
          'on a host whose time of day is off',
        )
      }),
  }
}

const hex = (bytes: Uint8Array | ArrayBuffer): string =>
  Buffer.from(bytes as Uint8Array).toString('hex')
const jwk = (key: nodeCrypto.KeyObject): string => JSON.stringify(key.export({ format: 'jwk' }))
const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/** What is drawn, as text. */
const DRAWS: Record<string, () => unknown> = {
  'Math.random': () => Math.random(),
  'crypto.getRandomValues': () => hex(crypto.getRandomValues(new Uint8Array(16))),
  'node:crypto getRandomValues': () => hex(nodeCrypto.getRandomValues(new Uint8Array(16))),
  'crypto.randomUUID': () => crypto.randomUUID(),
  'node:crypto randomUUID': () => nodeCrypto.randomUUID(),
  randomBytes: () => hex(nodeCrypto.randomBytes(16)),
  'randomBytes with a callback': async () => hex(await promisify(nodeCrypto.randomBytes)(16)),
  randomFillSync: () => hex(nodeCrypto.randomFillSync(new Uint8Array(16))),
  randomInt: () => nodeCrypto.randomInt(2 ** 47),
  'an Ed25519 key': () => jwk(nodeCrypto.generateKeyPairSync('ed25519').privateKey),
  'an X25519 key': () => jwk(nodeCrypto.generateKeyPairSync('x25519').privateKey),
  'a P-256 key': () =>
    jwk(nodeCrypto.generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey),
  'a P-256 key with a callback': async () =>
    jwk((await promisify(nodeCrypto.generateKeyPair)('ec', { namedCurve: 'P-256' })).privateKey),
  'an RSA key': () =>
    jwk(nodeCrypto.generateKeyPairSync('rsa', { modulusLength: 1_024 }).privateKey),
  'a WebCrypto key': async () => {
    const { privateKey } = await crypto.subtle.generateKey(P256, true, ['sign', 'verify'])
    return JSON.stringify(await crypto.subtle.exportKey('jwk', privateKey))
  },
  'an ECDSA signature': () => {
    const { privateKey } = nodeCrypto.generateKeyPairSync('ec', { namedCurve: 'P-256' })
    return hex(nodeCrypto.sign('sha256', Buffer.from('data'), privateKey))
  },
  'an ECDSA signature of createSign': () => {
    const { privateKey } = nodeCrypto.generateKeyPairSync('ec', { namedCurve: 'P-256' })
    return nodeCrypto.createSign('SHA256').update('data').sign(privateKey, 'hex')
  },
  'an ECDSA signature of WebCrypto': async () => {
    const { privateKey } = await crypto.subtle.generateKey(P256, false, ['sign', 'verify'])
    return hex(await crypto.subtle.sign(P256, privateKey, Buffer.from('data')))
  },
}

function drawing(name: string, draw: () => unknown): SelfCheck {
  return {
    name: `${name} comes from the seed`,
    check: async () => {
      const inSeed = (seed: string): Promise<unknown> => inWorld(async () => draw(), { seed })
      const one = await inSeed('one')
      assert.deepEqual(await inSeed('one'), one)
      assert.notDeepEqual(await inSeed('other'), one)
    },
  }
}

const FILE = import.meta.filename

/** What other threads do. */
const WORK: Record<string, () => Promise<unknown>> = {
  'crypto.subtle': () => crypto.subtle.digest('SHA-256', Buffer.from('data')),
  'node:crypto with a callback': () => promisify(nodeCrypto.scrypt)('password', 'salt', 16),
  'node:fs with a callback': () => promisify(fs.stat)(FILE),
  'node:fs streams': async () => {
    for await (const _ of fs.createReadStream(FILE));
  },
  'node:fs/promises': () => fs.promises.readFile(FILE),
  'file handles': async () => {
    const handle = await fs.promises.open(FILE)
    await handle.read(Buffer.alloc(1), 0, 1, 0)
    await handle.close()
  },
  'node:zlib with a callback': () => promisify(zlib.gzip)(Buffer.from('data')),
  'node:dns lookup': () => promisify(dns.lookup)('127.0.0.1'),
  'node:dns/promises lookup': () => dns.promises.lookup('127.0.0.1'),
}

function working(name: string, work: () => Promise<unknown>): SelfCheck {
  return {
    name: `${name}: the clock is held`,
    check: () =>
      inWorld(async ({ clock }) => {
        const beats = setInterval(() => {}, 1)
        const begun = native.nowMs()
        await work()
        assert.equal(clock.nowMs, 0, `virtual time passed in ${native.nowMs() - begun} ms`)
        clearInterval(beats)
      }),
  }
}
