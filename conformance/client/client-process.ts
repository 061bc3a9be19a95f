import assert from 'node:assert'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { makeFolder } from '../suite/files.ts'
import { environmentOfProcess, processIds } from '../suite/processes.ts'
import { openKeptOutput } from './kept-output.ts'

/** How a process ended: `code 0`, or the signal that killed it. */
export type Exit = { readonly code: number } | { readonly killedBy: string }

/** A client under test that runs, or ran. */
export interface ClientProcess {
  readonly pid: number
  /** Resolves when it has ended, with how. */
  readonly exited: Promise<Exit>
  /** The same, once it is known. */
  readonly exit: Exit | undefined
  /** Asks it to stop, as people do: SIGTERM. */
  terminate(): void
  /** Ends it and all that it started, whatever it does. */
  kill(): Promise<void>
  /** The last lines that it printed. */
  lastWords(): string
}

export interface ClientProcessInit {
  /** A line for a shell. */
  readonly exec: string
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Holds stdout.txt and stderr.txt afterwards, bounded. */
  readonly folder: string
}

/** It does not know the test case that it is asked for. */
export const EXIT_UNSUPPORTED = 127

/** In the environment of a client, and of all that it starts. */
const MARK = 'NT_RUN'
const MARK_BYTES = 16
const LAST_WORDS_LENGTH = 600
const STOP_MS_MAX = 5_000
const LOOK_AGAIN_MS = 20
const POSIX = process.platform !== 'win32'

/** Starts a client in a process group of its own and with a mark of its own, so that nothing of it is left behind. */
export async function startClient(init: ClientProcessInit): Promise<ClientProcess> {
  await makeFolder(init.folder, 0o700)
  const stdout = await openKeptOutput(join(init.folder, 'stdout.txt'))
  const stderr = await openKeptOutput(join(init.folder, 'stderr.txt'))
  const outputs = [stdout, stderr]
  const mark = `${MARK}=${randomBytes(MARK_BYTES).toString('hex')}`
  const child = spawn(init.exec, {
    shell: true,
    detached: POSIX,
    env: { ...init.environment, [MARK]: mark.slice(MARK.length + 1) },
    stdio: ['ignore', stdout.stdio, stderr.stdio],
  })
  // A client may end before anything else is done here.
  const childExit = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  childExit.catch(() => {})
  await stdout.started(child.stdout)
  await stderr.started(child.stderr)
  const { pid } = child
  if (pid === undefined) {
    await Promise.all(outputs.map((output) => output.end()))
    await childExit.catch((cause: unknown) => {
      throw new Error(`"${init.exec}" cannot be started`, { cause })
    })
  }
  assert(pid !== undefined)
  let exit: Exit | undefined
  const signalGroup = (signal: NodeJS.Signals): void => {
    sendSignal(pid, signal)
  }
  if (RUNNING.size === 0) process.on('exit', killAll)
  RUNNING.set(pid, mark)
  let stopping = false
  // From then on its id may be another's.
  let ended = false
  const exited = childExit.then(async ([code, signal]): Promise<Exit> => {
    // A shell that was asked to stop may end before the client that it has started.
    if (stopping) await goneWithin(STOP_MS_MAX, pid)
    // What it has started ends with it.
    signalGroup('SIGKILL')
    killMarked(mark)
    ended = true
    RUNNING.delete(pid)
    if (RUNNING.size === 0) process.off('exit', killAll)
    await Promise.all(outputs.map((output) => output.end()))
    exit = code === null ? { killedBy: signal ?? 'nobody' } : { code }
    return exit
  })
  return {
    pid,
    exited,
    get exit() {
      return exit
    },
    terminate: () => {
      stopping = true
      if (!ended) signalGroup('SIGTERM')
    },
    async kill() {
      stopping = false
      if (!ended) signalGroup('SIGKILL')
      await exited
    },
    lastWords: () =>
      outputs
        .map(({ tail }) => tail)
        .join('')
        .trim()
        .slice(-LAST_WORDS_LENGTH),
  }
}

/** Clients of this process, which end with it at the latest: one listener for all of them. */
const RUNNING = new Map<number, string>()

function killAll(): void {
  for (const [pid, mark] of RUNNING) {
    sendSignal(pid, 'SIGKILL')
    killMarked(mark)
  }
}

/** More often than that nobody starts a process between two looks. */
const LOOKS_MAX = 20

/** Ends what has left the process group: all that a client starts has its mark, unless it takes that away. Linux only. */
function killMarked(mark: string): void {
  const found = new Set<number>()
  for (let looks = 0; looks < LOOKS_MAX; looks++) {
    const fresh = processIds().filter(
      (pid) => !found.has(pid) && environmentOfProcess(pid).includes(mark),
    )
    if (fresh.length === 0) return
    for (const pid of fresh) {
      found.add(pid)
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It has ended by itself.
      }
    }
  }
}

/** To a process and all that it has started. */
function sendSignal(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(POSIX ? -pid : pid, signal)
  } catch {
    // All of it has ended.
    return false
  }
}

/** Waits until a process group is empty. */
async function goneWithin(milliseconds: number, pid: number): Promise<void> {
  const endMs = performance.now() + milliseconds
  while (performance.now() < endMs) {
    if (!sendSignal(pid, 0)) return
    await delay(LOOK_AGAIN_MS)
  }
}

export function exitText(exit: Exit): string {
  return 'code' in exit ? `exit ${exit.code}` : `killed by ${exit.killedBy}`
}
