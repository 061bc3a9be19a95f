// Looks at the machine for `find.ts`: programs on PATH, who we are, and whether a Docker engine answers.
import { constants } from 'node:fs'
import { access, readFile } from 'node:fs/promises'
import { findAptGet } from '../machine/apt.ts'
import { findProgram, findPrograms } from '../machine/machine.ts'
import { printed } from '../machine/program.ts'
import type { AcmeCaOptions } from './acme-ca.ts'
import { findDockerSocket } from './docker-engine.ts'
import type { MachineFacts } from './find.ts'

export async function lookAtMachine(options: AcmeCaOptions): Promise<MachineFacts> {
  const { acmeUrl, pebbleBinary, path = '', only } = options
  const named = { acmeUrl, pebbleBinary, root: process.getuid?.() === 0 }
  const nothing = {
    pebbleOnPath: undefined,
    dockerSocket: undefined,
    aptGet: undefined,
    go: undefined,
  }
  // Nothing is asked of the machine when a person has said what to take.
  const decided = acmeUrl !== undefined || pebbleBinary !== undefined
  if ((decided && only === undefined) || only === 'built-in') return { ...nothing, ...named }
  const pebbleOnPath = await findPebble(path)
  if (pebbleOnPath !== undefined && only === undefined)
    return { ...nothing, ...named, pebbleOnPath }
  const [dockerSocket, aptGet, go] = await Promise.all([
    findDockerSocket(options.machineEnvironment ?? {}),
    findAptGet(path),
    findProgram('go', path),
  ])
  return { ...named, pebbleOnPath, dockerSocket, aptGet, go }
}

/**
 * The version of a Pebble program, `unknown version` where it does not tell.
 *
 * @throws {Error} where the program is not the ACME server: Canonical's service manager has that name too
 */
export async function pebbleVersion(binary: string): Promise<string> {
  await access(binary, constants.X_OK)
  // Pebble before 2.10 does not know -version and prints its usage, which names -dnsserver.
  const said = await printed(binary, ['-version'])
  const isPebble = /^Pebble version:/m.test(said) || /-dnsserver/.test(said)
  if (!isPebble) throw new Error(`"${binary}" is not Pebble, the ACME server of Let's Encrypt`)
  const told = /^Pebble version: v?(\d[^\s]*)/m.exec(said)?.[1]
  return (
    told ??
    (await versionFromBuild(binary)) ??
    (await versionFromPackage(binary)) ??
    'of unknown version'
  )
}

async function findPebble(path: string): Promise<string | undefined> {
  for (const binary of await findPrograms('pebble', path)) {
    const version = await pebbleVersion(binary).catch(() => undefined)
    if (version !== undefined) return binary
  }
  return undefined
}

/** Go writes the version of a module built by `go install` into the program. */
async function versionFromBuild(binary: string): Promise<string | undefined> {
  const bytes = await readFile(binary)
  const marker = 'mod\tgithub.com/letsencrypt/pebble/v2\tv'
  const index = bytes.indexOf(marker)
  if (index === -1) return undefined
  const rest = bytes.toString('latin1', index + marker.length, index + marker.length + 32)
  return /^[\d.]+/.exec(rest)?.[0]
}

async function versionFromPackage(binary: string): Promise<string | undefined> {
  const owner = await printed('dpkg-query', ['--search', binary])
  const name = /^([a-z0-9.+-]+)/.exec(owner)?.[1]
  if (name === undefined || !owner.includes(binary)) return undefined
  const version = await printed('dpkg-query', ['--show', '--showformat', '${Version}', name])
  return /^\d[\d.]*\d/.exec(version)?.[0]
}
