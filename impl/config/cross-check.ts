import { formatPath, type Problem } from './problems.ts'
import { ROLES, type Config, type DnsConfig } from './schema.ts'
import { isLocal, LOCAL_DISPLAY } from './values.ts'
import { createZone, type ZoneInit } from '../dns/zone.ts'
import { parseAddress } from '../wire/addresses.ts'

/**
 * What no value shows by itself: sections that need one another. `checked` holds the sections without errors,
 * `written` all that are there.
 */
export function crossCheck(
  checked: Config,
  written: Readonly<Record<string, unknown>>,
): readonly Problem[] {
  const problems: Problem[] = []
  const missing = (role: string): boolean => !Object.hasOwn(written, role)
  if (ROLES.every(missing)) {
    problems.push({ path: [], message: `has no role, wanted at least one of ${ROLES.join(', ')}` })
  }
  if (missing('zone') && !(missing('dns') && missing('issue'))) {
    problems.push({ path: ['zone'], message: 'is missing, wanted the domain that is served' })
  }
  problems.push(
    ...localServers(checked, missing),
    ...proofServers(checked),
    ...sharedPorts(checked),
  )
  problems.push(...sharedIdentities(checked), ...zoneProblems(checked))
  return problems
}

function localServers(
  { dns, issue }: Config,
  missing: (role: string) => boolean,
): readonly Problem[] {
  const lists = [
    { role: 'issue', path: ['dns', 'writers'], entries: dns?.writers },
    { role: 'proof', path: ['issue', 'proofServers'], entries: issue?.proofServers },
    { role: 'dns', path: ['issue', 'dnsServers'], entries: issue?.dnsServers },
  ]
  return lists.flatMap(({ role, path, entries = [] }) =>
    entries.flatMap((entry, index) =>
      isLocal(entry) && missing(role)
        ? [{ path: [...path, index], message: `is local, but this file has no section "${role}"` }]
        : [],
    ),
  )
}

/** The same rules as the issue server's own, told with their place. */
function proofServers({ issue, proof }: Config): readonly Problem[] {
  if (issue === undefined) return []
  const problems: Problem[] = []
  const displays = new Set<string>()
  for (const [index, entry] of issue.proofServers.entries()) {
    const path = ['issue', 'proofServers', index]
    const display = isLocal(entry) ? (proof?.display ?? LOCAL_DISPLAY) : entry.display
    if (displays.has(display)) {
      problems.push({
        path,
        message: `has the display "${display}", wanted another one for each server`,
      })
    }
    displays.add(display)
    if (isLocal(entry)) continue
    for (const [number, address] of entry.addresses.entries()) {
      const named = address.getComponents().find(({ name }) => name === 'p2p')?.value
      if (named === undefined || named === entry.id.toString()) continue
      problems.push({
        path: [...path, 'addresses', number],
        message: `names the peer ${named}, wanted its id ${entry.id.toString()} or none`,
      })
    }
  }
  if ((issue.proofKeys ?? []).length === 0 && !issue.proofServers.some(isLocal)) {
    problems.push({
      path: ['issue', 'proofKeys'],
      message: 'is missing, wanted the public key of each proof server that is not local',
    })
  }
  return problems
}

/** Whether the DNS server can make a zone of it: names, glue and CAA records are its to judge. */
function zoneProblems({ zone, dns }: Config): readonly Problem[] {
  if (zone === undefined || dns === undefined) return []
  try {
    createZone(zoneInit(dns, zone))
    return []
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return [{ path: ['dns'], message: error.message }]
  }
}

/** One port for two listeners of a file works for one of them only. */
function sharedPorts(config: Config): readonly Problem[] {
  const all = listeners(config)
  return all.flatMap((listener, index) => {
    const other = all.slice(0, index).find((earlier) => overlap(earlier, listener))
    if (other === undefined) return []
    const message = `is port ${listener.port} on ${listener.address}, which ${formatPath(other.path)} has`
    return [{ path: listener.path, message }]
  })
}

interface Listener {
  readonly path: readonly PropertyKey[]
  readonly address: string
  readonly port: number
}

function listeners(config: Config): Listener[] {
  const libp2p = ROLES.flatMap((role) =>
    (config[role]?.listen ?? []).map((listen, index) => {
      const [ip, tcp] = listen.getComponents()
      return {
        path: [role, 'listen', index],
        address: parseAddress(ip?.value ?? '')?.address ?? '',
        port: Number(tcp?.value),
      }
    }),
  )
  const queries = (config.dns?.dnsListen ?? []).map(({ address, port = 53 }, index) => ({
    path: ['dns', 'dnsListen', index],
    address,
    port,
  }))
  const http =
    config.http === undefined ? [] : [{ path: ['http', 'port'] as PropertyKey[], ...config.http }]
  return [...libp2p, ...queries, ...http].filter(({ port }) => port !== 0)
}

/** All listeners on IPv6 leave IPv4 alone, so each family is for itself. */
function overlap(a: Listener, b: Listener): boolean {
  const sameFamily = a.address.includes(':') === b.address.includes(':')
  const any = [a, b].some(({ address }) => address === '0.0.0.0' || address === '::')
  return a.port === b.port && sameFamily && (any || a.address === b.address)
}

/** Two nodes with one key are one peer for everybody else, who would reach now this and now that. */
function sharedIdentities(config: Config): readonly Problem[] {
  const owners = new Map<string, string>()
  return ROLES.flatMap((role) => {
    const id = config[role]?.identityFile.publicKey.toString()
    if (id === undefined) return []
    const owner = owners.get(id)
    owners.set(id, owner ?? role)
    return owner === undefined
      ? []
      : [
          {
            path: [role, 'identityFile'],
            message: `holds the same key as that of "${owner}", wanted a key for each role`,
          },
        ]
  })
}

/** What of a `dns` section makes the zone. */
export function zoneInit(section: DnsConfig, zone: string): ZoneInit {
  const { nameServers, hostmaster, caa, ttlSeconds } = section
  return { zone, nameServers, hostmaster, caa, ttl: ttlSeconds }
}
