// npm test: runs every test and ends with the one line that a machine reads. Arguments go to tap.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

const TOTALS =
  /^# \{ total: \d+, pass: (?<passed>\d+)(?:, fail: (?<failed>\d+))?(?:.*skip: (?<skipped>\d+))?/

const folder = mkdtempSync(join(tmpdir(), 'nodetrust-test-'))
try {
  // A terminal gets tap's own painting, and the results by a file; a pipe gets a summary of the results.
  const painted = process.stdout.isTTY
  const output = join(folder, 'results.tap')
  const tap = spawn(
    'tap',
    [
      ...(painted ? ['--reporter=base', `--output-file=${output}`] : ['--reporter=tap']),
      ...process.argv.slice(2),
    ],
    { cwd: import.meta.dirname, stdio: ['ignore', painted ? 'inherit' : 'pipe', 'inherit'] },
  )
  const exited = once(tap, 'exit') as Promise<[number | null]>
  const summed = tap.stdout === null ? undefined : readResults(tap.stdout, { print: true })
  const [status] = await exited
  const totals = await (summed ?? readResults(createReadStream(output), { print: false }))

  const { passed = '0', failed = '0', skipped = '0' } = totals
  // A run that ended badly without saying which test did has failed all the same.
  const failures = Number(failed) === 0 && (status !== 0 || passed === '0') ? 1 : Number(failed)
  process.stdout.write(
    `${passed} passed, ${failures} failed${skipped === '0' ? '' : `, ${skipped} skipped`}\n`,
  )
  process.exitCode = failures === 0 ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** Reads the totals, and prints a line for each file and of its assertions only those that failed. */
async function readResults(
  tap: Readable,
  { print }: { readonly print: boolean },
): Promise<Record<string, string>> {
  let totals: Record<string, string> = {}
  let diagnosing = false
  for await (const line of createInterface({ input: tap })) {
    totals = TOTALS.exec(line)?.groups ?? totals
    if (/^\s*(not )?ok /.test(line)) diagnosing = /^\s*not ok /.test(line)
    const isFile = /^(not )?ok /.test(line)
    const isRemark = /^\s*# (?!Subtest|\{|time|No coverage)/.test(line)
    if (print && (diagnosing || isFile || isRemark)) process.stdout.write(`${line}\n`)
  }
  return totals
}
