// The commands that write pages and those that know a queue, as people run them. The worlds are real, so they are few.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'tap'
import { Tally, type LaneReport } from '../campaign/tally.ts'
import { makeFailure } from '../campaign/testing.ts'
import { makeNight } from '../nightly/testing.ts'
import { findRedisServer, startRedis } from '../queue/testing.ts'
import { drawFailures } from './draw-failures.ts'

const PROGRAM = join(import.meta.dirname, '../../cli.ts')
const { program, skip } = await findRedisServer(process.env)

function start(words: readonly string[]) {
  const child = spawn(process.execPath, [PROGRAM, ...words], {
    env: { ...process.env, FORCE_COLOR: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = { out: '', error: '' }
  child.stdout.on('data', (chunk: Buffer) => (said.out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (said.error += chunk.toString()))
  const ended = once(child, 'close').then(([code]) => ({ ...said, code: code as number | null }))
  return { child, said, ended }
}

const run = (...words: readonly string[]) => start(words).ended

test('replay draws the run of a seed as a page', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'nodetrust-page-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const file = join(folder, 'run.html')
  const { code, out } = await run('replay', '3', '--html', file)
  t.equal(code, 0)
  t.match(out, /seed 3 of swarm passes/)
  const page = await readFile(file, 'utf8')
  t.match(page, /<h1>Seed 3<\/h1>/)
  t.match(page, /npm run scenario -- replay 3/)
  t.match(page, /"name":"host:started"/)
})

test('a night goes on without the page of a run that cannot be written', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'nodetrust-page-'))
  t.teardown(() => rm(folder, { recursive: true }))
  await mkdir(join(folder, 'runs/canary-6.html'), { recursive: true })
  const tally = new Tally('canary')
  tally.add(makeFailure('no attacker gets a certificate', { seed: '6', world: 'canary' }))
  tally.add(makeFailure('no timer is left', { seed: '1', world: 'happy-path' }))
  const told: string[] = []
  const pages = await drawFailures(makeNight({ lanes: [tally.report()] }), {
    folder,
    reductions: new Map(),
    io: {
      out() {},
      error: (line) => told.push(line),
      terminal: undefined,
      environment: {},
      signal: new AbortController().signal,
      end() {},
    },
  })
  t.same(pages, new Map([['1', 'runs/happy-path-1.html']]))
  t.match(await readdir(join(folder, 'runs')), ['canary-6.html', 'happy-path-1.html'])
  t.match(told, [
    /drawing seed 6/,
    /^nightly: ".*canary-6\.html" cannot be written: EISDIR/,
    /drawing seed 1/,
  ])
})

test(
  'a campaign runs on workers of a queue, and a killed one is replaced by the other',
  { skip },
  async (t) => {
    await using redis = await startRedis(program)
    const worker = () => start(['worker', '--queue', redis.url, '--jobs', '1', '--silence', '2s'])
    const [killed, other] = [worker(), worker()]
    t.teardown(() => [killed, other].forEach(({ child }) => child.kill('SIGKILL')))
    const campaign = run(
      'swarm',
      '--queue',
      redis.url,
      '--count',
      '2',
      '--from',
      '1',
      '--no-shrink',
      '--json',
    )
    while (!killed.said.error.includes('worker: takes')) await once(killed.child.stderr, 'data')
    killed.child.kill('SIGKILL')
    const { out, code, error } = await campaign
    t.equal(code, 0, error)
    t.match(JSON.parse(out) as LaneReport, { seeds: 2, classes: { pass: 2 } })
    t.match(error, /queue: \d workers? runs? \d seeds? at once/)
    other.child.kill('SIGTERM')
    const last = await other.ended
    t.equal(last.code, 0)
    t.match(last.error, /worker: ran [12] seeds/)
  },
)

test(
  'a campaign that no worker takes a seed of ends with its time, and passes nothing',
  { skip },
  async (t) => {
    await using redis = await startRedis(program)
    const { code, out, error } = await run('swarm', '--queue', redis.url, '--budget', '1s')
    t.equal(code, 2)
    t.match(out, /^0 seeds/)
    t.match(error, /^swarm: nothing is known: no worker ran a seed in that time$/m)
  },
)
