// Faults that only a simulation can carry out: they are in the network, in a machine, or in what a host does against
// the protocol. Each says how long it lasts as all faults do (`forMs`, `until`), and heals by itself then.

/**
 * What is wrong with the ways between `host` and the hosts in `with` (all others where it is left out). Names are those
 * of the plan, and `ca`, `resolver` and `observer`.
 *
 * - `partition`: nothing gets through; what TCP has sent arrives after healing
 * - `ring`: the host and those in `with` reach only their neighbours, in this order
 * - `latency`: packets take so much time
 * - `bandwidth`: so many bytes go in a second
 * - `stall`: everything waits, datagrams too, and arrives after healing
 * - `reset`: connections break, those that there are now, or each after so many bytes, or in its handshake
 * - `half-close`: those that there are now end in one direction: the host says no more on them, and still hears
 * - `datagrams`: they are lost, doubled, overtaken, changed; rates are from 0 to 1. Those over `lengthMax` bytes are lost
 */
export type NetworkFault = { readonly host: string; readonly with?: readonly string[] } & (
  | { readonly kind: 'partition'; readonly direction?: 'both' | 'out' | 'in' }
  | { readonly kind: 'ring' }
  | { readonly kind: 'latency'; readonly latencyMs: number; readonly jitterMs: number }
  | { readonly kind: 'bandwidth'; readonly bytesPerSecond: number }
  | { readonly kind: 'stall' | 'half-close' }
  | { readonly kind: 'reset'; readonly when: 'now' | 'handshake' }
  | { readonly kind: 'reset'; readonly when: 'after'; readonly bytes: number }
  | {
      readonly kind: 'datagrams'
      readonly lossRate: number
      readonly duplicateRate: number
      readonly reorderRate: number
      readonly corruptRate: number
      readonly lengthMax?: number
    }
)

/**
 * What is wrong between a host and the internet.
 *
 * - `rebind`: the router before the host forgets all connections, and takes another public address where that is `new`;
 *   what it is asked then is new to it, so that there is nothing to heal
 * - `no-route`: routers say that there is no way to the host: dials fail at once, what is open waits
 * - `firewall`: nobody is let in who was not there before, whatever was open; who comes is not answered, or refused
 */
export type RouterFault = { readonly host: string } & (
  | { readonly kind: 'rebind'; readonly address: 'kept' | 'new' }
  | { readonly kind: 'no-route' }
  | { readonly kind: 'firewall'; readonly policy: 'drop' | 'refuse' }
)

/**
 * What is wrong with a machine.
 *
 * - `clock`: its time of day is set, and drifts by so many millionths; set right when healed
 * - `sleep`: it does nothing and hears nothing, as a closed laptop, and goes on when healed
 * - `disk`: nothing can be written, of an issue server's store, or of a client's libp2p datastore; from a full one, what
 *   a client has written can be removed
 */
export type MachineFault = { readonly host: string } & (
  | { readonly kind: 'clock'; readonly offsetMs: number; readonly driftPpm: number }
  | { readonly kind: 'sleep' }
  | { readonly kind: 'disk'; readonly problem: 'full' | 'read-only' }
)

/**
 * A host that does not keep to the protocol.
 *
 * - `lie`: a proof server signs for addresses that it did not see; a DNS server denies what it has been given
 * - `lag`: a DNS server knows what it has been given only so much later
 * - `attack`: an attacker does this once, to all servers that it concerns
 * - `scribble`: an issue server sets challenges that nobody asked for, and removes those of others
 */
export type ByzantineFault = { readonly host: string } & (
  | { readonly kind: 'lie' }
  | { readonly kind: 'lag'; readonly lagMs: number }
  | { readonly kind: 'attack'; readonly act: Attack }
  | { readonly kind: 'scribble' }
)

export const ATTACKS = [
  'replayed-proof',
  'forged-proof',
  'expired-proof',
  'foreign-proof',
  'wrong-peer-id',
  'oversized-frame',
  'dribbled-frame',
  'challenge-of-a-stranger',
] as const

export type Attack = (typeof ATTACKS)[number]
