import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'

export interface DaemonInit {
  /** Shown in errors. */
  readonly name: string
  readonly program: string
  readonly programArguments: readonly string[]
  readonly folder: string
  readonly environment?: Readonly<Record<string, string>>
  /** Whether it does its work yet; asked again and again. */
  readonly ready: () => Promise<boolean>
  readonly signal: AbortSignal
}

/** A program of somebody else that runs beside us, and ends with us. */
export interface Daemon {
  readonly name: string
  /** What it printed last. */
  readonly output: () => string
  [Symbol.asyncDispose](): Promise<void>
}

const READY_MS_MAX = 20_000
const READY_RETRY_MS = 50
const OUTPUT_LENGTH_MAX = 16 * 1024
const TERM_MS = 1_000

/**
 * Starts a program in the foreground and waits until it is ready.
 * @throws {Error} with what it printed, when it ends before or is not ready in time
 */
export async function startDaemon(init: DaemonInit): Promise<Daemon> {
  const child = spawn(init.program, init.programArguments, {
    cwd: init.folder,
    env: {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      ...init.environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: some of these programs have children, which are ended with it.
    detached: true,
  })
  const killAtExit = (): void => signalGroup(child, 'SIGKILL')
  process.on('exit', killAtExit)
  let output = ''
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-OUTPUT_LENGTH_MAX)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  let how: string | undefined
  const closed = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      how ??= error.message
      resolve()
    })
    child.once('close', (code, signal) => {
      how ??= signal ?? `exit ${code}`
      resolve()
    })
  })
  const stop = async (): Promise<void> => {
    if (how === undefined) {
      signalGroup(child, 'SIGTERM')
      await Promise.race([closed, delay(TERM_MS, undefined, { ref: false })])
      signalGroup(child, 'SIGKILL')
    }
    await closed
    process.off('exit', killAtExit)
  }
  const deadline = AbortSignal.any([init.signal, AbortSignal.timeout(READY_MS_MAX)])
  try {
    while (!(await init.ready())) {
      if (how !== undefined) throw new Error(`${init.name} ended (${how}): ${lastLines(output)}`)
      if (deadline.aborted) {
        init.signal.throwIfAborted()
        throw new Error(`${init.name} is not ready after ${READY_MS_MAX} ms: ${lastLines(output)}`)
      }
      await delay(READY_RETRY_MS)
    }
  } catch (error) {
    await stop()
    throw error
  }
  return { name: init.name, output: () => output, [Symbol.asyncDispose]: stop }
}

/** Runs a program to its end. What it printed is returned however it ended. */
export async function runTool(
  program: string,
  programArguments: readonly string[],
  {
    signal,
    folder,
    environment,
  }: {
    readonly signal: AbortSignal
    readonly folder?: string
    readonly environment?: Readonly<Record<string, string>>
  },
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const child = spawn(program, programArguments, {
    ...(folder === undefined ? {} : { cwd: folder }),
    env: {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      LC_ALL: 'C.UTF-8',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
    killSignal: 'SIGKILL',
  })
  const [stdout, stderr] = [child.stdout, child.stderr].map((stream) => {
    const chunks: Buffer[] = []
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    return () => Buffer.concat(chunks).toString()
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout: stdout?.() ?? '', stderr: stderr?.() ?? '' }
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch {
    // All of it has ended.
  }
}

function lastLines(output: string): string {
  return output.trim().split('\n').slice(-5).join(' | ')
}
