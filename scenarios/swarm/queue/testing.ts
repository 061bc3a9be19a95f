import { fork, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '../../engine/ca/index.ts'
import { findAptGet, installPackages } from '../../engine/machine/apt.ts'
import { findProgram } from '../../engine/machine/machine.ts'
import type { RecordedWork, WorkerNews } from './recorded-worker.ts'

const NAMES = ['redis-server', 'valkey-server']
const HELP = 'install it with `apt-get install redis-server`, or put valkey-server on PATH'
const INSTALL_MS_MAX = 300_000

/** A program for startRedis(), or why tests that want one are skipped. */
export interface RedisServer {
  readonly program: string
  readonly skip: string | false
}

/** The server on PATH, or Debian's, which is installed where we may. */
export async function findRedisServer(environment: NodeJS.ProcessEnv): Promise<RedisServer> {
  const path = environment['PATH'] ?? ''
  const known = await redisServerOn(path, 'there is no redis-server on PATH')
  if (known.skip === false || process.getuid?.() !== 0) return known
  const aptGet = await findAptGet(path)
  if (aptGet === undefined) return known
  const machine = {
    path,
    machineEnvironment: environment,
    signal: AbortSignal.timeout(INSTALL_MS_MAX),
  }
  try {
    await installPackages({ aptGet, what: 'Redis', packages: ['redis-server'] }, machine)
  } catch (error) {
    return { program: '', skip: `redis-server cannot be installed (${String(error)}): ${HELP}` }
  }
  return redisServerOn(path, 'apt-get has no redis-server')
}

async function redisServerOn(path: string, otherwise: string): Promise<RedisServer> {
  for (const name of NAMES) {
    const program = await findProgram(name, `${path}:/usr/bin`)
    if (program !== undefined) return { program, skip: false }
  }
  return { program: '', skip: `${otherwise}: ${HELP}` }
}

/** A Redis that keeps nothing on its disk. */
export interface RunningRedis extends AsyncDisposable {
  readonly url: string
  /** Ends it as a crash does. */
  stop(): Promise<void>
  /** It hangs until it is told to go on. */
  send(signal: 'SIGSTOP' | 'SIGCONT'): void
  /** Ends it as a crash does, and starts it again, empty. */
  restart(): Promise<void>
}

export async function startRedis(program: string): Promise<RunningRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'nodetrust-redis-'))
  const [port] = await freePorts()
  const start = async (): Promise<ChildProcess> => {
    const options = ['--bind', '127.0.0.1', '--port', String(port), '--save', '', '--dir', folder]
    const server = spawn(program, options, { stdio: ['ignore', 'pipe', 'inherit'] })
    for await (const chunk of server.stdout) if (/ready to accept/i.test(String(chunk))) break
    return server
  }
  let server = await start()
  const stop = async (): Promise<void> => {
    const exited = once(server, 'exit')
    const isThere = server.exitCode === null && server.signalCode === null
    if (isThere && server.kill('SIGKILL')) await exited
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    stop,
    send: (signal) => void server.kill(signal),
    async restart() {
      await stop()
      server = await start()
    },
    async [Symbol.asyncDispose]() {
      await stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** A worker in a process of its own. */
export interface WorkerProcess {
  readonly id: number | undefined
  readonly begun: readonly string[]
  readonly finished: readonly string[]
  /** Resolves when it has begun so many seeds. */
  begins(count: number): Promise<void>
  /** Asks it to end, or ends it. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>
  readonly ended: Promise<unknown>
}

export async function startWorker(work: RecordedWork): Promise<WorkerProcess> {
  const child = fork(new URL('recorded-worker.ts', import.meta.url))
  const ended = once(child, 'exit')
  // It is done, as cli.ts then is: BullMQ tries for ever to tell a lost queue what was run last.
  child.once('disconnect', () => child.kill('SIGKILL'))
  const [begun, finished]: [string[], string[]] = [[], []]
  const ready = Promise.withResolvers<void>()
  const waits: { readonly count: number; readonly resolve: () => void }[] = []
  child.on('message', (news: WorkerNews) => {
    if ('ready' in news) ready.resolve()
    else if ('finished' in news) finished.push(news.finished)
    else {
      begun.push(news.begun)
      for (const { count, resolve } of waits) if (begun.length >= count) resolve()
    }
  })
  child.send(work)
  await Promise.race([ready.promise, ended])
  return {
    id: child.pid,
    begun,
    finished,
    ended,
    async begins(count) {
      if (begun.length >= count) return
      const { promise, resolve } = Promise.withResolvers<void>()
      waits.push({ count, resolve })
      await Promise.race([promise, ended])
    },
    async end(signal) {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal)
      await ended
    },
  }
}
