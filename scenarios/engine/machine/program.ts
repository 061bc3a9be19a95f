import { execFile, spawn } from 'node:child_process'
import { promisify } from 'node:util'

/** Longest installation of anything. */
export const INSTALL_TIMEOUT_MS = 5 * 60_000
const OUTPUT_LENGTH_MAX = 16 * 1024
/** Chromium, just installed and not yet in memory, takes seconds to say its version: 3 on an idle machine, 5 beside tests. */
export const QUESTION_TIMEOUT_MS = 60_000
const question = promisify(execFile)

/** Runs a program to its end; what it printed last is in the error where it fails. */
export async function runProgram(
  program: string,
  programArguments: readonly string[],
  init: {
    readonly environment: Readonly<Record<string, string | undefined>>
    readonly signal: AbortSignal
  },
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let output = ''
    const child = spawn(program, programArguments, {
      env: init.environment,
      stdio: ['ignore', 'pipe', 'pipe'],
      signal: init.signal,
    })
    const keep = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-OUTPUT_LENGTH_MAX)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.once('error', reject)
    child.once('close', (code, signal) => {
      const last = output.trimEnd().split('\n').slice(-3).join(' | ')
      if (code === 0) resolve()
      else {
        const how = signal === null ? `exit ${code}` : `signal ${signal}`
        reject(new Error(`"${[program, ...programArguments].join(' ')}" failed (${how}): ${last}`))
      }
    })
  })
}

/** What a program prints within a minute, however it ends; nothing where it cannot be started. */
export async function printed(
  program: string,
  programArguments: readonly string[],
): Promise<string> {
  const bounds = {
    timeout: QUESTION_TIMEOUT_MS,
    maxBuffer: 1 << 16,
    killSignal: 'SIGKILL',
  } as const
  try {
    const { stdout, stderr } = await question(program, programArguments, bounds)
    return `${stdout}\n${stderr}`
  } catch (error) {
    if (!(error instanceof Error)) return ''
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    return `${stdout}\n${stderr}`
  }
}
