import type { Watch } from './watch.ts'

/** A proof is of an address that its peer has, or had until just now (NT-PROOF-004). */
export const proofsAreOfTheirPeer: Watch = {
  name: 'no honest proof names an address that its peer never had',
  open(world) {
    const had = new Map<string, Set<string>>()
    return ({ host, event, detail }) => {
      if (event === 'host:started' || event === 'host:moved') {
        const addresses = had.get(host) ?? new Set()
        had.set(host, addresses)
        for (const address of detail['addresses'] as string[]) addresses.add(address)
      }
      if (event !== 'proof:signed' || detail['lie'] === true) return undefined
      const peer = world.hostOfPeer(String(detail['peer']))
      const stray = (detail['addresses'] as string[]).find(
        (one) => had.get(peer)?.has(one) !== true,
      )
      return stray === undefined
        ? undefined
        : { problem: `${host} has signed ${stray} for ${peer}`, hosts: [host, peer] }
    }
  },
}
