// Orders from their start to their end, whatever the CA does and wherever the process is killed. The CA is one in
// memory: what Pebble does is tested in issue.real.test.ts.
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'tap'
import { holdDeadlines } from '../wire/testing.ts'
import { AcmeTimeoutError } from './acme/index.ts'
import { checkCsr } from './csr.ts'
import { Store } from './store.ts'
import { FakeCa } from './testing-ca.ts'
import { makeClientCsr, temporaryFolder } from './testing.ts'
import {
  endPause,
  makeWant,
  never,
  openOrders,
  openStore,
  outcome,
  problem,
} from './testing-orders.ts'

test('NT-ISSUE-030 NT-ISSUE-031 equal wants share an order and then a certificate, unequal ones never', async (t) => {
  const ca = new FakeCa()
  const store = openStore(t)
  const { orders, events, standing } = openOrders(t, ca, store)
  const want = await makeWant()
  const swapped = { ...want, names: [want.names[0] ?? '', ...want.names.slice(1).toReversed()] }
  const all = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      orders.obtain(index % 2 === 0 ? want : swapped, want.request),
    ),
  )
  t.equal(new Set(all.map(({ certificate }) => certificate)).size, 1)
  t.equal(ca.orders.size, 1)
  t.same(events, ['created', 'issued'])
  t.equal(standing.size, 0, 'NT-ISSUE-038 no challenge is left')
  t.equal(await outcome(orders.obtain(swapped, want.request)), 'cached')

  const legacy = await orders.obtain(want, undefined)
  t.match(legacy, { fromCache: false, cryptoType: 1, key: /PRIVATE KEY/ })
  t.same(await orders.obtain(want, undefined), { ...legacy, fromCache: true }, 'with the same key')
  t.equal(await outcome(orders.obtain({ ...want, peer: 'another' }, want.request)), 'new')
  t.equal(
    await outcome(orders.obtain({ ...want, names: want.names.slice(0, 2) }, undefined)),
    'new',
  )
  t.equal(ca.orders.size, 4)

  ca.lifetimeMs = 0
  const short = await makeWant()
  t.equal(await outcome(orders.obtain(short, short.request)), 'new')
  t.equal(await outcome(orders.obtain(short, short.request)), 'new', 'nothing left of its lifetime')
})

test('NT-ISSUE-027 NT-ISSUE-028 what the CA does wrong becomes the code for the caller, and decides whether the order lives on', async (t) => {
  // The timers of abort signals alone do not keep a process alive; in a server its sockets do.
  const alive = setInterval(() => {}, 1_000)
  t.teardown(() => clearInterval(alive))
  const deadlines = holdDeadlines(t)
  const hung = Promise.withResolvers<void>()
  const cases: {
    readonly title: string
    readonly arrange: (ca: FakeCa) => void
    readonly first: string
    /** CA orders after the first request, and after a second one without the fault. */
    readonly orders: readonly [number, number]
  }[] = [
    {
      title: 'rate limited',
      arrange: (ca) => {
        ca.hook = (step) => {
          if (step === 'newOrder') throw problem('rateLimited', 429, 'newOrder')
        }
      },
      first: 'RATE_LIMIT',
      orders: [0, 1],
    },
    {
      title: 'refused for good',
      arrange: (ca) => {
        ca.hook = (step) => {
          if (step === 'finalize') throw problem('badCSR', 400)
        }
      },
      first: 'OTHER',
      orders: [1, 2],
    },
    {
      title: 'CA down after the order was made',
      arrange: (ca) => {
        ca.hook = (step) => {
          if (step === 'answerChallenge') throw new AcmeTimeoutError('no answer')
        }
      },
      first: 'OTHER',
      orders: [1, 1],
    },
    {
      title: 'order lost once',
      arrange: (ca) => {
        ca.hook = (step, when, call) => {
          if (step === 'answerChallenge' && when === 'before' && call === 1) ca.orders.clear()
        }
      },
      first: 'new',
      orders: [1, 1],
    },
    {
      title: 'order lost again and again',
      arrange: (ca) => {
        ca.hook = (step) => {
          if (step === 'finalize') throw problem('accountDoesNotExist', 400)
        }
      },
      first: 'OTHER',
      orders: [2, 2],
    },
    {
      title: 'order became invalid',
      arrange: (ca) => {
        ca.hook = (step, when) => {
          if (step !== 'waitForOrder' || when !== 'before') return
          for (const order of ca.orders.values()) order.status = 'invalid'
        }
      },
      first: 'OTHER',
      orders: [1, 2],
    },
    {
      title: 'other names certified',
      arrange: (ca) => {
        ca.wrongNames = ['evil.example']
      },
      first: 'OTHER',
      orders: [1, 2],
    },
    {
      title: 'no dns-01 offered',
      arrange: (ca) => {
        ca.challengeType = 'http-01'
      },
      first: 'OTHER',
      orders: [1, 1],
    },
    {
      title: 'CA that never answers',
      arrange: (ca) => {
        ca.hook = (step) => {
          if (step !== 'waitForOrder') return undefined
          hung.resolve()
          return never
        }
      },
      first: 'OTHER',
      orders: [1, 1],
    },
  ]
  for (const { title, arrange, first, orders: counts } of cases) {
    const ca = new FakeCa()
    const store = openStore(t)
    const { orders, events } = openOrders(t, ca, store, { orderTimeoutMs: deadlines.timeoutMs })
    arrange(ca)
    const want = await makeWant()
    const obtained = outcome(orders.obtain(want, want.request))
    await Promise.race([obtained, hung.promise])
    t.equal(await deadlines.hurry(obtained), first, title)
    t.equal(ca.orders.size, counts[0], `${title}: orders at the ca`)
    t.equal(events.at(-1)?.startsWith('failed'), first !== 'new', title)
    ca.hook = () => {}
    ca.wrongNames = undefined
    ca.challengeType = 'dns-01'
    endPause(store)
    t.equal(
      await outcome(orders.obtain(want, want.request)),
      first === 'new' ? 'cached' : 'new',
      title,
    )
    t.equal(ca.orders.size, counts[1], `${title}: orders at the ca in the end`)
  }
})

