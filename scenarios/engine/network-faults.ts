import type { Simulated } from './drivers/driver.ts'
import type { Injected } from './faults.ts'
import type { NetworkFault } from './simulated-faults.ts'
import type { LinkOptions, Network } from './sim/network/index.ts'
import type { World } from './world.ts'

/** Carries out what is wrong with the ways between hosts. */
export function disturbNetwork(world: World, fault: NetworkFault): Injected {
  const { network } = simulatedBy(world, fault)
  return injected(begin(network, fault))
}

/** @throws {RangeError} where the world is no simulation */
export function simulatedBy({ driver }: World, { kind }: { readonly kind: string }): Simulated {
  if (driver.simulated === undefined) {
    throw new RangeError(`"${kind}" is a fault of simulated worlds: it needs --transport sim`)
  }
  return driver.simulated
}

/** A fault that ends at once when it is told to. */
export function injected(heal: () => void): Injected {
  return { release: async () => heal(), heal: async () => heal() }
}

function begin(network: Network, fault: NetworkFault): () => void {
  const { faults } = network
  const one = [fault.host]
  const others = fault.with
  const bothWays = (raise: (ways: Ways) => () => void): (() => void) => {
    const ends = [raise({ from: one, to: others }), raise({ from: others, to: one })]
    return () => {
      for (const end of ends) end()
    }
  }
  switch (fault.kind) {
    case 'partition': {
      const { direction = 'both' } = fault
      if (direction === 'in') return faults.partition({ from: others, to: one, oneWay: true })
      // Without others it is one host against all: what the host says to itself stays with it.
      if (direction === 'both' && others === undefined) return faults.isolate(fault.host)
      return faults.partition({ from: one, to: others, oneWay: direction === 'out' })
    }
    case 'ring':
      return faults.ring([fault.host, ...(others ?? [])])
    case 'stall':
      return bothWays((ways) => faults.stall(ways))
    case 'reset':
      if (fault.when === 'handshake') return bothWays((ways) => faults.resetHandshakes(ways))
      if (fault.when === 'after') {
        const { bytes } = fault
        return bothWays((ways) => faults.resetAfter(ways, bytes))
      }
      faults.reset({ from: one, to: others })
      return () => {}
    case 'half-close':
      faults.halfClose({ from: one, to: others })
      return () => {}
    case 'latency':
      return change(network, fault, { latencyMs: fault.latencyMs, jitterMs: fault.jitterMs })
    case 'bandwidth':
      return change(network, fault, { bytesPerSecond: fault.bytesPerSecond })
    case 'datagrams': {
      const { lossRate, duplicateRate, reorderRate, corruptRate, lengthMax } = fault
      const rates = { lossRate, duplicateRate, reorderRate, corruptRate }
      const options = lengthMax === undefined ? rates : { ...rates, datagramLengthMax: lengthMax }
      return change(network, fault, options)
    }
  }
}

interface Ways {
  readonly from: readonly string[] | undefined
  readonly to: readonly string[] | undefined
}

/** Changes the links of a host until the returned function is called; two at once do not undo each other. */
function change(network: Network, fault: NetworkFault, options: LinkOptions): () => void {
  const overlays = overlaysOf(network)
  const names = fault.with ?? [...network.hosts].map(({ name }) => name)
  const others = names.filter((name) => name !== fault.host)
  const overlay = { host: fault.host, others: new Set(others), options }
  const apply = (): void => {
    for (const other of others) {
      // A later one wins, and where none is left, all is as it was.
      const over = [...overlays].filter(
        ({ host, others: of }) =>
          (host === fault.host && of.has(other)) || (host === other && of.has(fault.host)),
      )
      const link: LinkOptions = Object.assign(
        {},
        network.usualLink,
        ...over.map((of) => of.options),
      )
      network.link(fault.host, other, link)
    }
  }
  overlays.add(overlay)
  apply()
  return () => {
    overlays.delete(overlay)
    apply()
  }
}

interface Overlay {
  readonly host: string
  readonly others: ReadonlySet<string>
  readonly options: LinkOptions
}

const overlays = new WeakMap<Network, Set<Overlay>>()

function overlaysOf(network: Network): Set<Overlay> {
  const known = overlays.get(network) ?? new Set<Overlay>()
  overlays.set(network, known)
  return known
}
