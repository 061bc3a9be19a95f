// A network of its own, in which every address is this machine and nothing leads out: the root servers have the
// addresses that resolvers know them by, and port 53 is free everywhere.
import type { DnsTarget } from '../suite/target.ts'
import { runTool } from './daemon.ts'

/** A host of the lab: one address of each family. */
export interface LabHost {
  readonly name: string
  readonly ip4: string
  readonly ip6: string
}

/** A real root server's name and addresses, so that built-in hints fit as well. */
export const ROOT: LabHost = {
  name: 'a.root-servers.net',
  ip4: '198.41.0.4',
  ip6: '2001:503:ba3e::2:30',
}
/** A top-level domain that nobody has, and no software treats as special (RFC 6761 has `test`). */
export const TLD = 'lab'
export const TLD_HOST: LabHost = { name: 'ns.nic.lab', ip4: '194.0.38.1', ip6: '2001:678:4c::1' }
export const ZONE = 'nt.lab'
/** In different networks, as name servers should be. */
export const NAME_SERVERS: readonly [LabHost, LabHost] = [
  { name: `ns1.${ZONE}`, ip4: '45.1.1.53', ip6: '2a0e:97c0::53' },
  { name: `ns2.${ZONE}`, ip4: '93.2.2.53', ip6: '2a03:2880::53' },
]

/** Resolvers listen here, as they do on a machine whose own they are. */
export const RECURSOR_ADDRESSES = {
  unbound: '127.0.0.11',
  knot: '127.0.0.12',
  powerdns: '127.0.0.13',
} as const
export type RecursorName = keyof typeof RECURSOR_ADDRESSES

export const DNS_PORT = 53

export function dnsAddresses({ ip4, ip6 }: LabHost): readonly DnsTarget[] {
  return [ip4, ip6].map((address) => ({ address, port: DNS_PORT }))
}

/** Gives the namespace its addresses. @throws {Error} when this is no namespace that we may change */
export async function setUpNetwork(signal: AbortSignal): Promise<void> {
  const hosts = [ROOT, TLD_HOST, ...NAME_SERVERS]
  await ip(['link', 'set', 'lo', 'up'], signal)
  for (const { ip4, ip6 } of hosts) {
    await ip(['address', 'add', `${ip4}/32`, 'dev', 'lo'], signal)
    // Without waiting for others that might have it.
    await ip(['address', 'add', `${ip6}/128`, 'dev', 'lo', 'nodad'], signal)
  }
  // What has no address is refused at once instead of being looked for.
  await ip(['route', 'add', 'default', 'dev', 'lo'], signal)
}

async function ip(words: readonly string[], signal: AbortSignal): Promise<void> {
  const { code, stderr } = await runTool('ip', words, { signal })
  if (code !== 0) throw new Error(`ip ${words.join(' ')}: ${stderr.trim()}`)
}
