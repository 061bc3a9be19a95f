import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { ROLES, type Config, type Role } from './schema.ts'
import { isLocal } from './values.ts'

/** Why a role cannot start. */
export interface StartProblem {
  readonly role: Role | 'http'
  /** What is wrong, and what can be done. */
  readonly message: string
}

interface WantedPort {
  readonly role: Role | 'http'
  readonly protocol: 'tcp' | 'udp'
  readonly address: string
  readonly port: number
}

const DNS_PORT = 53

const ADVICE: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is taken: end what listens there (`ss -lntup` shows it) or choose another port',
  EACCES: 'may not be used: run with CAP_NET_BIND_SERVICE, or choose a port above 1023',
  EADDRNOTAVAIL: 'cannot be had: the address is none of this machine (`ip addr` shows them)',
}

/**
 * Everything that can be known before the first node is made: so that either all of it can start, or the operator
 * reads all that stands in the way.
 */
export async function checkStart(
  config: Config,
  roles: readonly Role[],
): Promise<readonly StartProblem[]> {
  const absent = roles
    .filter((role) => config[role] === undefined)
    .map((role) => ({ role, message: `the configuration has no section "${role}"` }))
  const problems = [...absent, ...localProblems(config, roles)]
  return problems.length > 0 ? problems : portProblems(config, roles)
}

/** What is local is found only in the process that runs both. */
function localProblems(config: Config, roles: readonly Role[]): StartProblem[] {
  if (!roles.includes('issue')) return []
  const wanted = [
    { role: 'proof', path: 'issue.proofServers', entries: config.issue?.proofServers ?? [] },
    { role: 'dns', path: 'issue.dnsServers', entries: config.issue?.dnsServers ?? [] },
  ] as const
  return wanted.flatMap(({ role, path, entries }) => {
    const index = entries.findIndex(isLocal)
    return index < 0 || roles.includes(role)
      ? []
      : [
          {
            role: 'issue',
            message:
              `${path}[${index}] is local, but no ${role} server runs in this process: ` +
              'run `nodetrust serve all`, or write down where it is',
          },
        ]
  })
}

/**
 * Tries every port that the roles will listen on, and lets go of them again. Not left to libp2p, which takes a
 * taken port of IPv6 for a machine without IPv6, and goes on without it.
 */
async function portProblems(
  config: Config,
  roles: readonly Role[],
): Promise<readonly StartProblem[]> {
  const { http } = config
  const wanted = [
    ...ROLES.filter((role) => roles.includes(role)).flatMap((role) => ports(config, role)),
    ...(http === undefined ? [] : [{ role: 'http', protocol: 'tcp', ...http } as const]),
  ]
  const problems: StartProblem[] = []
  // One after the other: two ports of the same configuration must not be in each other's way here.
  for (const port of wanted) {
    const problem = await problemOf(port)
    if (problem !== undefined) problems.push(problem)
  }
  return problems
}

function ports(config: Config, role: Role): WantedPort[] {
  const libp2p = (config[role]?.listen ?? []).map((listen): WantedPort => {
    const [ip, tcp] = listen.getComponents()
    return { role, protocol: 'tcp', address: ip?.value ?? '', port: Number(tcp?.value) }
  })
  const queries = role === 'dns' ? (config.dns?.dnsListen ?? []) : []
  return [
    ...libp2p,
    ...queries.flatMap(({ address, port = DNS_PORT }): WantedPort[] => [
      { role, protocol: 'udp', address, port },
      { role, protocol: 'tcp', address, port },
    ]),
  ]
}

async function problemOf(wanted: WantedPort): Promise<StartProblem | undefined> {
  const { role, protocol, address, port } = wanted
  try {
    await (protocol === 'tcp' ? tryTcp(wanted) : tryUdp(wanted))
    return undefined
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error)
    const advice = ADVICE[code] ?? 'cannot be had'
    const [what, ...rest] = advice.split(': ')
    return {
      role,
      message: [`port ${port} on ${address} (${protocol}) ${what} (${code})`, ...rest].join(': '),
    }
  }
}

async function tryTcp({ address, port }: WantedPort): Promise<void> {
  const server = createServer()
  // libp2p and the DNS server leave IPv4 to an own listener too.
  server.listen({ host: address, port, ipv6Only: address.includes(':') })
  await once(server, 'listening')
  server.close()
  await once(server, 'close')
}

async function tryUdp({ address, port }: WantedPort): Promise<void> {
  const family = address.includes(':') ? 'udp6' : 'udp4'
  const socket = createSocket({ type: family, ipv6Only: family === 'udp6' })
  try {
    socket.bind({ address, port })
    await once(socket, 'listening')
  } finally {
    socket.close()
  }
}
