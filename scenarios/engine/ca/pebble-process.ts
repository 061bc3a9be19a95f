// Pebble as a child process.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pebbleArguments, pebbleConfiguration, pebbleEnvironment } from './pebble-configuration.ts'
import type { PebbleLaunch, PebbleRuntime } from './pebble-server.ts'

/** SIGKILL ends a process at once; more than this means that it hangs in the kernel. */
const KILL_TIMEOUT_MS = 10_000

export class PebbleProcess implements PebbleRuntime {
  readonly #binary: string
  readonly #launch: PebbleLaunch
  #child: ChildProcess | undefined
  /** A run that ends without stopping its CA must not leave it behind. */
  readonly #killAtExit = () => this.#child?.kill('SIGKILL')

  constructor(binary: string, launch: PebbleLaunch) {
    this.#binary = binary
    this.#launch = launch
    process.on('exit', this.#killAtExit)
  }

  async start(): Promise<void> {
    const { directory, options, output, ended } = this.#launch
    const configurationFile = await this.#writeFiles()
    const child = spawn(this.#binary, pebbleArguments(configurationFile, options.resolver), {
      cwd: directory,
      env: pebbleEnvironment(options.environment),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    // Pebble blocks when nobody reads what it prints.
    child.stdout.on('data', output)
    child.stderr.on('data', output)
    // 'close' comes after the last output, so that a report can show why Pebble ended.
    child.once('close', (code, signal) => {
      if (this.#child === child) this.#child = undefined
      ended({
        how: signal === null ? `exit ${code}` : `signal ${signal}`,
        interrupted: signal === 'SIGINT',
      })
    })
    await once(child, 'spawn')
  }

  async kill(): Promise<void> {
    const child = this.#child
    if (child === undefined || child.pid === undefined) return
    const closed = once(child, 'close', { signal: AbortSignal.timeout(KILL_TIMEOUT_MS) })
    child.kill('SIGKILL') // Pebble has nothing to save, and a paused one gets no other signal.
    await closed
  }

  async pause(): Promise<void> {
    this.#child?.kill('SIGSTOP')
  }

  async resume(): Promise<void> {
    this.#child?.kill('SIGCONT')
  }

  async remove(): Promise<void> {
    process.off('exit', this.#killAtExit)
    await Promise.all(Object.values(this.#files()).map((file) => rm(file, { force: true })))
  }

  async #writeFiles(): Promise<string> {
    const { acmePort, managementPort, https, options } = this.#launch
    const { certificate, privateKey, configurationFile } = this.#files()
    const configuration = pebbleConfiguration(
      { host: '127.0.0.1', acmePort, managementPort },
      { certificate, privateKey },
      options,
    )
    await writeFile(certificate, https.certificate)
    await writeFile(privateKey, https.privateKey, { mode: 0o600 })
    await writeFile(configurationFile, configuration)
    return configurationFile
  }

  #files() {
    const { directory } = this.#launch
    return {
      certificate: join(directory, 'https-certificate.pem'),
      privateKey: join(directory, 'https-key.pem'),
      configurationFile: join(directory, 'pebble.json'),
    }
  }
}
