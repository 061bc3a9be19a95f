// Seeds on a real queue, with workers in processes of their own. What they run was recorded: no world is run here.
import { test } from 'tap'
import { makeFailure } from '../campaign/testing.ts'
import { openRedis, withoutPassword } from './connection.ts'
import { NEVER, stage } from './testing-stage.ts'
import { findRedisServer } from './testing.ts'

const { program, skip } = await findRedisServer(process.env)

test(
  'seeds of a worker that is killed are taken over, and all results are in one report',
  { skip },
  async (t) => {
    const { worker, campaign } = await stage(t, program)
    const [killed, other] = await Promise.all([worker(), worker()])
    const campaigning = campaign(60)
    await killed.begins(6)
    await killed.end('SIGKILL')
    const unfinished = killed.begun.filter((seed) => !killed.finished.includes(seed))
    const tally = await campaigning
    t.ok(unfinished.length > 0, `${unfinished.join(', ')} ran when it was killed`)
    for (const seed of unfinished) t.ok(other.begun.includes(seed), `${seed} was taken over`)
    const report = tally.report()
    t.match(report, { seeds: 60, classes: { pass: 60 }, failures: [] }, 'each counts once')
    t.same(
      new Set(Object.keys(report.met)),
      new Set([`on ${killed.id}`, `on ${other.id}`]),
      'both have results in it',
    )
  },
)

test('workers come and go while a campaign runs', { skip }, async (t) => {
  const { worker, campaign, crew, tells } = await stage(t, program)
  const campaigning = campaign(80)
  const first = await worker()
  await first.begins(4)
  const second = await worker({ jobs: 3 })
  await second.begins(3)
  await tells(/^2 workers run 5 seeds at once$/)
  t.equal(crew.width, 10, 'two seeds ahead for each that runs')
  await first.end('SIGTERM')
  t.same(new Set(first.finished), new Set(first.begun), 'one that leaves finishes what it began')
  const { seeds } = (await campaigning).report()
  t.equal(seeds, 80)
  await second.end('SIGTERM')
  t.equal(first.begun.length + second.begun.length, 80, 'no seed ran twice')
})

test('a seed that ends every worker is a result, and ends no more of them', { skip }, async (t) => {
  const { worker, campaign } = await stage(t, program)
  const campaigning = campaign(5)
  for (let count = 0; count < 3; count++) {
    await (
      await worker({ poison: '3', jobs: 1 })
    ).ended
  }
  const last = await worker({ poison: '3', jobs: 1 })
  t.match((await campaigning).report(), {
    seeds: 5,
    classes: { pass: 4, crash: 1 },
    failures: [{ fastest: [{ seed: '3', replay: 'replay 3' }] }],
  })
  t.notOk(last.begun.includes('3'))
})

test('what a worker says is taken only where it is a result of that seed', { skip }, async (t) => {
  const { worker, campaign } = await stage(t, program)
  for (const answer of ['null', '{}', '{"class":"pass"}', '[1]']) {
    const liar = await worker({ answer })
    t.match((await campaign(1)).report(), {
      seeds: 1,
      failures: [{ fastest: [{ seed: '0', failure: { invariant: 'the engine runs' } }] }],
    })
    await liar.end('SIGTERM')
  }
  const foreign = { seed: '99', world: '../../x', replay: 'rm -r /' }
  await worker({ answer: JSON.stringify(makeFailure('it holds', foreign)) })
  t.match((await campaign(1)).report(), {
    failures: [{ fastest: [{ seed: '0', world: 'swarm', replay: 'replay 0', faults: 4 }] }],
  })
})

test('a queue that loses all that it knew is told again', { skip }, async (t) => {
  const { worker, campaign, redis } = await stage(t, program)
  const before = await worker()
  const campaigning = campaign(30)
  await before.begins(6)
  await redis.restart()
  const { seeds, classes } = (await campaigning).report()
  t.equal(seeds, 30)
  t.same(classes, { pass: 30 })
})

test('a worker of another version of the code leaves the seeds to others', { skip }, async (t) => {
  const { worker, campaign } = await stage(t, program)
  const stranger = await worker({ version: 'other' })
  const campaigning = campaign(6)
  const ours = await worker()
  await campaigning
  t.equal(stranger.begun.length, 0)
  t.equal(ours.begun.length, 6)
})

test('seeds that nobody waits for any more are taken from the queue', { skip }, async (t) => {
  const { crew, waiting } = await stage(t, program)
  const interruption = new AbortController()
  const options = { world: 'swarm', signal: interruption.signal }
  const interrupted = crew.run('1', options)
  const left = crew.run('2', { ...options, signal: NEVER })
  left.catch(() => {})
  interruption.abort(new Error('enough'))
  await t.rejects(interrupted, /enough/)
  await crew[Symbol.asyncDispose]()
  t.same(await waiting(), [])
})

test('a queue that cannot be reached is one line, without its password', async (t) => {
  await t.rejects(openRedis('redis://:secret@127.0.0.1:1/2'), {
    name: 'QueueUnavailableError',
    message:
      /^the queue "redis:\/\/127\.0\.0\.1:1\/2" cannot be reached \(.*ECONNREFUSED.*\): start/,
  })
  t.throws(() => withoutPassword('http://127.0.0.1'), /"http:" is no queue: wanted redis:/)
  t.throws(() => withoutPassword('nonsense'), /a queue is redis:/)
})
