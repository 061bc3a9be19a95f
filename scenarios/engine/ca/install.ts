// Installs Pebble. Two runs may do so at once: see `apt.ts`, and what Go builds
// appears under its name in one step.
import { constants } from 'node:fs'
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { AcmeCaOptions } from './acme-ca.ts'
import { installPackages } from '../machine/apt.ts'
import { findProgram } from '../machine/machine.ts'
import { INSTALL_TIMEOUT_MS, runProgram } from '../machine/program.ts'
import { pebbleVersion } from './machine.ts'

/** Ignored by git; a second run finds there what the first one built. */
const CACHE_FOLDER = fileURLToPath(new URL('../../../.cache/pebble', import.meta.url))
const GO_MODULE = 'github.com/letsencrypt/pebble/v2/cmd/pebble@latest'
const PEBBLE = process.platform === 'win32' ? 'pebble.exe' : 'pebble'

/** Installs Debian's package and returns the program. */
export async function installByApt(aptGet: string, options: AcmeCaOptions): Promise<string> {
  await installPackages({ aptGet, what: 'Pebble', packages: ['pebble'] }, options)
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
    await runProgram(go, ['install', GO_MODULE], {
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
