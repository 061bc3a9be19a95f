// npm run bench: what the project does beside the limit of what it stands on, both measured in the same run.
// Arguments choose benchmarks by a part of their file's path. Each benchmark is a program beside what it measures and
// prints one line of JSON for each result: { name, unit, value, limit, atLeast } or { …, atMost }, bounds on value/limit; with neither, it is for comparison.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

interface Measurement {
  readonly name: string
  readonly unit: string
  readonly value: number
  readonly limit: number
  readonly atLeast?: number
  readonly atMost?: number
}

/** What bench.json holds. */
interface Result {
  readonly name: string
  readonly value: number
  readonly limit: number
  readonly ratio: number
  readonly wanted: string
  readonly holds: boolean
}

/** Others do it too: nothing is wanted of them. */
const COMPARISON = 'comparison'

const root = import.meta.dirname
const wantedParts = process.argv.slice(2)
const files = globSync('{impl,scenarios}/**/*.bench.ts', { cwd: root })
  .filter((file) => wantedParts.every((part) => file.includes(part)))
  .toSorted()
if (files.length === 0) {
  process.stderr.write(`bench: no benchmark has "${wantedParts.join('" and "')}" in its path\n`)
  process.exitCode = 2
}

const results: Result[] = []
let broken = false
for (const file of files) {
  process.stderr.write(`${file} …\n`)
  const child = spawn(process.execPath, [file], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit') as Promise<[number | null]>
  for await (const line of createInterface({ input: child.stdout })) {
    const measurement = JSON.parse(line) as Measurement
    const result = judge(measurement)
    results.push(result)
    process.stdout.write(
      `${mark(result)} ${result.name}: ${shown(measurement.value)} ${measurement.unit}, limit ${shown(measurement.limit)}, ratio ${result.ratio.toFixed(2)}, wanted ${result.wanted}\n`,
    )
  }
  const [code] = await exited
  if (code !== 0) {
    process.stderr.write(`bench: ${file} ended with ${code}\n`)
    broken = true
  }
}
if (results.length > 0) writeFileSync('bench.json', `${JSON.stringify(results, null, 2)}\n`)
if (broken || results.some(({ holds }) => !holds)) process.exitCode = 1

function judge({ name, value, limit, atLeast, atMost }: Measurement): Result {
  const ratio = value / limit
  const measured = { name, value, limit, ratio }
  if (atLeast !== undefined) {
    return { ...measured, wanted: `at least ${atLeast}`, holds: ratio >= atLeast }
  }
  if (atMost !== undefined) {
    return { ...measured, wanted: `at most ${atMost}`, holds: ratio <= atMost }
  }
  return { ...measured, wanted: COMPARISON, holds: true }
}

function mark({ wanted, holds }: Result): string {
  if (wanted === COMPARISON) return '·'
  return holds ? '✓' : '✗'
}

function shown(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3)
}
