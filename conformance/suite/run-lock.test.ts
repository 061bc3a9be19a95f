import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { test } from 'tap'
import { lockRun } from './run-lock.ts'

const HOLDER = `import { lockRun } from ${JSON.stringify(join(import.meta.dirname, 'run-lock.ts'))}
  await lockRun(process.argv[1])
  console.log('has it')
  setInterval(() => {}, 1000)`

test('a folder is for one run at a time, and what a killed one left is taken over', async (t) => {
  const folder = join(t.testdir({}), 'target')
  const words = ['--input-type=module', '-e', HOLDER, folder]
  const holder = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => holder.kill('SIGKILL'))
  await once(holder.stdout, 'data')
  await t.rejects(lockRun(folder), {
    name: 'UsageError',
    message: `another run (process ${holder.pid}) has "${folder}": wait until it ends, or take another --out`,
  })
  const exited = once(holder, 'exit')
  holder.kill('SIGKILL')
  await exited
  const lock = await lockRun(folder)
  const again = await lockRun(folder)
  await again[Symbol.asyncDispose]()
  t.ok(existsSync(join(folder, 'run.lock')), 'the first of one process has it still')
  await lock[Symbol.asyncDispose]()
  t.same(readdirSync(folder), [])
})

test('a lock that another process with the same id left is taken over, and that of another machine is not', async (t) => {
  const folder = t.testdir({})
  const file = join(folder, 'run.lock')
  const linux = process.platform === 'linux'
  const rows: readonly (readonly [string, RegExp | undefined])[] = [
    [`${process.pid} ${linux ? '1' : ''} ${hostname()}`, undefined],
    [
      `1 2 not-${hostname()}`,
      /^a run on the machine "not-.*" \(process 1\) has .* remove ".*run\.lock"$/,
    ],
    ['', /^another run begins in/],
    ['x'.repeat(2_000), /is not from a run/],
  ]
  for (const [text, refusal] of rows) {
    writeFileSync(file, text)
    if (refusal === undefined) await (await lockRun(folder))[Symbol.asyncDispose]()
    else await t.rejects(lockRun(folder), { name: 'UsageError', message: refusal })
    if (refusal !== undefined) t.equal(readFileSync(file, 'utf8'), text)
  }
  writeFileSync(file, '')
  utimesSync(file, 1, 1)
  await (await lockRun(folder))[Symbol.asyncDispose]()
  t.same(readdirSync(folder), [])
})
