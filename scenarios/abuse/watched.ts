import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** How a process is. */
export interface Health {
  readonly heapBytes: number
  readonly rssBytes: number
  /** What keeps its event loop busy: sockets, timers, requests, by kind. */
  readonly resources: Readonly<Record<string, number>>
}

/** A process that others abuse. */
export interface Watched {
  readonly name: string
  readonly processId: number
  /** What it printed when it was ready. */
  readonly ready: string
  /** Why it is no longer there; `undefined` while it is. */
  readonly death: string | undefined
  /** Aborted when it is no longer there. */
  readonly ended: AbortSignal
  /** Memory means something only after garbage collection, which takes its time. */
  health(options: { readonly collectGarbage: boolean }): Promise<Health>
  tell(message: object): void
  stop(): Promise<void>
}

const STOP_TIMEOUT_MS = 10_000
/** Of what it logs, as much is kept to tell why it ended. */
const LOG_LENGTH_MAX = 20_000

/** Starts a program that prints one JSON document when it is ready. Paths are relative to this folder. */
export async function startWatched(
  name: string,
  program: string,
  programArguments: readonly string[],
): Promise<Watched> {
  const child = fork(fileURLToPath(new URL(program, import.meta.url)), programArguments, {
    execArgv: ['--expose-gc', '--import', new URL('probe.ts', import.meta.url).href],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let log = ''
  let death: string | undefined
  child.stderr?.on('data', (chunk: Buffer) => {
    log = `${log}${chunk.toString()}`.slice(-LOG_LENGTH_MAX)
  })
  const end = new AbortController()
  const ended = once(child, 'exit').then(([code, signal]: (string | number | null)[]) => {
    death = `${name} ended with ${code ?? signal}: ${lastLines(log)}`
    end.abort(new Error(death))
  })
  const ready = await Promise.race([document(child), ended.then(() => undefined)])
  if (ready === undefined) throw new Error(death)
  return {
    name,
    processId: child.pid ?? 0,
    ready,
    ended: end.signal,
    tell: (message) => void child.send(message),
    get death() {
      return death
    },
    async health({ collectGarbage }) {
      if (death !== undefined) throw new Error(death)
      const answer = once(child, 'message') as Promise<[Health]>
      child.send(collectGarbage ? 'health without garbage?' : 'health?')
      const health = await Promise.race([answer, ended])
      if (health === undefined) throw new Error(death)
      return health[0]
    },
    async stop() {
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
      child.kill('SIGTERM')
      await ended
      clearTimeout(timer)
    },
  }
}

async function document(child: ChildProcess): Promise<string> {
  let text = ''
  for await (const chunk of child.stdout ?? []) {
    text += String(chunk)
    try {
      JSON.parse(text)
      child.stdout?.resume()
      return text
    } catch {
      // Not all of it has come.
    }
  }
  return new Promise(() => {})
}

function lastLines(log: string): string {
  return log.trim().split('\n').slice(-12).join('\n')
}
