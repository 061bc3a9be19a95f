// npm test: runs every test and ends with the one line that a machine reads. Arguments go to tap.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folder = mkdtempSync(join(tmpdir(), 'nodetrust-test-'))
const output = join(folder, 'results.tap')
try {
  // Of tap's reporters only "base" and "tap" say why a file could not be loaded.
  const { status, error } = spawnSync(
    'tap',
    ['--reporter=base', `--output-file=${output}`, ...process.argv.slice(2)],
    { cwd: import.meta.dirname, stdio: 'inherit' },
  )
  if (error !== undefined) throw error
  const totals =
    /^# \{ total: \d+, pass: (?<passed>\d+)(?:, fail: (?<failed>\d+))?(?:.*skip: (?<skipped>\d+))?/m
  const {
    passed = '0',
    failed = '0',
    skipped = '0',
  } = totals.exec(readFileSync(output, 'utf8'))?.groups ?? {}
  // A run that ended badly without saying which test did has failed all the same.
  const failures = Number(failed) === 0 && (status !== 0 || passed === '0') ? 1 : Number(failed)
  process.stdout.write(
    `${passed} passed, ${failures} failed${skipped === '0' ? '' : `, ${skipped} skipped`}\n`,
  )
  process.exitCode = failures === 0 ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
