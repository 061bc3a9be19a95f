import type { NatPlan } from '../engine/drivers/driver.ts'
import type { ClientPlan } from '../engine/scenario.ts'
import type { Random, SeededRandom } from '../engine/sim/random.ts'

const KINDS = ['full-cone', 'restricted', 'port-restricted', 'symmetric'] as const
/** Undefined: as the RFCs want it. Half a minute is what the hastiest of home routers have. */
const MAPPINGS_MS = [undefined, undefined, 30_000, 300_000] as const
const HOMES = ['none', 'NAT', 'NAT', 'shared NAT', 'firewall'] as const
const WORLDS_WITH_HOMES = 0.5
const REACHABLE_SHARE = 0.7
const SECURE_PORT_FIRST = 4_440
/** Of a router; another one than the host's own, which the client has to be told of. */
const FORWARDED_PORT_FIRST = 10_440

/**
 * Draws what is between a client and the internet. One that nobody can come to announces nothing: its operator knows,
 * and has said so.
 */
export function drawHome(client: ClientPlan, random: SeededRandom): ClientPlan {
  if (random.fork('homes').float() >= WORLDS_WITH_HOMES) return client
  const own = random.fork(`home ${client.name}`)
  const families = client.families ?? [4]
  const home = own.pick(HOMES)
  const isReachable = own.float() < REACHABLE_SHARE
  const index = Number(client.name.replace(/\D+/, ''))
  const securePort = SECURE_PORT_FIRST + index
  const options = isReachable ? client.options : { ...client.options, announce: false }
  const firewall = isReachable ? { open: [securePort] } : {}
  if (home === 'none') return client
  // IPv6 needs no NAT, and what is not wanted from outside is kept there by a firewall.
  if (home === 'firewall' || !families.includes(4)) {
    return { ...client, options: { ...options }, securePort, firewall }
  }
  const router = home === 'shared NAT' ? { router: 'shared home' } : {}
  const nat: NatPlan = { ...router, ...drawRouter(router.router ? random.fork('home') : own) }
  const guarded = families.includes(6) ? { firewall } : {}
  if (!isReachable) return { ...client, options: { ...options }, securePort, nat, ...guarded }
  // The one port that a client can be told of is for all its addresses.
  const port = families.includes(6) ? securePort : FORWARDED_PORT_FIRST + index
  return {
    ...client,
    ...guarded,
    options: { ...options, ...(port === securePort ? {} : { announcePort: port }) },
    securePort,
    nat: { ...nat, forwards: [{ port, to: securePort }] },
  }
}

function drawRouter(random: Random): Pick<NatPlan, 'kind' | 'mappingMs'> {
  const kind = random.pick(KINDS)
  const mappingMs = random.pick(MAPPINGS_MS)
  return mappingMs === undefined ? { kind } : { kind, mappingMs }
}

/** What is before clients, for people. */
export function homesText(clients: readonly ClientPlan[]): string {
  const texts = clients.flatMap(({ name, nat, firewall }) => {
    if (nat === undefined && firewall === undefined) return []
    const isOpen = (nat?.forwards ?? firewall?.open ?? []).length > 0
    const what = nat === undefined ? 'firewall' : `${nat.kind} NAT`
    return [`${name} ${what}${isOpen ? ' with a port' : ''}`]
  })
  return texts.join(', ') || 'none'
}
