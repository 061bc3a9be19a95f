// What a run says when something does not hold, and the command. Every scenario: memory.real.test.ts, tcp.real.test.ts.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, readdir, rm } from 'node:fs/promises'
import { test } from 'tap'
import { caOptionsFromEnvironment } from './engine/ca/index.ts'
import { runScenario } from './engine/run.ts'
import { hosts, type Scenario } from './engine/scenario.ts'
import { scenarios } from './index.ts'

const ca = caOptionsFromEnvironment(process.env)

test('a story that fails and an expectation that does not hold are told, and the run does not hold', async (t) => {
  const broken: Scenario = {
    name: 'broken',
    title: 'what must be noticed',
    proves: [],
    world: () => ({ hosts: hosts({ proof: 1, dns: 1, issue: 1, client: 1 }) }),
    run: () => Promise.reject(new Error('the story broke')),
    expectations: [
      { name: 'fine', holds: () => true },
      { name: 'wrong', holds: () => 'it is wrong' },
      { name: 'throws', holds: () => Promise.reject(new Error('it threw')) },
    ],
  }
  const report = await runScenario(broken, { transport: 'memory', ca, keep: true })
  t.equal(report.holds, false)
  t.match(
    report.verdicts.filter(({ problem }) => problem !== undefined),
    [
      { problem: 'the story broke' },
      { name: /every announced address/, problem: /^not judged/ },
      { problem: 'it is wrong' },
      { problem: 'it threw' },
    ],
  )
  const kept = report.keptIn ?? ''
  t.ok((await readdir(kept)).length > 0, 'the folder was kept')
  await rm(kept, { recursive: true })
})

test('a fault that never happens or cannot be carried out is told, and the run does not hold', async (t) => {
  const quiet = (at: number | { event: string }): Scenario => ({
    name: 'quiet',
    title: 'nothing happens',
    proves: [],
    world: () => ({
      hosts: hosts({ proof: 1, dns: 1, issue: 1, client: 1 }),
      faults: [{ at, kind: 'hang', host: 'ca' }],
    }),
    run: async (world) => void (await world.obtainAll()),
    expectations: [],
  })
  for (const [at, problem] of [
    [{ event: 'no:such' }, /"hang" of ca never happened/],
    [{ event: 'order:created' }, /the CA knows no fault "hang"/],
  ] as const) {
    const report = await runScenario(quiet(at), { transport: 'memory', ca })
    t.equal(report.holds, false)
    t.match(report.verdicts.find(({ name }) => name === 'every fault happened')?.problem, problem)
  }
})

test('a story that never ends is ended by its deadline, and its folder is removed', async (t) => {
  const endless: Scenario = {
    name: 'endless',
    title: 'nothing happens',
    proves: [],
    deadlineMs: 300,
    world: () => ({ hosts: hosts({ proof: 1, dns: 1, issue: 1, client: 1 }) }),
    run: () => new Promise(() => {}),
    expectations: [],
  }
  const report = await runScenario(endless, { transport: 'memory', ca })
  t.match(report.verdicts[0]?.problem, /not done within \d+ ms/)
})

/** Runs the command as a person does; `environment` is added to ours. */
async function command(
  commandArguments: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<{ code: number | null; out: string; error: string }> {
  const child = spawn(process.execPath, ['scenarios/cli.ts', ...commandArguments], {
    // What is tested is the text, whatever terminal the tests run in.
    env: { ...process.env, FORCE_COLOR: '0', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [out, error] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (error += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, out, error }
}

test('the command lists its scenarios, runs one, and prints what a machine can read', async (t) => {
  const list = await command(['list', '--json'])
  t.equal((JSON.parse(list.out) as unknown[]).length, scenarios.length)
  t.match(await command(['--help']), { code: 0, out: /failing-proof-server/ })
  const run = await command(['happy-path', '--transport', 'memory', '--clients', '1', '--json'])
  t.match(JSON.parse(run.out), {
    scenario: 'happy-path',
    holds: true,
    certificates: [{ host: 'client1' }],
  })
  t.equal(run.code, 0)
  const shown = await command(['stolen-proof', '--transport', 'memory'])
  t.match(shown, {
    code: 0,
    out: /✓ the attacker is refused with error 2[^]*again: npm run scenario -- stolen-proof/,
  })
})

test('a mistake of the user is one line and exit code 2', async (t) => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['no-such-scenario'], /there is no scenario "no-such-scenario"/],
    [[], /missing required argument/],
    [['happy-path', '--clients', '0'], /whole number from 1 to 200/],
    [['happy-path', '--clients', 'x'], /whole number/],
    [['ipv6', '--clients', '1'], /needs at least 2 clients/],
    [['stolen-proof', '--clients', '2'], /has no clients/],
    [['browser', '--clients', '17'], /takes at most 16 clients/],
    [['happy-path', '--transport', 'pigeon'], /Allowed choices are memory, tcp, sim/],
    [['happy-path', '--seed', '7'], /of a simulated world: add --transport sim/],
    [['browser', '--transport', 'sim'], /know no virtual time/],
    [['behind-nat', '--transport', 'memory'], /of a simulated network: add --transport sim/],
    [['happy-path', '--no-such-option'], /unknown option/],
    [['happy-path', '--ca', 'bolder'], /Allowed choices are built-in/],
    [
      ['happy-path', '--ca', 'built-in', '--acme', 'https://ca.test/'],
      /cannot be used with option/,
    ],
  ]
  for (const [words, message] of cases) {
    const { code, error, out } = await command(words)
    t.equal(code, 2, words.join(' '))
    t.match(error, message)
    t.notMatch(error, /\n\s+at /, 'no stack trace')
    t.equal(out, '')
  }
})

test('--ca built-in needs no Pebble, and the report says which CA it was', async (t) => {
  const nowhere = { PEBBLE_BIN: '/nonexistent/pebble' }
  const words = ['happy-path', '--transport', 'memory', '--clients', '1', '--ca', 'built-in']
  t.match(await command(words, nowhere), {
    code: 0,
    out: /on memory, the built-in CA, [^]*again: npm run scenario -- happy-path .*--ca built-in/,
    error: /ACME CA: the built-in CA/,
  })
})

test('without any CA the command says in one line how to get one, with exit code 2', async (t) => {
  const { code, error } = await command(['happy-path', '--transport', 'memory'], {
    PEBBLE_BIN: '/nonexistent/pebble',
  })
  t.equal(code, 2)
  t.match(error, /\/nonexistent\/pebble.*give --acme URL.*--ca built-in.*correct PEBBLE_BIN/)
  t.notMatch(error, /\n\s+at /)
  await t.rejects(access('/nonexistent/pebble'))
})