test('NT-ISSUE-030 a certificate that the CA wants renewed is not given again', async (t) => {
  const ca = new FakeCa()
  ca.ageMs = 2 * 3_600_000
  const store = openStore(t)
  const { orders } = openOrders(t, ca, store)
  const want = await makeWant()
  const { serial } = await orders.obtain(want, want.request)
  const suggest = (renewFrom: number): void => {
    const row = store.renewals.find({ peer: want.peer, serial })
    if (row === undefined) throw new Error('the certificate is gone')
    store.renewals.save(row, 0, { renewFrom, renewUntil: renewFrom + 1, renewAt: renewFrom })
  }
  suggest(Date.now() + 60_000)
  t.equal(await outcome(orders.obtain(want, want.request)), 'cached')
  suggest(Date.now())
  const next = await orders.obtain(want, want.request)
  t.equal(next.fromCache, false)
  t.not(next.serial, serial)
  t.equal(await outcome(orders.obtain(want, want.request)), 'cached', 'nothing is said of this one')
})

test('an order names the newest certificate that it replaces, and never one that has ended', async (t) => {
  const ca = new FakeCa()
  const { orders } = openOrders(t, ca, openStore(t))
  const want = await makeWant()
  const obtain = async (names = want.names): Promise<string | undefined> => {
    const request = checkCsr(await makeClientCsr(names), { names })
    const { certificate } = await orders.obtain({ ...want, names }, request)
    return certificate
  }
  const first = await obtain()
  ca.ageMs = -1_000
  const second = await obtain()
  await obtain()
  t.type(first, 'string')
  t.strictSame(
    ca.wanted.map(({ replaces }) => replaces),
    [undefined, first, second],
  )
  await obtain(want.names.slice(0, 2))
  t.equal(ca.wanted.at(-1)?.replaces, undefined, 'other names')

  ca.ageMs = 10_000
  ca.lifetimeMs = 9_000
  const ended = await makeWant()
  await orders.obtain(ended, ended.request)
  await orders.obtain(ended, ended.request)
  t.equal(ca.wanted.length, 6)
  t.equal(ca.wanted.at(-1)?.replaces, undefined, 'it has ended')
})

