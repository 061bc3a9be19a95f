// What becomes of a campaign and its workers where the queue is lost, or nobody takes seeds from it.
import { test } from 'tap'
import { openRedis } from './connection.ts'
import { watchLoss } from './loss.ts'
import { stage } from './testing-stage.ts'
import { findRedisServer, startRedis } from './testing.ts'

const { program, skip } = await findRedisServer(process.env)

test(
  'a queue that is lost is told of once, and once when it is back; who leaves a lost one does not wait for it',
  { skip },
  async (t) => {
    const { worker, campaign, crew, redis, told, tells } = await stage(t, program)
    const ours = await worker()
    campaign(1000).catch(() => {})
    await ours.begins(2)
    const losses = (): readonly string[] => told.filter((line) => /is (lost|back)/.test(line))
    await redis.stop()
    await tells(/is lost/)
    await redis.restart()
    await tells(/is back/)
    await redis.stop()
    await tells(/is lost/, 2)
    t.match(losses(), [
      /^the queue "redis:\/\/127\.0\.0\.1:\d+" is lost: /,
      /^the queue "redis:\/\/127\.0\.0\.1:\d+" is back$/,
      /is lost: /,
    ])
    // Each would wait for ever.
    await Promise.all([crew[Symbol.asyncDispose](), ours.end('SIGTERM')])
    t.equal(losses().length, 3)
  },
)

test('a queue that hangs is lost, too, until it goes on', { skip }, async (t) => {
  await using redis = await startRedis(program)
  const { url } = redis
  const connection = await openRedis(url)
  t.teardown(() => connection.disconnect())
  const lines = Promise.withResolvers<readonly string[]>()
  const told: string[] = []
  using loss = watchLoss(connection, {
    url,
    report(line) {
      told.push(line)
      if (told.length === 1) redis.send('SIGCONT')
      else lines.resolve(told)
    },
    askMs: 50,
  })
  redis.send('SIGSTOP')
  t.match(await lines.promise, [/is lost: it has not answered for 0.05 s/, /is back$/])
  t.equal(loss.lostMs, 0)
})

test('when the time is up, seeds that no worker has begun are taken back', { skip }, async (t) => {
  const { worker, redis, campaign, waiting, tells } = await stage(t, program)
  t.equal(
    (await campaign(9, { until: AbortSignal.timeout(100) })).report().seeds,
    0,
    'nobody is there',
  )
  t.equal(
    (await campaign(9, { until: AbortSignal.abort(), seedsMin: 5 })).report().seeds,
    0,
    'nor for those that must run',
  )
  t.same(await waiting(), [])

  const ours = await worker({ jobs: 1, seedMs: 300 })
  await tells(/^1 worker runs 1 seed at once$/)
  const until = new AbortController()
  const campaigning = campaign(9, { until: until.signal })
  await ours.begins(1)
  until.abort()
  t.equal((await campaigning).report().seeds, ours.begun.length, 'what runs is waited for')
  t.same(await waiting(), [])
  const before = ours.begun.length
  t.ok(before < 9, 'and no more')
  const late = campaign(9, { until: AbortSignal.abort(), seedsMin: 3 })
  t.equal((await late).report().seeds, 3, 'those that must run are run')
  t.equal(ours.begun.length, before + 3)

  const slow = new AbortController()
  const lost = campaign(9, { until: slow.signal })
  await ours.begins(before + 4)
  await redis.stop()
  slow.abort()
  t.ok((await lost).report().seeds < 9, 'a queue that is lost keeps nobody')
})
