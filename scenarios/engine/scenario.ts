import type { IssueServerInit, NodetrustInit } from '../../impl/index.ts'
import type { BuiltInCaOptions, CaRule, RenewalWindow } from './ca/index.ts'
import type { Family, FirewallPlan, NatPlan } from './drivers/driver.ts'
import type { Machine } from './machine/machine.ts'
import type { DriverName } from './drivers/index.ts'
import type { ByzantineFault, MachineFault, NetworkFault, RouterFault } from './simulated-faults.ts'
import type { World } from './world.ts'

/** What happens in a network, when, and what must then hold. One file of `scenarios/` exports one. */
export interface Scenario {
  /** Its file's name: what `npm run scenario -- NAME` takes. */
  readonly name: string
  /** One line for the list: what the scenario shows. */
  readonly title: string
  /** Requirements that a pass shows. */
  readonly proves: readonly string[]
  /** @param clients what `--clients` says, or `clientsDefault` */
  world(clients: number): WorldPlan
  /** One number for all transports, or one for each. @default 1 */
  readonly clientsDefault?: number | Readonly<Record<DriverName, number>>
  /** The fewest clients that the story needs; 0 for a story without any, which takes no `--clients`. @default 1 */
  readonly clientsMin?: number
  /** The most clients that the story can take. @default the command's own bound */
  readonly clientsMax?: number
  /**
   * Gets what the run needs of the machine beside a CA, before anything is started.
   *
   * @throws {UnavailableError} when it cannot be had
   */
  prepare?(machine: Machine): Promise<void>
  /**
   * The story; it is ended after `deadlineMs`. With `inject` it adds faults to those of the plan, see `Faults.add`.
   */
  run(world: World, inject: (fault: Fault) => Promise<void>): Promise<void>
  /** What must hold at the end, beside the invariants that every world keeps. */
  readonly expectations: readonly Expectation[]
  /** Needs programs beside this one, which know no virtual time: it cannot be simulated. @default false */
  readonly inRealTime?: boolean
  /** Has hosts or faults that only a simulated world has. @default false */
  readonly onlySimulated?: boolean
  /** @default 60 s */
  readonly deadlineMs?: number
}

/** The hosts of a world and what will happen to them: data, so that a run can be replayed and shrunk. */
export interface WorldPlan {
  readonly hosts: readonly HostPlan[]
  readonly faults?: readonly Fault[]
  /** Pebble's knobs, as `PEBBLE_…`. */
  readonly caEnvironment?: Readonly<Record<string, string>>
  /** Lifetime of the certificates that the CA issues. @default the CA's own */
  readonly certificateValiditySeconds?: number
  /** What the CA suggests for renewals, whether it can or not. @default what it says itself, if anything */
  readonly renewalInfo?: RenewalWindow
  /** @default as libp2p has it */
  readonly upkeep?: Upkeep
  /** Options of the built-in CA; other CAs know nothing of them. */
  readonly builtInCa?: Partial<BuiltInCaOptions>
}

/**
 * What libp2p's nodes do although nothing has happened. In months of virtual time it is nearly all that happens; with
 * less of it, messages go the same ways, and what is broken is noticed when somebody next has something to say.
 */
export interface Upkeep {
  /** Between two heartbeats of gossipsub, and between two looks at its scores; libp2p has one second. */
  readonly heartbeatMs: number
  /** Whether yamux asks every 30 seconds whether the other end is there. */
  readonly keepAlive: boolean
  /** How soon the observer goes back to a meeting point that was away; it has half a second otherwise. */
  readonly reconnectMs: number
}

export type HostPlan = ServerPlan | IssueServerPlan | ClientPlan | AttackerPlan

interface PlacedPlan {
  /** Unique in the world. */
  readonly name: string
  /** @default [4] */
  readonly families?: readonly Family[]
  /** Of simulated worlds: what is between the host and the internet. @default none */
  readonly nat?: NatPlan
  /** Of simulated worlds. @default none */
  readonly firewall?: FirewallPlan
}

export interface ServerPlan extends PlacedPlan {
  readonly role: 'proof' | 'dns'
}

