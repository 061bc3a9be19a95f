// The commands as a person uses them: a planted failure is found, made small and seen again by its line; and a world of
// 100 nodes is the same twice, whatever else the machine does.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'tap'
import { Worker } from 'node:worker_threads'
import type { SeedResult } from './result.ts'
import { ChildRunner } from './runner.ts'

const CLI = join(import.meta.dirname, '../cli.ts')
/** A canary that one fault is enough for, among many. */
const CANARY_SEED = '393'
/** Two worlds of 100 nodes at once, on a machine with much to do. */
const CROWD_MS_MAX = 500_000

async function command(
  ...words: readonly string[]
): Promise<{ readonly code: number; readonly out: string; readonly error: string }> {
  const { promise, resolve } = Promise.withResolvers<Awaited<ReturnType<typeof command>>>()
  const options = { env: { ...process.env, FORCE_COLOR: '0' }, maxBuffer: 1 << 26 }
  const child = execFile(process.execPath, [CLI, ...words], options, (_, out, error) => {
    resolve({ code: child.exitCode ?? -1, out, error })
  })
  return await promise
}

test('a planted failure is found, shrunk to one fault, and replayed from its line', async (t) => {
  const begunMs = performance.now()
  const found = await command('swarm', '--world', 'canary', '--from', CANARY_SEED, '--count', '1')
  const seconds = (performance.now() - begunMs) / 1000
  t.equal(found.code, 3)
  const [, rate = ''] = /\n1 seed, ([\d.]+) a second/.exec(found.out) ?? []
  t.ok(
    Number(rate) > 2 / seconds,
    'its one seed took less than half of the time: shrinking is not counted',
  )
  t.match(found.error, new RegExp(`✗ seed ${CANARY_SEED} of canary: liveness\n    proofs `))
  t.match(found.out, /shrunk to 1 fault and \d hosts in \d+ runs, seen twice more/)
  const line = /replay: npm run scenario -- (replay .*)/.exec(found.out)?.[1] ?? ''
  t.match(line, /^replay 393 --world canary --faults \d+/)

  const words = line.split(' ')
  const again = await command(...words, '--json')
  t.equal(again.code, 3)
  t.match(JSON.parse(again.out), {
    seed: CANARY_SEED,
    class: 'liveness',
    faults: 1,
    failure: { invariant: 'every client has a certificate for its id and its addresses' },
  })
  const told = await command(...words)
  t.match(told.out, /client1 {4}certificate:failed[^]*✗ seed 393 of canary: liveness/)

  const without = await command('replay', CANARY_SEED, '--world', 'canary', '--faults', 'none')
  t.match(without, { code: 0, out: /seed 393 of canary passes/ })
})

test('a world of 100 nodes with gossipsub, faults and certificates is the same twice, also under load', async (t) => {
  const { signal } = new AbortController()
  const busy = new Worker('for (;;) Math.sqrt(2)', { eval: true })
  t.teardown(() => busy.terminate())
  const run = async (seed: string): Promise<SeedResult> => {
    await using runner = new ChildRunner({ fresh: true, seedMsMax: CROWD_MS_MAX })
    return await runner.run(seed, { world: 'crowd', signal })
  }
  const [one, other] = await Promise.all([run('1'), run('1')])
  t.equal(one.class, 'pass')
  t.ok(one.faults > 0, 'things go wrong in it')
  t.ok(one.sometimes.includes('a client obtains a certificate'))
  t.same(other.digest, one.digest, 'events, shape and bytes')
  t.equal(other.draws, one.draws)
  t.equal(other.events, one.events)
})
