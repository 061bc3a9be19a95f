// The first days of long worlds: whole ones take minutes, and run at night.
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { test } from 'tap'

const REGISTER = join(import.meta.dirname, '../../engine/sim/register.ts')
/** A process that registers before anything else is loaded. */
const RUN = `
const { drawLong } = await import(${JSON.stringify(join(import.meta.dirname, 'draw-long.ts'))})
const { runPlan } = await import(${JSON.stringify(join(import.meta.dirname, '../run-plan.ts'))})
const [seed, days, workDirectory] = process.argv.slice(1)
const outcome = await runPlan(drawLong(seed, Number(days)), { workDirectory })
const events = outcome.timeline.map(({ event }) => event)
process.stdout.write(JSON.stringify({ ...outcome, timeline: events }))
process.exit()`
const OUTPUT_LENGTH_MAX = 1 << 24

test('the first days of a long world go by: all is well at the end of each, and nothing is left of it', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'nodetrust-long-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', REGISTER, '--input-type=module', '-e', RUN, '1', '5', folder],
    { maxBuffer: OUTPUT_LENGTH_MAX },
  )
  const outcome = JSON.parse(stdout) as {
    readonly class: string
    readonly failure?: { readonly problem: string }
    readonly virtualMs: number
    readonly timeline: readonly string[]
  }
  t.equal(outcome.failure?.problem, undefined)
  t.equal(outcome.class, 'pass')
  t.ok(outcome.virtualMs > 5 * 86_400_000)
  for (const event of ['certificate:obtained', 'fault:healed', 'announced']) {
    t.ok(outcome.timeline.includes(event), event)
  }
})