export interface IssueServerPlan extends PlacedPlan {
  readonly role: 'issue'
  /** Has a deny list, empty until somebody is put on it. @default false */
  readonly deniesPeers?: boolean
  /** Options of the issue server over the engine's. */
  readonly options?: Partial<IssueServerInit>
}

export interface ClientPlan extends PlacedPlan {
  readonly role: 'client'
  /** Is not started with the world: the story starts it. @default false */
  readonly late?: boolean
  /** Where its secure WebSockets listen, for routers and firewalls to let through. @default any free port */
  readonly securePort?: number
  /** Options of the client over the engine's: `csr: false` makes one of 2018. */
  readonly options?: Partial<NodetrustInit>
}

/** A libp2p node without any service of ours, for a scenario to misbehave with. */
export interface AttackerPlan extends PlacedPlan {
  readonly role: 'attacker'
}

/** What is done to a host, or to the CA, and when. */
export type Fault = (
  | HostFault
  | CaFault
  | NetworkFault
  | RouterFault
  | MachineFault
  | ByzantineFault
) & {
  readonly at: number | FaultMoment
  /** Heals after so many ms. @default never */
  readonly forMs?: number
  /** Heals at this event after it. @default never */
  readonly until?: FaultMoment
}

/** So many ms after the story began (0: before its first step), or at an event. */
export interface FaultMoment {
  readonly event: string
  /** Only of events whose details have these values. */
  readonly detail?: Readonly<Record<string, unknown>>
  /** At the so-manieth of them. @default 1 */
  readonly nth?: number
}

/**
 * - `refuse`: the host is down, connections to it are refused
 * - `hang`: connections to the host are accepted and nothing is ever said
 * - `crash`: the host ends without a word to anybody; a healed one has its disk as it was at that moment, or an empty
 *   one, or one that has lost the last writes; connections to it break, unless its power was cut: then nobody hears
 * - `isolate`: the host is cut off from the network, its connections break, and it goes on with all that it knows
 * - `deny`: the host's deny list names `peer`, another host of the world; the host's plan says that it has one
 * - `move`: the host gets other addresses and goes on; this one does not heal
 */
export type HostFault = { readonly host: string } & (
  | { readonly kind: 'refuse' | 'hang' | 'isolate' | 'move' }
  | ({ readonly kind: 'crash' } & CrashOptions)
  | { readonly kind: 'deny'; readonly peer: string }
)

export interface CrashOptions {
  /**
   * What of its disk a healed host finds. A torn one is that of a power cut: of an issue server's store, the last writes
   * that SQLite had not forced to the disk are gone, and the last one that is left can be half done. A client's libp2p
   * datastore keeps whatever was written to it; proof and DNS servers keep nothing on their disks.
   *
   * @default 'kept'
   */
  readonly disk?: 'kept' | 'lost' | 'torn'
  /** How much of what a torn disk can have lost it has, from 0 to 1. @default 0.5 */
  readonly lostShare?: number
  /** Of a simulated host only: its operating system ends too, and its connections do not even break. @default false */
  readonly powerCut?: boolean
}

/**
 * - `kill`: the CA ends as in a crash; a healed one has lost all that it knew
 * - `pause`: connections to the CA are accepted, and nothing is answered until it is healed
 * - `disturb`: requests to the CA meet with `rules`
 */
export type CaFault =
  | { readonly kind: 'kill' | 'pause'; readonly host: 'ca' }
  | { readonly kind: 'disturb'; readonly host: 'ca'; readonly rules: readonly CaRule[] }

/** `holds` is true, or what is wrong. */
export interface Expectation {
  readonly name: string
  holds(world: World): Promise<true | string> | true | string
}

/** The usual world: so many servers of each role and clients, all on IPv4. */
export function hosts(counts: {
  readonly proof?: number
  readonly issue?: number
  readonly dns?: number
  readonly client?: number
  readonly attacker?: number
}): HostPlan[] {
  return (['proof', 'dns', 'issue', 'client', 'attacker'] as const).flatMap((role) =>
    Array.from({ length: counts[role] ?? 0 }, (_, index) => ({
      name: `${role}${index + 1}`,
      role,
    })),
  )
}