test('an order that is refused for what it replaces is made without that, once; others are not', async (t) => {
  for (const [type, status, first, wanted] of [
    ['alreadyReplaced', 409, 'new', 2],
    ['malformed', 404, 'new', 2],
    ['unauthorized', 403, 'new', 2],
    ['about:blank', 404, 'new', 2],
    ['rateLimited', 429, 'RATE_LIMIT', 1],
    ['serverInternal', 500, 'OTHER', 1],
  ] as const) {
    const ca = new FakeCa()
    const { orders } = openOrders(t, ca, openStore(t))
    const want = await makeWant()
    await orders.obtain(want, want.request)
    ca.wanted.length = 0
    ca.hook = (step, when) => {
      if (step !== 'newOrder' || when !== 'before') return
      if (ca.wanted.at(-1)?.replaces !== undefined) throw problem(type, status, 'newOrder')
    }
    t.equal(await outcome(orders.obtain(want, undefined)), first, type)
    t.equal(ca.wanted.length, wanted, type)
    t.equal(ca.orders.size, wanted, type)

    ca.hook = (step) => {
      if (step === 'newOrder') throw problem('rejectedIdentifier', 400, 'newOrder')
    }
    if (first !== 'new') continue
    const other = { ...want, names: want.names.slice(0, 2) }
    ca.wanted.length = 0
    t.equal(await outcome(orders.obtain(other, undefined)), 'OTHER')
    t.equal(ca.wanted.length, 1, 'an order that replaces nothing is not repeated')
  }
})

test('NT-ISSUE-032 the store is private, keeps keys no longer than it must, and says what is wrong with it', async (t) => {
  const folder = temporaryFolder(t)
  const path = join(folder, 'new', 'issue.sqlite')
  const store = openStore(t, path)
  const mode = (file: string): string => (statSync(file).mode & 0o777).toString(8)
  t.equal(mode(join(folder, 'new')), '700')
  for (const file of [path, `${path}-wal`, `${path}-shm`]) t.equal(mode(file), '600', file)
  store.saveAccountKey('-----BEGIN PRIVATE KEY-----', 1)
  store.saveAccountUrl('https://ca/account/1')
  t.same(openStore(t, path).account()?.key, '-----BEGIN PRIVATE KEY-----')
  const elsewhere = new Store({ path, directoryUrl: 'https://staging/directory' })
  t.equal(elsewhere.account(), undefined, 'another ca, another account')
  elsewhere.close()

  const want = { ...(await makeWant()), keyChoice: 'server' }
  const request = { ...want.request, key: 'server made' }
  const order = store.createOrder(want, request, 1)
  t.same(store.unfinishedOrder(want), { ...order, names: want.names })
  t.throws(() => store.createOrder(want, request, 1), /UNIQUE/, 'one order for one want')
  store.updateOrder(order, { state: 'failed', error: 'for a test' }, 2)
  t.equal(store.unfinishedOrder(want), undefined)
  const raw = new DatabaseSync(path)
  t.match(raw.prepare('SELECT key, error FROM orders').get(), { key: null, error: 'for a test' })
  const dates = { notBefore: 3, notAfter: 10 }
  const certificate = { certificate: 'leaf', ca: 'ca', serial: '01', ...dates }
  store.finishOrder(store.createOrder(want, request, 3), certificate, 3)
  const kept = { ...certificate, cryptoType: 2, key: 'server made', renewFrom: undefined }
  t.same(store.certificate(want), kept)
  t.match(raw.prepare(`SELECT key FROM orders WHERE state = 'valid'`).get(), { key: null })
  store.prune(11)
  t.equal(store.certificate(want), undefined, 'expired certificates go')
  store.prune(Date.now())
  t.equal(raw.prepare('SELECT count(*) AS count FROM orders').get()?.['count'], 0, 'old orders go')
  raw.exec('PRAGMA user_version = 99')
  raw.close()

  const garbage = join(folder, 'garbage.sqlite')
  writeFileSync(garbage, 'x'.repeat(5000))
  chmodSync(garbage, 0o644)
  t.throws(
    () => openStore(t, garbage),
    /cannot open the store .*garbage.sqlite": file is not a database/,
  )
  t.equal(mode(garbage), '600', 'what was open to others is so no more')
  t.equal(readFileSync(garbage, 'utf8').length, 5000, 'and nothing was written over it')
  t.throws(() => openStore(t, path), /version 99, this program knows 3/)
  mkdirSync(join(folder, 'folder.sqlite'))
  t.throws(() => openStore(t, join(folder, 'folder.sqlite')), /EISDIR/)
})
