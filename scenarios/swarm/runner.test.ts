// What becomes of seeds whose process hangs, dies or has nothing to run; and what the codes of commands say.
import { mkdtemp, readFile, readdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'tap'
import { makeFailure, makeResult } from './campaign/testing.ts'
import { describe, firstDifference, runTwice } from './determinism.ts'
import { ChildRunner, seedMsMax } from './runner.ts'
import { ENGINE_FAULT, exitCode } from './verdict.ts'

const { signal } = new AbortController()

test('a seed that takes too long is stopped and unknown, and the next one runs', async (t) => {
  await using runner = new ChildRunner({ seedMsMax: 1 })
  const result = await runner.run('1', { world: 'swarm', signal })
  t.match(result, {
    class: 'unknown',
    failure: { invariant: 'the seed ends', problem: /stopped after 1 ms/ },
    replay: 'npm run scenario -- replay 1',
  })
  t.match(await runner.run('2', { world: 'swarm', signal }), { seed: '2', class: 'unknown' })
})

test('a large world has more time than a small one', (t) => {
  const small = seedMsMax({ world: 'swarm' })
  t.equal(seedMsMax({ world: 'happy-path', clients: 3 }), small)
  // 85 s of CPU, on a machine that has ten times as much to do.
  t.ok(seedMsMax({ world: 'crowd' }) > 10 * 85_000)
  t.equal(seedMsMax({ world: 'flash-crowd', clients: 200 }), seedMsMax({ world: 'crowd' }))
  t.ok(seedMsMax({ world: 'long' }) > seedMsMax({ world: 'crowd' }))
  t.end()
})

test('a seed that is stopped for its time is unknown, and not another one each time', async (t) => {
  const folder = t.testdir()
  const { result, difference } = await runTwice('1', {
    world: 'swarm',
    signal,
    folder,
    bounds: { seedMsMax: 1 },
  })
  t.equal(result.class, 'unknown')
  t.equal(difference, undefined)
})

test('no process leaves its folder behind, however it ends', async (t) => {
  const { TMPDIR } = process.env
  t.teardown(() => {
    if (TMPDIR === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = TMPDIR
  })
  const folder = t.testdir({})
  process.env.TMPDIR = folder
  const killing = encodeURIComponent(
    `process.on('message', () => process.kill(process.pid, 'SIGKILL'))`,
  )
  {
    await using dying = new ChildRunner({ preload: [`data:text/javascript,${killing}`] })
    t.match(await dying.run('1', { world: 'swarm', signal }), { class: 'crash' })
    t.same(await readdir(folder), [])
    await using stopped = new ChildRunner({ seedMsMax: 1 })
    await stopped.run('1', { world: 'swarm', signal })
    await using idle = new ChildRunner()
    await idle.run('5', { world: 'nowhere', signal })
    await idle.run('5', { world: 'stolen-proof', signal })
  }
  t.same(await readdir(folder), [])
})

test('a process that dies is a crash, with what it has said last', async (t) => {
  await using runner = new ChildRunner({ heapMegabytesMax: 20 })
  t.match(await runner.run('1', { world: 'swarm', signal }), {
    class: 'crash',
    failure: { invariant: 'the process lives', problem: /SIGABRT|SIGTRAP|exit code/ },
  })
})

test("a world that does not exist is the engine's fault, in words", async (t) => {
  await using runner = new ChildRunner()
  t.match(await runner.run('1', { world: 'nowhere', signal }), {
    class: 'unknown',
    failure: { invariant: ENGINE_FAULT, problem: /there is no world "nowhere"/ },
  })
})

test('a seed that cannot be run spoils none after it: the next one gets a process of its own', async (t) => {
  const starts = join(t.testdir(), 'starts')
  const noting = `import { appendFileSync } from 'node:fs'; appendFileSync(${JSON.stringify(starts)}, '.')`
  const preload = [`data:text/javascript,${encodeURIComponent(noting)}`]
  await using runner = new ChildRunner({ preload })
  t.match(await runner.run('1', { world: 'browser', signal }), {
    class: 'unknown',
    failure: { invariant: ENGINE_FAULT, problem: /"browser" runs in real time/ },
  })
  t.match(await runner.run('5', { world: 'stolen-proof', signal }), { class: 'pass' })
  t.equal(await readFile(starts, 'utf8'), '..')
})

test('a trace that cannot be written is told of, and is no failure of the seed', async (t) => {
  await using runner = new ChildRunner({ seedMsMax: 60_000 })
  t.match(await runner.run('5', { world: 'stolen-proof', signal, traceFile: '/dev/full' }), {
    class: 'unknown',
    failure: { invariant: ENGINE_FAULT, problem: /the trace cannot be written: ENOSPC/ },
  })
})

test('an interruption ends a run with its reason', async (t) => {
  const interruption = new AbortController()
  await using runner = new ChildRunner()
  const run = runner.run('1', { world: 'swarm', signal: interruption.signal })
  interruption.abort(new Error('enough'))
  await t.rejects(run, { message: 'enough' })
})

test('a scenario runs by a seed, and twice the same in one process', async (t) => {
  await using runner = new ChildRunner()
  const results = [
    await runner.run('5', { world: 'stolen-proof', signal }),
    await runner.run('5', { world: 'stolen-proof', signal }),
  ]
  for (const { class: of } of results) t.equal(of, 'pass')
  t.match(results[0]?.replay, 'npm run scenario -- stolen-proof --transport sim --seed 5')
  // Bytes may differ: modules keep what they have counted.
  for (const part of ['events', 'shape'] as const) {
    t.equal(results[0]?.digest[part], results[1]?.digest[part], part)
  }
})

test('the exit code says the worst that happened', (t) => {
  const [pass, liveness] = [makeResult(), makeFailure('x', { class: 'liveness' })]
  const invariant = makeFailure('x', { class: 'invariant' })
  const cases = [
    [[], 0],
    [[pass], 0],
    [[pass, liveness], 3],
    [[liveness, invariant], 1],
    [[makeFailure('x', { class: 'unknown' })], 2],
    [[makeFailure('x', { class: 'crash' }), liveness], 4],
    [[makeFailure('x', { class: 'non-determinism' }), invariant], 5],
    [[makeFailure(ENGINE_FAULT, { class: 'unknown' }), invariant], 70],
  ] as const
  for (const [results, code] of cases) t.equal(exitCode(results), code)
  t.end()
})

test('two traces are compared line by line, and the first difference is shown with what was before', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'nodetrust-traces-'))
  const write = async (name: string, lines: readonly string[]): Promise<string> => {
    const file = join(folder, name)
    await writeFile(file, lines.map((line) => `${line}\n`).join(''))
    return file
  }
  const one = await write('one', ['a', 'b', 'c'])
  t.equal(await firstDifference(one, await write('same', ['a', 'b', 'c'])), undefined)
  t.match(await firstDifference(one, await write('other', ['a', 'x', 'c'])), {
    line: 2,
    one: 'b',
    other: 'x',
    before: ['a'],
  })
  const shorter = await firstDifference(one, await write('shorter', ['a', 'b']))
  t.match(shorter, { line: 3, one: 'c', other: undefined })
  t.match(shorter === undefined ? '' : describe(shorter), /line 3[^]*- c[^]*\+ \(it ends\)/)
})
