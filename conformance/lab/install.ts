import { access, rm, writeFile } from 'node:fs/promises'
import { findAptGet, installPackages } from '../../scenarios/engine/machine/apt.ts'
import {
  findProgram,
  UnavailableError,
  type Machine,
} from '../../scenarios/engine/machine/machine.ts'

/** Each program of the lab with the Debian package that has it. */
const PACKAGES: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  nsd: 'nsd',
  unbound: 'unbound',
  kresd: 'knot-resolver',
  pdns_recursor: 'pdns-recursor',
  pebble: 'pebble',
  'zonemaster-cli': 'zonemaster-cli',
  dnsviz: 'dnsviz',
  kdig: 'knot-dnsutils',
  drill: 'ldnsutils',
  dig: 'bind9-dnsutils',
  delv: 'bind9-dnsutils',
  dnsperf: 'dnsperf',
}

/** Debian asks this program before it starts a service: 101 is no. */
const POLICY = '/usr/sbin/policy-rc.d'

/**
 * Installs what is missing, while there still is a network. Services are not started: none of them should answer on
 * this machine's port 53 because somebody wanted a lab.
 * @throws {UnavailableError} naming what is missing and cannot be installed
 */
export async function installPrograms(machine: Machine): Promise<void> {
  const path = `${machine.path ?? ''}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin`
  const missing: string[] = []
  for (const [program, name] of Object.entries(PACKAGES)) {
    const given = program === 'pebble' && (machine.machineEnvironment?.['PEBBLE_BIN'] ?? '') !== ''
    if (!given && (await findProgram(program, path)) === undefined) missing.push(name)
  }
  const packages = [...new Set(missing)]
  if (packages.length === 0) return
  const aptGet = await findAptGet(path)
  if (aptGet === undefined) {
    throw new UnavailableError(
      `the lab needs the packages ${packages.join(', ')}, and this is no Debian that could install them`,
    )
  }
  const ours = await access(POLICY).then(
    () => false,
    () => true,
  )
  if (ours) await writeFile(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    await installPackages({ aptGet, what: 'the lab', packages }, machine)
  } finally {
    if (ours) await rm(POLICY, { force: true })
  }
}
