import assert from 'node:assert'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { makeFolder } from '../suite/files.ts'

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
  lastWords(): Promise<string>
}

export interface ClientProcessInit {
  /** A line for a shell. */
  readonly exec: string
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Holds stdout.txt and stderr.txt afterwards. */
  readonly folder: string
}

/** It does not know the test case that it is asked for. */
export const EXIT_UNSUPPORTED = 127

const LAST_WORDS_LENGTH = 600
const STOP_MS_MAX = 5_000
const LOOK_AGAIN_MS = 20
const POSIX = process.platform !== 'win32'

/** Starts a client in a process group of its own, so that nothing of it is left behind. */
export async function startClient(init: ClientProcessInit): Promise<ClientProcess> {
  await makeFolder(init.folder, 0o700)
  const files = [join(init.folder, 'stdout.txt'), join(init.folder, 'stderr.txt')] as const
  const handles = await Promise.all(files.map((file) => open(file, 'a', 0o600)))
  const [stdout, stderr] = handles
  const child = spawn(init.exec, {
    shell: true,
    detached: POSIX,
    env: init.environment,
    stdio: ['ignore', stdout?.fd ?? 'ignore', stderr?.fd ?? 'ignore'],
  })
  // A client may end before anything else is done here.
  const childExit = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  childExit.catch(() => {})
  await Promise.all(handles.map((handle) => handle.close()))
  const { pid } = child
  if (pid === undefined) {
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
  RUNNING.add(pid)
  let stopping = false
  const exited = childExit.then(async ([code, signal]): Promise<Exit> => {
    // A shell that was asked to stop may end before the client that it has started.
    if (stopping) await goneWithin(STOP_MS_MAX, pid)
    // What it has started ends with it.
    signalGroup('SIGKILL')
    RUNNING.delete(pid)
    if (RUNNING.size === 0) process.off('exit', killAll)
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
      if (exit === undefined) signalGroup('SIGTERM')
    },
    async kill() {
      stopping = false
      if (exit === undefined) signalGroup('SIGKILL')
      await exited
    },
    async lastWords() {
      const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')))
      return texts.join('').trim().slice(-LAST_WORDS_LENGTH)
    },
  }
}

/** Clients of this process, which end with it at the latest: one listener for all of them. */
const RUNNING = new Set<number>()

function killAll(): void {
  for (const pid of RUNNING) sendSignal(pid, 'SIGKILL')
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
