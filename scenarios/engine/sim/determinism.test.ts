// Same seed, same world: in fresh processes of unmodified libp2p nodes, however busy the machine is.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test, type Test } from 'tap'
import type { GossipResult } from './testing-gossip.ts'

const REGISTER = join(import.meta.dirname, 'register.ts')
/** The machine has work for each of its cores beside us. */
const BUSY_PROCESSES = 1
/** Worlds of 100 nodes take 10 s of a core that is theirs alone. */
const TIMEOUT_MS = 300_000

/** Runs a program in a process of its own; relative imports are those of this folder. */
function start(t: Test, program: string, nodeOptions: readonly string[] = []): ChildProcess {
  const child = spawn(
    process.execPath,
    [...nodeOptions, '--input-type=module-typescript', '--eval', program],
    { cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  t.teardown(() => child.kill('SIGKILL'))
  return child
}

async function output(child: ChildProcess): Promise<{ stdout: string; stderr: string }> {
  const { stdout, stderr } = child
  if (stdout === null || stderr === null) throw new Error('the process has no output')
  const [printed, said] = await Promise.all([text(stdout), text(stderr), once(child, 'close')])
  return { stdout: printed, stderr: said }
}

async function gossip(t: Test, seed: string, nodes: number): Promise<GossipResult> {
  const init = JSON.stringify({ seed, nodes, messages: 5 })
  const child = start(
    t,
    `const { gossipWorld } = await import('./testing-gossip.ts')
    console.log(JSON.stringify(await gossipWorld(${init})))`,
    ['--import', REGISTER],
  )
  const { stdout, stderr } = await output(child)
  try {
    return JSON.parse(stdout) as GossipResult
  } catch {
    throw new Error(`the world with seed "${seed}" ended without a result: ${stderr}`)
  }
}

test('20 nodes: another seed is another world in every hash', async (t) => {
  const [one, other] = await Promise.all([gossip(t, 'one', 20), gossip(t, 'other', 20)])
  t.equal(one.eventCount, 5 * 19, 'every message reached all others')
  for (const key of ['events', 'shape', 'bytes', 'draws'] as const) t.not(one[key], other[key], key)
})

test(
  '20 and 100 nodes: the same seed is the same world, on a busy machine too',
  { timeout: TIMEOUT_MS },
  async (t) => {
    const worlds = (): Promise<GossipResult[]> =>
      Promise.all([gossip(t, 'one', 20), gossip(t, 'one', 100)])
    const quiet = await worlds()
    for (let count = 0; count < BUSY_PROCESSES; count++) start(t, 'for (;;) Math.random()')
    const busy = await worlds()
    t.strictSame(busy, quiet)
    t.equal(quiet[1]?.eventCount, 5 * 99, 'every message reached all others')
  },
)

test('a world after another in a warm process is the same in events, shape and draws', async (t) => {
  const program = `
    const { gossipWorld } = await import('./testing-gossip.ts')
    const results = []
    for (const seed of ['one', 'other', 'one']) {
      results.push(await gossipWorld({ seed, nodes: 6, messages: 3 }))
    }
    console.log(JSON.stringify(results))`
  const { stdout } = await output(start(t, program, ['--import', REGISTER]))
  const [first, second, third] = JSON.parse(stdout) as GossipResult[]
  const { bytes: _, ...fresh } = first ?? ({} as GossipResult)
  const { bytes: __, ...warm } = third ?? ({} as GossipResult)
  t.strictSame(warm, fresh)
  t.not(second?.events, first?.events)
})

test('what modules keep from their loading is the same in every process', async (t) => {
  const program = `
    console.log(Date.now(), Math.random(), crypto.randomUUID())
    const { install } = await import('./install.ts')
    const world = install('any')
    console.log(Date.now(), Math.random())
    world.uninstall()
    if (Date.now() === ${Date.UTC(2026, 0, 1)}) console.log('the time still stands')`
  const [one, other] = await Promise.all([
    output(start(t, program, ['--import', REGISTER])),
    output(start(t, program, ['--import', REGISTER])),
  ])
  t.equal(one.stdout, other.stdout)
  t.match(
    one.stdout,
    new RegExp(`^${Date.UTC(2026, 0, 1)} 0\\.\\d+ \\S+\n${Date.UTC(2026, 0, 1)} `),
  )
  t.notMatch(one.stdout, 'still')
})

test('what draws masks for WebSockets is loaded after the simulator', async (t) => {
  // Node's own and ws take a function of node:crypto when they are loaded, and keep it.
  const program = `
    import { randomFillSync } from 'node:crypto'
    const loaded = process.moduleLoadList.some((name) => name.includes('deps/undici/undici'))
    console.log(loaded, randomFillSync === process.getBuiltinModule('crypto').randomFillSync)
    console.log(randomFillSync(Buffer.alloc(4)).toString('hex'))`
  const [one, other] = await Promise.all([
    output(start(t, program, ['--import', REGISTER])),
    output(start(t, program, ['--import', REGISTER])),
  ])
  t.match(one.stdout, /^false true\n[0-9a-f]{8}\n$/)
  t.strictSame(one, other)
})

test('a process that is not prepared, or has loaded libp2p before, is told what to do', (t) => {
  const refused = (program: string): string =>
    spawnSync(process.execPath, ['--input-type=module-typescript', '--eval', program], {
      cwd: import.meta.dirname,
      encoding: 'utf8',
    }).stderr
  t.match(
    refused(`await import('@libp2p/crypto/keys'); await import('./register.ts')`),
    /node_modules\/@libp2p\/.*" was loaded before the simulator: start the process with --import/,
  )
  t.match(
    refused(`const { install } = await import('./install.ts'); install('seed')`),
    /not prepared for a simulation: start it with --import/,
  )
  t.match(
    refused(`await import('node:http'); await import('./register.ts')`),
    /internal\/deps\/undici\/undici" was loaded before the simulator/,
  )
  t.end()
})
