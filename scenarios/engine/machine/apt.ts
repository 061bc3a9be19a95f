// Installs Debian's packages. Two runs may do so at once: apt-get has its own locks, which are waited for.
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { findProgram, isDebian, type Machine } from './machine.ts'
import { INSTALL_TIMEOUT_MS, runProgram } from './program.ts'

const LOCKED_RETRY_MS = 1_000

/** apt-get, where the system is Debian or made from it. Only root can install with it. */
export async function findAptGet(path: string): Promise<string | undefined> {
  return (await isDebian()) ? await findProgram('apt-get', path) : undefined
}

/** Installs packages; `what` is what people call them. */
export async function installPackages(
  { aptGet, what, packages }: AptInstallation,
  machine: Machine,
): Promise<void> {
  machine.report?.(`installing ${what}: apt-get install ${packages.join(' ')} (once) …`)
  const deadline = AbortSignal.any([machine.signal, AbortSignal.timeout(INSTALL_TIMEOUT_MS)])
  const install = ['-y', '-q', '--no-install-recommends', 'install', ...packages]
  try {
    await apt(aptGet, install, machine, deadline)
  } catch {
    // A fresh machine has no package lists, an old one has lists of packages that are gone.
    machine.report?.(`installing ${what}: apt-get update …`)
    await apt(aptGet, ['-q', 'update'], machine, deadline)
    await apt(aptGet, install, machine, deadline)
  }
}

export interface AptInstallation {
  readonly aptGet: string
  readonly what: string
  readonly packages: readonly string[]
}

/** apt-get with its answers given; where another apt-get holds a lock, tries again until the deadline. */
export async function apt(
  aptGet: string,
  aptArguments: readonly string[],
  machine: Pick<Machine, 'machineEnvironment'>,
  signal: AbortSignal,
): Promise<void> {
  const environment = {
    ...machine.machineEnvironment,
    PATH: `${machine.machineEnvironment?.['PATH'] ?? ''}:${dirname(aptGet)}:/usr/sbin:/usr/bin:/sbin:/bin`,
    DEBIAN_FRONTEND: 'noninteractive',
    LC_ALL: 'C',
  }
  const waiting = ['-o', 'DPkg::Lock::Timeout=120', '-o', 'Acquire::Retries=2']
  for (;;) {
    try {
      return await runProgram(aptGet, [...waiting, ...aptArguments], { environment, signal })
    } catch (error) {
      const locked =
        error instanceof Error && /could not get lock|unable to (lock|acquire)/i.test(error.message)
      if (!locked) throw error
      await delay(LOCKED_RETRY_MS, undefined, { signal })
    }
  }
}
