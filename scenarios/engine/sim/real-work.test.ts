// Work on other threads, in a world: no virtual time passes, and results come in the order of the calls.
import nodeCrypto, { generateKeyPairSync, pbkdf2, scrypt, webcrypto } from 'node:crypto'
import dns from 'node:dns'
import dnsPromises from 'node:dns/promises'
import fs from 'node:fs'
import { open, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import { test } from 'tap'
import { currentHost, runOn } from './host-context.ts'
import { inWorld } from './install.ts'
import { takeOver } from './take-over.ts'
import { testHost } from './testing.ts'

takeOver()
// They bring parts of libp2p, which must not be there before.
const { FsDatastore } = await import('datastore-fs')
const { Key } = await import('interface-datastore')

const slow = (iterations: number): Promise<unknown> =>
  promisify(pbkdf2)('password', 'salt', iterations, 32, 'sha256')

test('results come in the order of the calls, at the time of the calls', async (t) => {
  await inWorld(async ({ clock }) => {
    const told: string[] = []
    const calls: readonly (readonly [string, () => Promise<unknown>])[] = [
      ['slow', () => slow(60_000)],
      ['quick', () => slow(1)],
      ['digest', () => webcrypto.subtle.digest('SHA-256', new Uint8Array(2_000_000))],
      ['stat', () => stat('.')],
      ['slower', () => slow(30_000)],
      ['file', () => readFile(import.meta.filename)],
      ['zipped', () => promisify(zlib.gzip)(Buffer.alloc(1_000_000))],
      ['little', () => webcrypto.subtle.digest('SHA-256', new Uint8Array(1))],
      ['old stat', () => promisify(fs.stat)('.')],
      ['name', () => dnsPromises.lookup('127.0.0.1')],
    ]
    const timer = wait(1).then(() => told.push(`timer@${clock.nowMs}`))
    await Promise.all([
      timer,
      ...calls.map(async ([name, call]) => {
        await call()
        told.push(`${name}@${clock.nowMs}`)
      }),
    ])
    t.strictSame(told, [...calls.map(([name]) => `${name}@0`), 'timer@1'])
  })
})

test('what a result leads to comes before the next result', async (t) => {
  await inWorld(async () => {
    const told: string[] = []
    const work = async (name: string, iterations: number): Promise<void> => {
      await slow(iterations)
      told.push(`${name} first`)
      // As many turns of the microtask queue as a protocol may take.
      for (let turn = 0; turn < 20; turn++) await Promise.resolve()
      told.push(`${name} last`)
      await slow(1)
      told.push(`${name} again`)
    }
    await Promise.all([work('a', 200_000), work('b', 1)])
    t.strictSame(told, ['a first', 'a last', 'b first', 'b last', 'a again', 'b again'])
  })
})

test('no time passes in anything that works on another thread', async (t) => {
  const folder = t.testdir({ file: 'content' })
  const file = join(folder, 'file')
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
  const data = Buffer.from('data')
  const calls: Record<string, () => Promise<unknown>> = {
    'crypto.subtle.digest': () => webcrypto.subtle.digest('SHA-1', data),
    'crypto.subtle.importKey': () =>
      webcrypto.subtle.importKey('raw', data, 'PBKDF2', false, ['deriveBits']),
    scrypt: () => promisify(scrypt)('password', 'salt', 16),
    sign: async () => promisify(nodeCrypto.sign)('sha256', data, privateKey),
    verify: () => promisify(nodeCrypto.verify)('sha256', data, publicKey, data),
    hkdf: () => promisify(nodeCrypto.hkdf)('sha256', 'key', 'salt', 'info', 16),
    generatePrime: () => promisify(nodeCrypto.generatePrime)(128),
    generateKeyPair: () =>
      promisify(nodeCrypto.generateKeyPair)('dsa', { modulusLength: 1024, divisorLength: 160 }),
    'fs.promises.readFile': () => fs.promises.readFile(file),
    'fs.promises.readdir': () => fs.promises.readdir(folder),
    'fs.readFile': () => promisify(fs.readFile)(file),
    'fs.writeFile': () => promisify(fs.writeFile)(join(folder, 'other'), data),
    'fs.exists': () => new Promise((resolve) => fs.exists(file, resolve)),
    'fs.createReadStream': async () => {
      for await (const _ of fs.createReadStream(file));
    },
    'zlib.brotliCompress': () => promisify(zlib.brotliCompress)(data),
    'zlib.gunzip': () => promisify(zlib.gunzip)(zlib.gzipSync(data)),
    'dns.lookup': () => promisify(dns.lookup)('127.0.0.1'),
    'a file handle, closed': async () => {
      const handles = await Promise.all(Array.from({ length: 20 }, () => open(file)))
      for (const handle of handles) await handle.close()
    },
    'a file handle': async () => {
      await using handle = await open(file, 'r+')
      await handle.stat()
      await handle.write('more', 0)
      await handle.sync()
      await handle.read(Buffer.alloc(4), 0, 4, 0)
      await handle.readFile()
      await handle.truncate(2)
    },
  }
  for (const [name, call] of Object.entries(calls)) {
    await inWorld(async ({ clock }) => {
      const beats = setInterval(() => {}, 1)
      await wait(5)
      await call()
      t.equal(clock.nowMs, 5, name)
      clearInterval(beats)
    })
  }
})

test('a failure comes in its order, and a call that Node refuses takes no turn', async (t) => {
  await inWorld(async () => {
    const told: string[] = []
    t.throws(() => pbkdf2('', '', -1, 1, 'sha1', () => {}), { code: 'ERR_OUT_OF_RANGE' })
    t.throws(() => fs.readFile(5.5, () => {}), { code: 'ERR_INVALID_ARG_TYPE' })
    await Promise.all([
      slow(20_000).then(() => told.push('slow')),
      readFile('no such file').catch((error: NodeJS.ErrnoException) =>
        told.push(String(error.code)),
      ),
      webcrypto.subtle
        .digest('no such hash', new Uint8Array())
        .catch((error: Error) => told.push(error.name)),
    ])
    t.strictSame(told, ['slow', 'ENOENT', 'NotSupportedError'])
  })
})

test('a result comes to the host that has called, and to no dead one', async (t) => {
  await inWorld(async ({ clock }) => {
    const told: string[] = []
    const [living, dying] = [testHost('living'), testHost('dying')]
    for (const host of [dying, living]) {
      runOn(host, () => {
        fs.stat('.', () => told.push(`callback ${currentHost()?.name}`))
        void stat('.').then(() => told.push(`promise ${currentHost()?.name}`))
      })
    }
    dying.alive = false
    await wait(1)
    t.strictSame(told, ['callback living', 'promise living'])
    t.equal(clock.nowMs, 1)
  })
})

test('a paused host is told when it goes on', async (t) => {
  await inWorld(async ({ clock }) => {
    const told: string[] = []
    const host = testHost('paused')
    runOn(host, () => fs.stat('.', () => told.push(`${currentHost()?.name}@${clock.nowMs}`)))
    host.paused = true
    await wait(10)
    t.strictSame(told, [])
    host.paused = false
    clock.resume(host)
    await wait(10)
    t.strictSame(told, ['paused@10'])
  })
})

test('a host that throws in its callback is named', async (t) => {
  await t.rejects(
    inWorld(async () => {
      await wait(12)
      runOn(testHost('careless'), () => {
        fs.stat('.', () => {
          throw new Error('boom')
        })
      })
      await wait(1)
    }),
    { message: 'host "careless" failed at 12 ms of virtual time: boom' },
  )
})

test('work that does work of its own does not wait for itself', async (t) => {
  const folder = t.testdir({ from: 'content' })
  await inWorld(async () => {
    const pieces = async function* (): AsyncGenerator<string> {
      yield (await stat(join(folder, 'from'))).size.toString()
      yield await readFile(join(folder, 'from'), 'utf8')
    }
    await writeFile(join(folder, 'to'), pieces())
    t.equal(await readFile(join(folder, 'to'), 'utf8'), '7content')
    await fs.promises.cp(folder, join(folder, '../copy'), { recursive: true })
    await fs.promises.rm(join(folder, '../copy'), { recursive: true })
  })
})

test('a datastore in files takes no time', async (t) => {
  const datastore = new FsDatastore(join(t.testdir(), 'store'))
  await inWorld(async ({ clock }) => {
    await datastore.open()
    const keys = ['/a', '/b', '/c'].map((name) => new Key(name))
    await Promise.all(keys.map((key) => datastore.put(key, Buffer.from(key.toString()))))
    await Promise.all(keys.map((key) => datastore.put(key, Buffer.from(key.toString()))))
    const found: string[] = []
    for await (const { key } of datastore.query({})) found.push(key.toString())
    t.strictSame(found.toSorted(), ['/a', '/b', '/c'])
    await datastore.close()
    t.equal(clock.nowMs, 0)
  })
})

test('outside a world, the same functions do what Node does', async (t) => {
  const work = async (): Promise<string[]> => {
    const derived = (await slow(10)) as Buffer
    const digest = await webcrypto.subtle.digest('SHA-256', Buffer.from('data'))
    const { size } = await stat(import.meta.filename)
    return [derived.toString('hex'), Buffer.from(digest).toString('hex'), String(size)]
  }
  t.strictSame(await work(), await inWorld(work))
})
