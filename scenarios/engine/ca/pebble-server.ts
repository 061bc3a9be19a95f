// Pebble as an AcmeCa, wherever it runs: chooses ports, waits until it answers, watches its end, and does
// one operation after the other. What runs it (a process, a container) is a PebbleRuntime.
import { mkdir, mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { AcmeCa, AcmeCaKind, AcmeCaOptions } from './acme-ca.ts'
import { createHttpsCertificate } from './https-certificate.ts'
import type { HttpsCertificate } from './https-certificate.ts'
import { getText } from './https-text.ts'
import { freePorts } from './ports.ts'
import { RunLog } from './run-log.ts'

/** What a runtime starts: everything that differs from one Pebble to the next. */
export interface PebbleLaunch {
  readonly directory: string
  readonly acmePort: number
  readonly managementPort: number
  readonly https: HttpsCertificate
  readonly options: AcmeCaOptions
  readonly output: (chunk: Uint8Array) => void
  /** To be called at each end of Pebble, asked for or not. */
  readonly ended: (how: PebbleEnd) => void
}

export interface PebbleEnd {
  /** For people: `exit 1`, `signal SIGKILL`. */
  readonly how: string
  /** A terminal's Ctrl-C reaches Pebble too; that needs no report. */
  readonly interrupted: boolean
}

/** Runs one Pebble. Called by one caller, one operation at a time. */
export interface PebbleRuntime {
  start(): Promise<void>
  /** Ends Pebble, also a paused one, and returns when it is gone. */
  kill(): Promise<void>
  pause(): Promise<void>
  resume(): Promise<void>
  /** Called once, after the last kill; also after a start that failed. */
  remove(): Promise<void>
}

/** Pebble makes two RSA keys first: 0.2 s usually, several seconds on a machine with too much to do. */
const START_TIMEOUT_MS = 30_000
const READY_POLL_MS = 20
const REQUEST_TIMEOUT_MS = 5_000
const PORT_ATTEMPTS_MAX = 5
/** Pebble numbers its roots from 0 and answers 404 after the last (PEBBLE_ALTERNATE_ROOTS). */
const ROOTS_MAX = 16
const PORT_TAKEN = /address already in use|only one usage of each socket address/i

export async function openPebbleServer(
  { kind, description }: { readonly kind: AcmeCaKind; readonly description: string },
  options: AcmeCaOptions,
  createRuntime: (launch: PebbleLaunch) => PebbleRuntime,
): Promise<AcmeCa> {
  await mkdir(options.workDirectory, { recursive: true })
  const directory = await mkdtemp(join(options.workDirectory, 'pebble-'))
  const https = await createHttpsCertificate()
  for (let attempt = 1; ; attempt++) {
    const [acmePort, managementPort] = await freePorts()
    const launch = { directory, acmePort, managementPort, https, options }
    const server = new PebbleServer({ kind, description }, launch, createRuntime)
    try {
      await server.open(options.signal)
      return server
    } catch (error) {
      const retry = PORT_TAKEN.test(server.logs()) && attempt < PORT_ATTEMPTS_MAX
      await server.stop()
      if (!retry || options.signal.aborted) throw error
    }
  }
}

class PebbleServer implements AcmeCa {
  readonly kind: AcmeCaKind
  readonly description: string
  readonly directoryUrl: string
  readonly certificateAuthority: string
  readonly controllable = true
  readonly logFile: string
  readonly #managementUrl: string
  readonly #options: AcmeCaOptions
  readonly #runtime: PebbleRuntime
  readonly #log: RunLog
  #operations: Promise<void> = Promise.resolve()
  #running = false
  #stopped = false
  /** True while we end Pebble ourselves. */
  #ending = false
  #waiting: AbortController | undefined

  constructor(
    { kind, description }: { readonly kind: AcmeCaKind; readonly description: string },
    launch: Omit<PebbleLaunch, 'output' | 'ended'>,
    createRuntime: (launch: PebbleLaunch) => PebbleRuntime,
  ) {
    this.kind = kind
    this.description = description
    this.directoryUrl = `https://127.0.0.1:${launch.acmePort}/dir`
    this.#managementUrl = `https://127.0.0.1:${launch.managementPort}`
    this.certificateAuthority = launch.https.certificate
    this.#options = launch.options
    this.logFile = join(launch.directory, 'pebble.log')
    this.#log = new RunLog(this.logFile, launch.options.onLog)
    this.#runtime = createRuntime({
      ...launch,
      output: (chunk) => this.#log.write(chunk),
      ended: (end) => this.#ended(end),
    })
  }

  async open(signal: AbortSignal): Promise<void> {
    await this.#enqueue(() => this.#start(signal))
  }

  async rootCertificates(): Promise<string> {
    const roots: string[] = []
    while (roots.length < ROOTS_MAX) {
      const url = `${this.#managementUrl}/roots/${roots.length}`
      const { status, text } = await this.#get(url, REQUEST_TIMEOUT_MS)
      if (status === 404 && roots.length > 0) break
      if (status !== 200) throw new Error(`"${url}" answers ${status}, wanted a root certificate`)
      roots.push(text.trim())
    }
    return `${roots.join('\n')}\n`
  }

  logs(): string {
    return this.#log.tail()
  }

  async restart(): Promise<void> {
    await this.#enqueue(async () => {
      await this.#kill()
      await this.#start()
    })
  }

  async pause(): Promise<void> {
    await this.#enqueue(async () => {
      this.#wantRunning('pause')
      await this.#runtime.pause()
    })
  }

  async resume(): Promise<void> {
    await this.#enqueue(async () => {
      this.#wantRunning('resume')
      await this.#runtime.resume()
    })
  }

  async kill(): Promise<void> {
    await this.#enqueue(() => this.#kill())
  }

  async start(): Promise<void> {
    await this.#enqueue(async () => {
      if (!this.#running) await this.#start()
    })
  }

  async stop(): Promise<void> {
    if (this.#stopped) return await this.#operations
    this.#stopped = true
    this.#waiting?.abort(new Error('the CA is being stopped'))
    const stopping = this.#operations.then(async () => {
      try {
        await this.#kill()
      } finally {
        await this.#runtime.remove()
        await this.#log.close()
      }
    })
    // Kept as the last operation without its failure: that belongs to who called stop first.
    this.#operations = stopping.catch(() => {})
    await stopping
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #enqueue(operation: () => Promise<void>): Promise<void> {
    if (this.#stopped) throw new Error('the CA is stopped, wanted one that is open')
    const result = this.#operations.then(operation)
    this.#operations = result.catch(() => {})
    await result
  }

  async #kill(): Promise<void> {
    this.#ending = true
    try {
      await this.#runtime.kill()
      this.#running = false
    } finally {
      this.#ending = false
    }
  }

  async #start(signal?: AbortSignal): Promise<void> {
    const waiting = new AbortController()
    this.#waiting = waiting
    if (this.#stopped) waiting.abort(new Error('the CA is being stopped'))
    this.#running = true
    try {
      await this.#runtime.start()
      await this.#ready(
        AbortSignal.any([
          waiting.signal,
          AbortSignal.timeout(START_TIMEOUT_MS),
          ...(signal === undefined ? [] : [signal]),
        ]),
      )
    } catch (error) {
      await this.#kill()
      throw error
    } finally {
      this.#waiting = undefined
    }
  }

  /** Both listeners answer with our certificate: another program on the port would not. */
  async #ready(signal: AbortSignal): Promise<void> {
    for (const url of [this.directoryUrl, `${this.#managementUrl}/roots/0`]) {
      let found = 'no answer'
      for (;;) {
        try {
          const { status } = await this.#get(url, REQUEST_TIMEOUT_MS, signal)
          if (status === 200) break
          found = `status ${status}`
        } catch (error) {
          if (!signal.aborted) found = String(error)
        }
        if (signal.aborted) throw this.#notReady(`"${url}" gives ${found}`, signal.reason)
        await delay(READY_POLL_MS, undefined, { signal }).catch(() => {})
      }
    }
  }

  #notReady(found: string, reason: unknown): Error {
    if (reason instanceof Error && reason.name !== 'TimeoutError') return reason
    return new Error(
      `${found} after ${START_TIMEOUT_MS} ms; Pebble's last lines: ${this.#log.lastLines(5)}`,
      { cause: reason },
    )
  }

  #wantRunning(operation: string): void {
    if (!this.#running)
      throw new Error(`cannot ${operation} a CA that does not run, start it first`)
  }

  #ended({ how, interrupted }: PebbleEnd): void {
    const asked = this.#ending || !this.#running
    this.#running = false
    if (asked) return
    const error = new Error(
      `Pebble ended unexpectedly (${how}); its last lines: ${this.#log.lastLines(5)}`,
    )
    if (this.#waiting !== undefined) {
      this.#waiting.abort(error)
      return
    }
    if (!interrupted) this.#options.report?.(error.message)
    this.#options.onFailure?.(error)
  }

  async #get(url: string, timeoutMs: number, signal?: AbortSignal) {
    return await getText(url, {
      certificateAuthority: this.certificateAuthority,
      timeoutMs,
      ...(signal === undefined ? {} : { signal }),
    })
  }
}
