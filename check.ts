// npm run check: types, lint, format, import arrows. Runs all of them and says which failed.
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { checkArrows } from './arrows.ts'

const root = import.meta.dirname
const commands = [
  ['tsc'],
  // Pages that run in a browser know the DOM and no Node.
  ['tsc', '-p', 'scenarios/engine/browser/page'],
  ['tsc', '-p', 'scenarios/engine/sequence/page'],
  ['oxlint', '--type-aware', '--deny-warnings'],
  ['oxfmt', '--check'],
] as const

const failed: string[] = []
for (const [command, ...commandArguments] of commands) {
  const { status, error } = spawnSync(command, commandArguments, { cwd: root, stdio: 'inherit' })
  if (status !== 0) failed.push(error === undefined ? command : `${command} (${error.message})`)
}
const problems = checkArrows(root, globSync('{impl,scenarios,conformance}/**/*.ts', { cwd: root }))
for (const problem of problems) process.stderr.write(`${problem}\n`)
if (problems.length > 0) failed.push('arrows')

process.stdout.write(
  failed.length === 0 ? 'check: all good\n' : `check: failed: ${failed.join(', ')}\n`,
)
process.exitCode = failed.length === 0 ? 0 : 1
