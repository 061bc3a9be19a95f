import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { removeAbandoned } from '../engine/work-folder.ts'
import type { SeedReply, SeedRequest } from './child.ts'
import { replayLine, scenarioLine, type Reduction } from './plan.ts'
import { unfinished, type SeedClass, type SeedResult, type SeedRunner } from './result.ts'
import { ENGINE_FAULT } from './verdict.ts'

/**
 * Real time that a seed may take before it is stopped and counts as unknown: many times what it takes where nothing else
 * runs, for what a loaded machine does slowly is no failure. Of small worlds, of 100 nodes (up to 85 s of CPU), of 400 days.
 */
const SEED_MS_MAX = { small: 180_000, crowd: 1_200_000, long: 3_600_000 } as const
/** A scenario with more is as large as a crowd. */
const SMALL_CLIENTS_MAX = 60
/** A process that has grown beyond this is replaced by a fresh one. */
const RESIDENT_BYTES_MAX = 1 << 30
const STDERR_LENGTH_MAX = 4_000
/** libp2p makes an error for each read that has to wait: a fifth of a campaign's time went into stacks that nobody reads. */
const NO_STACKS = ['--stack-trace-limit=0']

export interface RunnerOptions {
  /** @default {@link seedMsMax} */
  readonly seedMsMax?: number | undefined
  /** Starts a process for each seed: nothing of the one before can matter, and errors have stacks. @default false */
  readonly fresh?: boolean | undefined
  /** Modules that the processes load before all others, as Node's option `--import`. @default none */
  readonly preload?: readonly string[] | undefined
  /** Of the processes' memory, as Node's option `--max-old-space-size`. @default Node's own */
  readonly heapMegabytesMax?: number | undefined
}

export interface SeedOptions {
  readonly world: string
  readonly signal: AbortSignal
  readonly reduction?: Reduction | undefined
  /** How many clients a scenario has. @default its own number */
  readonly clients?: number | undefined
  readonly traceFile?: string | undefined
}

/** Real time that a seed may take where nobody says, by the size of its world. */
export function seedMsMax({ world, clients = 0 }: Pick<SeedOptions, 'world' | 'clients'>): number {
  if (world === 'long') return SEED_MS_MAX.long
  const isCrowd = world === 'crowd' || clients > SMALL_CLIENTS_MAX
  return isCrowd ? SEED_MS_MAX.crowd : SEED_MS_MAX.small
}

/**
 * Runs seeds in a child process: one that hangs is stopped, one that dies is a result, and what it leaves behind in memory
 * goes with it.
 */
export class ChildRunner implements SeedRunner {
  readonly #options: RunnerOptions
  #child: ChildProcess | undefined
  #ids = 0
  #stderr = ''

  constructor(options: RunnerOptions = {}) {
    this.#options = options
  }

  /** Rejects only with the reason of the signal. One seed at a time. */
  async run(seed: string, options: SeedOptions): Promise<SeedResult> {
    const { world, signal, reduction, clients, traceFile } = options
    signal.throwIfAborted()
    const begun = performance.now()
    const child = await this.#running()
    signal.throwIfAborted()
    const request: SeedRequest = { id: ++this.#ids, seed, world, reduction, clients, traceFile }
    const answered = Promise.withResolvers<SeedReply | 'died' | 'late' | 'aborted'>()
    const onMessage = (reply: SeedReply): void => {
      if (reply.id === request.id) answered.resolve(reply)
    }
    const onExit = (): void => answered.resolve('died')
    const onAbort = (): void => answered.resolve('aborted')
    const limit = this.#options.seedMsMax ?? seedMsMax(options)
    const timer = setTimeout(() => answered.resolve('late'), limit)
    child.on('message', onMessage)
    child.once('exit', onExit)
    signal.addEventListener('abort', onAbort, { once: true })
    if (child.connected) child.send(request)
    else answered.resolve('died')
    try {
      const reply = await answered.promise
      const failed = (kind: SeedClass, invariant: string, problem: string): SeedResult =>
        unfinished({
          seed,
          world,
          class: kind,
          invariant,
          problem,
          realMs: Math.round(performance.now() - begun),
          replay:
            clients === undefined
              ? replayLine(seed, world, reduction)
              : scenarioLine(seed, world, clients),
        })
      if (reply === 'died') {
        await removeAbandoned()
        const how = child.signalCode ?? `exit code ${child.exitCode}`
        return failed('crash', 'the process lives', `it ended with ${how}\n${this.#stderr}`)
      }
      if (reply === 'late') {
        await this.#stop()
        return failed('unknown', 'the seed ends', `it was stopped after ${limit} ms of real time`)
      }
      if (reply === 'aborted') {
        await this.#stop()
        throw signal.reason
      }
      const { residentBytes, error, result } = reply
      // A seed without a result may have left its world on, and the next one would find it.
      const isSpent = error !== undefined || residentBytes > RESIDENT_BYTES_MAX
      if (this.#options.fresh === true || isSpent) await this.#stop()
      return result ?? failed('unknown', ENGINE_FAULT, error)
    } finally {
      clearTimeout(timer)
      child.off('message', onMessage)
      child.off('exit', onExit)
      signal.removeEventListener('abort', onAbort)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop()
  }

  async #running(): Promise<ChildProcess> {
    if (this.#child !== undefined) return this.#child
    const { heapMegabytesMax, fresh = false, preload = [] } = this.#options
    const child = fork(new URL('child.ts', import.meta.url), [], {
      execArgv: [
        ...preload.flatMap((module) => ['--import', module]),
        '--import',
        new URL('../engine/sim/register.ts', import.meta.url).href,
        ...(fresh ? [] : NO_STACKS),
        ...(heapMegabytesMax === undefined ? [] : [`--max-old-space-size=${heapMegabytesMax}`]),
      ],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    this.#child = child
    this.#stderr = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr = `${this.#stderr}${chunk.toString()}`.slice(-STDERR_LENGTH_MAX)
    })
    child.once('exit', () => {
      if (this.#child === child) this.#child = undefined
    })
    // Where it cannot even start, its end is what comes; the seed then tells of it.
    await Promise.race([once(child, 'message'), once(child, 'exit')])
    return child
  }

  async #stop(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
    // A process that is killed leaves its folders.
    await removeAbandoned()
  }
}
