import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { RunReport } from '../../engine/report.ts'
import type { SlowResult } from './night-report.ts'

/** What virtual time cannot show: Pebble, sockets of the system, and time that passes by itself. */
export const SLOW_LANE: readonly (readonly [scenario: string, transport: string])[] = [
  ['happy-path', 'tcp'],
  ['failing-proof-server', 'tcp'],
  ['issue-server-killed', 'memory'],
  ['renewal', 'tcp'],
  ['ca-overloaded', 'memory'],
  ['dns-server-returns', 'tcp'],
]

const COMMAND = fileURLToPath(new URL('../../cli.ts', import.meta.url))
const RUN_MS_MAX = 180_000
const OUTPUT_BYTES_MAX = 256 * 1024 * 1024

/** Runs a scenario in a process of its own, as a person would. */
export async function runSlow(
  scenario: string,
  transport: string,
  init: {
    readonly environment: Readonly<Record<string, string | undefined>>
    readonly signal: AbortSignal
  },
): Promise<SlowResult> {
  const begunMs = performance.now()
  const words = [scenario, '--transport', transport]
  const { promise, resolve } = Promise.withResolvers<{ out: string; problem: string | undefined }>()
  execFile(
    process.execPath,
    [COMMAND, ...words, '--json'],
    {
      env: { ...init.environment },
      timeout: RUN_MS_MAX,
      killSignal: 'SIGKILL',
      maxBuffer: OUTPUT_BYTES_MAX,
      signal: init.signal,
    },
    (error, out, said) => {
      const problem = error === null ? undefined : said.trim() || error.message
      resolve({ out, problem })
    },
  )
  const { out, problem } = await promise
  init.signal.throwIfAborted()
  const report = reportIn(out)
  return {
    scenario,
    transport,
    holds: report?.holds === true,
    durationMs: Math.round(performance.now() - begunMs),
    problems:
      report === undefined
        ? [problem ?? 'it printed no report']
        : report.verdicts.flatMap((one) =>
            one.problem === undefined ? [] : [`${one.name}: ${one.problem}`],
          ),
    again: report?.again ?? `npm run scenario -- ${words.join(' ')}`,
  }
}

function reportIn(text: string): RunReport | undefined {
  try {
    return JSON.parse(text) as RunReport
  } catch {
    return undefined
  }
}
