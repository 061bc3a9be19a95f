// Installs Pebble. Two runs may do so at once: apt-get has its own locks, which are waited for, and what Go
// builds appears under its name in one step.
import { spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { AcmeCaOptions } from './acme-ca.ts'
import { findProgram, pebbleVersion } from './machine.ts'

const INSTALL_TIMEOUT_MS = 5 * 60_000
const LOCKED_RETRY_MS = 1_000
const OUTPUT_LENGTH_MAX = 16 * 1024
/** Ignored by git; a second run finds there what the first one built. */
const CACHE_FOLDER = fileURLToPath(new URL('../../../.cache/pebble', import.meta.url))
const GO_MODULE = 'github.com/letsencrypt/pebble/v2/cmd/pebble@latest'
const PEBBLE = process.platform === 'win32' ? 'pebble.exe' : 'pebble'

/** Installs Debian's package and returns the program. */
export async function installByApt(aptGet: string, options: AcmeCaOptions): Promise<string> {
  options.report?.('installing Pebble: apt-get install pebble (once) …')
  const deadline = AbortSignal.any([options.signal, AbortSignal.timeout(INSTALL_TIMEOUT_MS)])
  const install = ['-y', '-q', '--no-install-recommends', 'install', 'pebble']
  try {
    await apt(aptGet, install, options, deadline)
  } catch {
    // A fresh machine has no package lists, an old one has lists of packages that are gone.
    options.report?.('installing Pebble: apt-get update …')
    await apt(aptGet, ['-q', 'update'], options, deadline)
    await apt(aptGet, install, options, deadline)
  }
  const path = options.path ?? ''
  const binary = (await findProgram('pebble', '/usr/bin')) ?? (await findProgram('pebble', path))
  if (binary === undefined)
    throw new Error('apt-get installed pebble, but there is no program of that name')
  return binary
}

/** Builds the newest release into `.cache/pebble`, or takes what an earlier run built there. */
export async function installByGo(go: string, options: AcmeCaOptions): Promise<string> {
  const binary = join(CACHE_FOLDER, PEBBLE)
  const known = await pebbleVersion(binary).catch(() => undefined)
  if (known !== undefined) return binary
  options.report?.(`installing Pebble: go install ${GO_MODULE} (once, about a minute) …`)
  await mkdir(CACHE_FOLDER, { recursive: true })
  const folder = await mkdtemp(join(CACHE_FOLDER, 'build-'))
  try {
    await run(go, ['install', GO_MODULE], {
      environment: { ...options.machineEnvironment, GOBIN: folder },
      signal: AbortSignal.any([options.signal, AbortSignal.timeout(INSTALL_TIMEOUT_MS)]),
    })
    await access(join(folder, PEBBLE), constants.X_OK)
    await rename(join(folder, PEBBLE), binary)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return binary
}

/** apt-get with its answers given; where another apt-get holds a lock, tries again until the deadline. */
export async function apt(
  aptGet: string,
  aptArguments: readonly string[],
  options: Pick<AcmeCaOptions, 'machineEnvironment'>,
  signal: AbortSignal,
): Promise<void> {
  const environment = {
    ...options.machineEnvironment,
    PATH: `${options.machineEnvironment?.['PATH'] ?? ''}:${dirname(aptGet)}:/usr/sbin:/usr/bin:/sbin:/bin`,
    DEBIAN_FRONTEND: 'noninteractive',
    LC_ALL: 'C',
  }
  const waiting = ['-o', 'DPkg::Lock::Timeout=120', '-o', 'Acquire::Retries=2']
  for (;;) {
    try {
      return await run(aptGet, [...waiting, ...aptArguments], { environment, signal })
    } catch (error) {
      const locked =
        error instanceof Error && /could not get lock|unable to (lock|acquire)/i.test(error.message)
      if (!locked) throw error
      await delay(LOCKED_RETRY_MS, undefined, { signal })
    }
  }
}

/** Runs a program to its end; what it printed last is in the error where it fails. */
async function run(
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
