// Limits, by the words and numbers of Let's Encrypt: https://letsencrypt.org/docs/rate-limits/.
import { X509Certificate } from 'node:crypto'
import { test } from 'tap'
import { certificateId } from '../table/certificate-id.ts'
import type { TableWorld } from '../table/world.ts'
import { outcome } from '../table/row.ts'
import { LimitState, LETS_ENCRYPT_LIMITS } from './buckets.ts'
import { openCa, startCa } from './testing.ts'
import { makeKey } from '../table/raw-client.ts'
import { suggestedWindow } from './renewal-info.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const DAY_SECONDS = 86_400

test('a bucket has room for its count at once, and refills steadily', async (t) => {
  const limit = { count: 50, periodMs: 7 * DAY_MS }
  const state = new LimitState()
  const start = 1_000_000_000_000
  for (let index = 0; index < 50; index++) {
    t.equal(state.waitMs('zone', limit, start), 0, `number ${index + 1}`)
    state.spend('zone', limit, start)
  }
  t.equal(state.waitMs('zone', limit, start), 12_096_000, 'one every 202 minutes')
  t.equal(state.waitMs('other', limit, start), 0)
  t.equal(state.waitMs('zone', limit, start + 12_095_999), 1)
  t.equal(state.waitMs('zone', limit, start + 12_096_000), 0)
  state.spend('zone', limit, start + 12_096_000)
  t.equal(state.waitMs('zone', limit, start + 12_096_000), 12_096_000)
  t.equal(state.waitMs('zone', limit, start + 30 * DAY_MS), 0)
})

async function ordered(world: TableWorld, names: readonly string[], more: object = {}) {
  return await world.client.newOrder(world.account, names, more)
}

test('certificates for one registered domain are limited, and a renewal is spared', async (t) => {
  const limits = { certificatesPerDomain: { count: 2, periodMs: 7 * DAY_MS } }
  const { world } = await openCa(t, { limits, publicSuffixes: ['example'] })
  const names = [world.name()]
  await world.issued({ names })
  await world.issued()
  const reply = await ordered(world, [world.name()])
  t.equal(outcome(reply), '429 rateLimited')
  const seconds = Number(reply.headers['retry-after'])
  t.ok(seconds > 3.4 * DAY_SECONDS && seconds <= 3.5 * DAY_SECONDS, `${seconds} s`)
  t.match(
    String(reply.json['detail']),
    /^too many certificates \(2\) already issued for "nt\.example" in the last 168h0m0s, retry after \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/,
  )
  t.equal((await ordered(world, names)).status, 201, 'the same names once more are a renewal')
  t.equal((await ordered(world, ['node.other.example'])).status, 201)
})

test('a public suffix has no limit of its own: each name below it has', async (t) => {
  const limits = { certificatesPerDomain: { count: 1, periodMs: DAY_MS } }
  const { world } = await openCa(t, { limits, publicSuffixes: ['example', 'nt.example'] })
  await world.issued()
  t.equal((await ordered(world, [world.name()])).status, 201)
})

test('certificates for one set of names are limited, also renewals', async (t) => {
  const limits = { certificatesPerNameSet: { count: 1, periodMs: 7 * DAY_MS } }
  const { world } = await openCa(t, { limits })
  const names = [world.name(), world.name()]
  await world.issued({ names })
  const reply = await ordered(world, names.toReversed())
  t.equal(outcome(reply), '429 rateLimited')
  t.match(reply.json['detail'], /exact set of identifiers/)
  t.equal((await ordered(world, names.slice(1))).status, 201)
})

test('orders of one account are limited, and the limit that is over last is told', async (t) => {
  const limits = {
    ordersPerAccount: { count: 2, periodMs: 3 * HOUR_MS },
    failuresPerName: { count: 1, periodMs: DAY_MS },
  }
  const { world } = await openCa(t, { limits })
  const name = world.name()
  const failed = await world.order([name])
  await world.answer(failed.authorizations[0] ?? '', () => ({ texts: ['wrong'] }))
  const again = await ordered(world, [name])
  t.match(again.json['detail'], `too many failed authorizations (1) for "${name}"`)
  await world.order()
  const reply = await ordered(world, [world.name()])
  t.match(reply.json['detail'], /^too many new orders \(2\) from this account in the last 3h0m0s/)
  t.ok(Number(reply.headers['retry-after']) <= 5_400)
  t.match((await ordered(world, [name])).json['detail'], /failed authorizations/)
  t.equal((await world.client.newOrder(world.stranger, [name])).status, 201)
})

test('new accounts of one address are limited, and finding one is not', async (t) => {
  const limits = { accountsPerAddress: { count: 1, periodMs: 3 * HOUR_MS } }
  const { client } = await startCa(t, { limits })
  const key = makeKey()
  t.equal((await client.newAccount(key)).status, 201)
  t.equal(outcome(await client.newAccount(makeKey())), '429 rateLimited')
  t.equal((await client.newAccount(key)).status, 200)
})

test('too many requests at once are answered with 503 and a time to wait', async (t) => {
  const { ca, client } = await startCa(t, { limits: { requests: { count: 2, periodMs: 60_000 } } })
  const statuses: string[] = []
  for (let count = 0; count < 3; count++) {
    statuses.push(outcome(await client.send('GET', ca.directoryUrl)))
  }
  t.same(statuses, ['200', '200', '503 rateLimited'])
})

test('a renewal in its window is spared all limits, and one before it is not', async (t) => {
  const all = { count: 1, periodMs: 7 * DAY_MS }
  const limits = { certificatesPerNameSet: all, certificatesPerDomain: all, ordersPerAccount: all }
  const { ca, world } = await openCa(t, { limits })
  const names = [world.name()]
  const { pem } = await world.issued({ names })
  const replaces = certificateId(pem)
  t.equal(outcome(await ordered(world, names, { replaces })), '429 rateLimited')
  // A revoked certificate is in its window.
  const certificate = new X509Certificate(pem).raw.toString('base64url')
  await world.client.post(await world.client.url('revokeCert'), { certificate }, world.account)
  t.equal((await ordered(world, names, { replaces })).status, 201)
  t.equal(ca.certificates.length, 1)
})

test('a window begins with a third of the lifetime left, and with half of a short one', async (t) => {
  const issued = (days: number) => ({
    notBeforeMs: 0,
    notAfterMs: days * DAY_MS - 1000,
    revoked: undefined,
  })
  const window = (days: number) => {
    const { startMs, endMs } = suggestedWindow(issued(days))
    return [Math.round(startMs / HOUR_MS), Math.round((endMs - startMs) / 60_000)]
  }
  t.same(window(90), [60 * 24, 2_592])
  t.same(window(6), [3 * 24, 173])
  t.same(suggestedWindow({ ...issued(90), revoked: { atMs: DAY_MS } }), {
    startMs: DAY_MS - HOUR_MS,
    endMs: DAY_MS - HOUR_MS / 2,
  })
})

test('the limits of production are those that are documented', async (t) => {
  t.match(LETS_ENCRYPT_LIMITS, {
    ordersPerAccount: { count: 300, periodMs: 300 * 36_000 },
    certificatesPerDomain: { count: 50 },
    certificatesPerNameSet: { count: 5 },
    failuresPerName: { count: 5, periodMs: 5 * 12 * 60_000 },
  })
})
