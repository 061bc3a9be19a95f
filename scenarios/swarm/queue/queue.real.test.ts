// Seeds on a real queue, with workers in processes of their own. What they run was recorded: no world is run here.
import { test, type Test } from 'tap'
import { runCampaign } from '../campaign/campaign.ts'
import type { Tally } from '../campaign/tally.ts'
import { makeFailure } from '../campaign/testing.ts'
import { openRedis, withoutPassword } from './connection.ts'
import { watchLoss } from './loss.ts'
import { QueueCrew } from './queue-crew.ts'
import type { RecordedWork } from './recorded-worker.ts'
import {
  findRedisServer,
  startRedis,
  startWorker,
  type RunningRedis,
  type WorkerProcess,
} from './testing.ts'

const found = await findRedisServer({
  path: process.env['PATH'] ?? '',
  machineEnvironment: process.env,
  signal: AbortSignal.timeout(300_000),
})
const skip = 'missing' in found ? found.missing : false
const program = 'program' in found ? found.program : ''
const NEVER = new AbortController().signal
const VERSION = 'abc'

interface Stage {
  readonly redis: RunningRedis
  readonly url: string
  readonly crew: QueueCrew
  /** What the crew has told. */
  readonly told: readonly string[]
  readonly worker: (work?: Partial<RecordedWork>) => Promise<WorkerProcess>
  readonly campaign: (seeds: number) => Promise<Tally>
}

/** A queue of its own for a test, with what the test starts at it. */
async function stage(t: Test): Promise<Stage> {
  const redis = await startRedis(program)
  const workers: WorkerProcess[] = []
  const told: string[] = []
  const { url } = redis
  const crew = await QueueCrew.open({
    url,
    version: VERSION,
    replayOf: (seed) => `replay ${seed}`,
    report: (line) => told.push(line),
    lookMs: 200,
  })
  t.teardown(async () => {
    await Promise.all(workers.map((worker) => worker.end('SIGKILL')))
    await crew[Symbol.asyncDispose]()
    await redis[Symbol.asyncDispose]()
  })
  return {
    redis,
    url,
    crew,
    told,
    async worker(work = {}) {
      const common = { url, version: VERSION, jobs: 2, seedMs: 60, silenceMs: 800 }
      const worker = await startWorker({ ...common, ...work })
      workers.push(worker)
      return worker
    },
    campaign: (seeds) =>
      runCampaign({
        world: 'swarm',
        seeds: Array.from({ length: seeds }, (_, index) => String(index)).values(),
        crew,
        until: NEVER,
        signal: NEVER,
      }),
  }
}

test(
  'seeds of a worker that is killed are taken over, and all results are in one report',
  { skip },
  async (t) => {
    const { worker, campaign } = await stage(t)
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
  const { worker, campaign, crew } = await stage(t)
  const campaigning = campaign(80)
  const first = await worker()
  await first.begins(4)
  const second = await worker({ jobs: 3 })
  await second.begins(3)
  // Two seeds ahead for each that runs.
  while (crew.width < 10) await new Promise((resolve) => setTimeout(resolve, 20))
  await first.end('SIGTERM')
  t.same(new Set(first.finished), new Set(first.begun), 'one that leaves finishes what it began')
  const { seeds } = (await campaigning).report()
  t.equal(seeds, 80)
  await second.end('SIGTERM')
  t.equal(first.begun.length + second.begun.length, 80, 'no seed ran twice')
})

test('a seed that ends every worker is a result, and ends no more of them', { skip }, async (t) => {
  const { worker, campaign } = await stage(t)
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
  const { worker, campaign } = await stage(t)
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
  const { worker, campaign, redis } = await stage(t)
  const before = await worker()
  const campaigning = campaign(30)
  await before.begins(6)
  await redis.restart()
  const { seeds, classes } = (await campaigning).report()
  t.equal(seeds, 30)
  t.same(classes, { pass: 30 })
})

test(
  'a queue that is lost is told of once, and once when it is back; who leaves a lost one does not wait for it',
  { skip },
  async (t) => {
    const { worker, campaign, crew, redis, told } = await stage(t)
    const ours = await worker()
    campaign(1000).catch(() => {})
    await ours.begins(2)
    const losses = (): readonly string[] => told.filter((line) => /is (lost|back)/.test(line))
    const toldOf = async (count: number): Promise<void> => {
      while (losses().length < count) await new Promise((resolve) => setTimeout(resolve, 20))
    }
    await redis.stop()
    await toldOf(1)
    await redis.restart()
    await toldOf(2)
    await redis.stop()
    await toldOf(3)
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

test('a worker of another version of the code leaves the seeds to others', { skip }, async (t) => {
  const { worker, campaign } = await stage(t)
  const stranger = await worker({ version: 'other' })
  const campaigning = campaign(6)
  const ours = await worker()
  await campaigning
  t.equal(stranger.begun.length, 0)
  t.equal(ours.begun.length, 6)
})

test('seeds that nobody waits for any more are taken from the queue', { skip }, async (t) => {
  const { crew, url } = await stage(t)
  const interruption = new AbortController()
  const options = { world: 'swarm', signal: interruption.signal }
  const waiting = crew.run('1', options)
  const alsoWaiting = crew.run('2', { ...options, signal: NEVER })
  alsoWaiting.catch(() => {})
  interruption.abort(new Error('enough'))
  await t.rejects(waiting, /enough/)
  await crew[Symbol.asyncDispose]()
  const redis = await openRedis(url)
  t.teardown(() => redis.disconnect())
  t.same(await redis.lrange(`bull:nodetrust-seeds-${VERSION}:wait`, 0, -1), [])
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
