// What an operator's machine does to the issue server: it is killed, told to end, runs out of disk, and gets another
// time of day. The server is the shipped command in a process of its own, the CA a real Pebble; its own log says how
// many orders it was asked for.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { t, test, type Test } from 'tap'
import {
  caOptionsFromEnvironment,
  CaProxy,
  openAcmeCa,
  openResolver,
  type CaResource,
} from '../../scenarios/engine/ca/index.ts'
import { freePorts } from '../../scenarios/engine/ca/ports.ts'
import { openZone, type IssueProcess, type Zone } from './testing.ts'

// The first run on a machine installs Pebble.
t.setTimeout(300_000)

const HOUR_MS = 3_600_000

interface ZoneWithCa extends Zone {
  readonly proxy: CaProxy
  /** Calls back when the CA has done the next such thing, before anybody else knows. */
  atCa(resource: CaResource, act: () => void): void
  /** Orders that the CA has made, from its own log, which it writes somewhat later. */
  ordersAtCa(): Promise<number>
}

async function openZoneWithCa(t: Test): Promise<ZoneWithCa> {
  const folder = t.testdir({})
  let upstreams: Zone['queries'] = []
  // There is no other server to ask: a validation that fails for a slow machine would make another order.
  const resolver = await openResolver({ upstreams: () => upstreams, silenceMs: 10_000 })
  t.teardown(() => resolver.close())
  const ca = await openAcmeCa({
    ...caOptionsFromEnvironment(process.env),
    resolver: resolver.address,
    workDirectory: folder,
    signal: AbortSignal.timeout(280_000),
  })
  t.teardown(() => ca.stop())
  const listeners = new Set<(resource: CaResource) => void>()
  let made = 0
  const proxy = await CaProxy.open({
    upstream: ca,
    onRequest: ({ resource, status }) => {
      if (resource === 'newOrder' && status === 201) made += 1
      for (const listener of listeners) listener(resource)
    },
  })
  t.teardown(() => proxy[Symbol.asyncDispose]())
  const { directoryUrl, certificateAuthority } = proxy
  const [port] = await freePorts()
  const zone = await openZone(t, { folder, directoryUrl, certificateAuthority, port })
  upstreams = zone.queries
  return {
    ...zone,
    proxy,
    atCa(resource, act) {
      const listener = (seen: CaResource): void => {
        if (seen !== resource) return
        listeners.delete(listener)
        act()
      }
      listeners.add(listener)
    },
    async ordersAtCa() {
      for (;;) {
        const logged = readFileSync(ca.logFile ?? '', 'utf8').split(/Added order "/).length - 1
        if (logged >= made) return logged
        await new Promise((resolve) => setImmediate(resolve))
      }
    },
  }
}

const HURRIED_TRIES_MAX = 5

/** What the store says of its orders and of itself. */
function storeOf({ storePath }: Zone): { readonly states: unknown[]; readonly integrity: unknown } {
  const database = new DatabaseSync(storePath, { readOnly: true })
  try {
    return {
      states: database
        .prepare('SELECT state FROM orders ORDER BY id')
        .all()
        .map(({ state }) => state),
      integrity: database.prepare('PRAGMA integrity_check').get()?.['integrity_check'],
    }
  } finally {
    database.close()
  }
}

test('NT-ISSUE-030 NT-ISSUE-031 killed by SIGKILL at any moment of an order, the next process finishes that order', async (t) => {
  const zone = await openZoneWithCa(t)
  const moments: readonly (readonly ['log' | 'ca', string])[] = [
    ['log', 'order:created'],
    ['log', 'challenge:set'],
    ['ca', 'challenge'],
    ['ca', 'finalize'],
    ['ca', 'certificate'],
    ['log', 'certificate:issued'],
  ]
  const serials: string[] = []
  let server = await zone.start()
  for (const [where, moment] of moments) {
    const kill = server.kill.bind(server, 'SIGKILL')
    if (where === 'log') server.at(moment, kill)
    else zone.atCa(moment as CaResource, kill)
    const asked = zone.obtain().catch(() => undefined)
    t.equal(await server.ended, null, `killed at ${moment}`)
    const early = await asked
    server = await zone.start()
    // The last line can be out before the kill: then the certificate may be so too.
    serials.push((early ?? (await zone.obtain())).serial)
  }
  t.equal(new Set(serials).size, moments.length)
  t.equal(await zone.ordersAtCa(), moments.length, 'orders in the log of the CA')
  t.strictSame(storeOf(zone), { states: moments.map(() => 'valid'), integrity: 'ok' })
})

test('SIGTERM ends the server in the middle of an order, a second signal does so at once, and the next process finishes the order', async (t) => {
  const zone = await openZoneWithCa(t)
  const hold = (): (() => void) =>
    zone.proxy.disturb([{ resources: ['order'], effect: { kind: 'delay', delayMs: 60_000 } }])
  const end = async (signal: (server: IssueProcess) => void): Promise<IssueProcess> => {
    const server = await zone.start()
    const release = hold()
    const answered = Promise.withResolvers<void>()
    zone.atCa('challenge', answered.resolve)
    const asked = zone.obtain().then(
      () => 'a certificate',
      () => 'nothing',
    )
    await answered.promise
    signal(server)
    await server.ended
    release()
    t.equal(await asked, 'nothing')
    return server
  }

  /** What the process before it has left. */
  const finishes = async (server: IssueProcess): Promise<void> => {
    await server.logged('certificate:issued')
    await zone.obtain()
    server.kill('SIGTERM')
    t.equal(await server.ended, 0)
  }

  const stopped = await end((server) => server.kill('SIGTERM'))
  // Past its bound it would end with 1, and say so.
  t.equal(await stopped.ended, 0)
  t.equal(stopped.lines.at(-1)?.event, 'stopped')
  await finishes(await zone.start())

  // Both are there when it goes on: one begins the end, the other makes it short. The kernel may give them to different
  // threads; a process that has ended before the second is heard shows nothing.
  let hurried = stopped
  let orders = 1
  while ((await hurried.ended) === 0 && orders <= HURRIED_TRIES_MAX) {
    hurried = await end((server) => {
      for (const signal of ['SIGSTOP', 'SIGINT', 'SIGTERM', 'SIGCONT'] as const) server.kill(signal)
    })
    orders += 1
    await finishes(await zone.start())
  }
  t.ok([130, 143].includes((await hurried.ended) ?? 0), `exit code ${await hurried.ended}`)
  t.notOk(hurried.lines.some(({ event }) => event === 'stopped'))
  t.equal(await zone.ordersAtCa(), orders)
  const states = Array.from({ length: orders }, () => 'valid')
  t.strictSame(storeOf(zone), { states, integrity: 'ok' })
})

const withoutLimits =
  spawnSync('prlimit', ['--version']).status === 0
    ? {}
    : { skip: 'needs prlimit, of util-linux, to keep a process that runs from writing' }

test(
  'a disk that is full refuses requests with a reason, and when it has room again they succeed without a restart',
  withoutLimits,
  async (t) => {
    const limited = (pid: number, bytes: string): void => {
      const { status, stderr, error } = spawnSync('prlimit', [
        '--pid',
        `${pid}`,
        `--fsize=${bytes}:`,
      ])
      if (status !== 0) throw new Error(`prlimit: ${error?.message ?? String(stderr)}`)
    }
    const zone = await openZoneWithCa(t)
    const server = await zone.start()
    const pid = server.child.pid ?? 0
    const fill = (): void => limited(pid, '1')
    const free = (): void => limited(pid, 'unlimited')
    const cases: readonly (readonly [string, (act: () => void) => void])[] = [
      ['before the order', (act) => act()],
      ['when the CA has made it', (act) => zone.atCa('newOrder', act)],
      ['when a challenge was answered', (act) => zone.atCa('challenge', act)],
      ['when it was finalized', (act) => zone.atCa('finalize', act)],
      ['when the certificate was there', (act) => zone.atCa('certificate', act)],
    ]
    let orders = 0
    for (const [title, at] of cases) {
      const before = server.lines.length
      at(fill)
      await t.rejects(zone.obtain(), { name: 'RefusalError', code: 'OTHER' }, title)
      const refused = server.lines.slice(before).find(({ event }) => event === 'request:refused')
      t.match(refused?.['reason'], /disk|full/i, title)
      free()
      await t.resolves(zone.obtain(), title)
      orders += 1
      // What the CA made and we could not write down, it has made for nothing.
      if (title === 'when the CA has made it') orders += 1
      t.equal(await zone.ordersAtCa(), orders, title)
    }
    t.equal(server.child.exitCode, null, 'it has never ended')
    const { states, integrity } = storeOf(zone)
    t.strictSame(
      { states: new Set(states), integrity },
      { states: new Set(['valid']), integrity: 'ok' },
    )
  },
)

test('NT-ISSUE-011 NT-ISSUE-012 a clock that jumps by an hour either way refuses proofs with a reason, harms no order, and all is well when it is right again', async (t) => {
  const zone = await openZoneWithCa(t)
  const server = await zone.start()
  for (const [shiftMs, reason] of [
    [HOUR_MS, /the proof is 36\d{5} ms old, at most 300000 ms are allowed/],
    [-HOUR_MS, /the proof is 3[56]\d{5} ms in the future, at most 300000 ms are allowed/],
  ] as const) {
    await server.setClock(shiftMs)
    const refused = server.next('request:refused')
    await t.rejects(zone.obtain(), { name: 'RefusalError', code: 'INVALID_PROOF' })
    t.match((await refused)['reason'], reason)
    await server.setClock(0)
    // In the middle of an order: from its first request to the CA on.
    const orders = await zone.ordersAtCa()
    const jumped = Promise.withResolvers<void>()
    zone.atCa('challenge', () => void server.setClock(shiftMs).then(jumped.resolve, jumped.reject))
    const obtained = await zone.obtain()
    await jumped.promise
    t.equal(await zone.ordersAtCa(), orders + 1)
    t.ok(obtained.notAfter > Date.now())
    await server.setClock(0)
    await zone.obtain()
    t.equal(await zone.ordersAtCa(), orders + 2, 'a renewal afterwards')
  }
  t.notOk(server.lines.some(({ event }) => event === 'order:failed'))
})
