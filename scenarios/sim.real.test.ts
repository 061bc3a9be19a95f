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
async function run(scenario: string, seed: string): Promise<Run> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [CLI, scenario, '--transport', 'sim', '--seed', seed, '--json'],
    { maxBuffer: 1 << 26 },
  )
  return JSON.parse(stdout) as Run
}

for (const scenario of ['dns-server-down', 'behind-nat']) {
  test(`${scenario}: the same seed is the same run in two fresh processes, packet by packet; another seed is not`, async (t) => {
    const first = await run(scenario, '7')
    const second = await run(scenario, '7')
    t.equal(first.holds, true)
    t.strictSame(second.digest, first.digest)
    t.strictSame(second.timeline, first.timeline)
    t.notSame((await run(scenario, '8')).digest, first.digest)
  })
}
