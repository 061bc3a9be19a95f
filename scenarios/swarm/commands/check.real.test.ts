// `--check-determinism` as people run it: it ends with its budget, and takes its traces with it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { test, type Test } from 'tap'
import type { SeedResult } from '../result.ts'

const PROGRAM = join(import.meta.dirname, '../../cli.ts')

/** Starts a command whose temporary files are in a folder of their own. */
async function start(t: Test, ...words: readonly string[]) {
  const folder = await mkdtemp(join(tmpdir(), 'nodetrust-check-'))
  const child = spawn(process.execPath, [PROGRAM, ...words], {
    env: { ...process.env, FORCE_COLOR: '0', TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.teardown(async () => {
    child.kill('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  })
  const said = { out: '', error: '' }
  child.stdout.on('data', (chunk: Buffer) => (said.out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (said.error += chunk.toString()))
  const ended = once(child, 'close').then(([code]) => ({ ...said, code: code as number | null }))
  const traces = async (): Promise<string[]> =>
    (await readdir(folder)).filter((name) => name.startsWith('nodetrust-traces-'))
  return { child, ended, traces }
}

test('a campaign of seeds that run twice ends with its budget, and says what came of it', async (t) => {
  const { ended, traces } = await start(
    t,
    ...'swarm --check-determinism --budget 1s --jobs 1 --from 1 --json'.split(' '),
  )
  const { code, out, error } = await ended
  t.equal(code, 0, error)
  t.match(JSON.parse(out), { from: '1', seeds: 1, classes: { pass: 1 }, failures: [] })
  t.match(error, /from 1 on, each twice/)
  t.same(await traces(), [])
})

for (const words of [
  ['swarm', '--from', '1'],
  ['replay', '1'],
  ['happy-path', '--transport=sim'],
]) {
  test(`${words[0]} --check-determinism that is interrupted leaves no traces`, async (t) => {
    const { child, ended, traces } = await start(t, ...words, '--check-determinism')
    while ((await traces()).length === 0 && child.exitCode === null) await setTimeout(20)
    child.kill('SIGINT')
    const { code, error } = await ended
    t.equal(code, 130)
    t.match(error, /interrupted/)
    t.same(await traces(), [])
  })
}

test('a scenario that is checked has the clients that were asked for, and its result can be had as JSON', async (t) => {
  const check = async (clients: number): Promise<SeedResult> => {
    const words = `happy-path --transport sim --check-determinism --json --clients ${clients}`
    const { ended } = await start(t, ...words.split(' '))
    return JSON.parse((await ended).out) as SeedResult
  }
  const [few, many] = [await check(1), await check(4)]
  t.match(many, {
    world: 'happy-path',
    class: 'pass',
    replay: 'npm run scenario -- happy-path --transport sim --seed 1 --clients 4',
  })
  t.ok(many.digest.packetCount > 2 * few.digest.packetCount)
})
