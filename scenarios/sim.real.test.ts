// Every scenario in virtual time, on a virtual network; and that a seed decides all of it.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { test } from 'tap'
import { prepareProcess } from './engine/drivers/index.ts'

// A simulation wants to be there before libp2p is.
await prepareProcess('sim')
const { scenariosHold } = await import('./testing.ts')

scenariosHold('sim', process.env)

const CLI = join(import.meta.dirname, 'cli.ts')

interface Run {
  readonly digest: unknown
  readonly timeline: unknown
  readonly holds: boolean
}

/** Runs the command in a process of its own. */
async function run(seed: string): Promise<Run> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [CLI, 'dns-server-down', '--transport', 'sim', '--seed', seed, '--json'],
    { maxBuffer: 1 << 26 },
  )
  return JSON.parse(stdout) as Run
}

test('the same seed is the same run in two fresh processes, packet by packet; another seed is not', async (t) => {
  const first = await run('7')
  const second = await run('7')
  t.equal(first.holds, true)
  t.strictSame(second.digest, first.digest)
  t.strictSame(second.timeline, first.timeline)
  t.notSame((await run('8')).digest, first.digest)
})
