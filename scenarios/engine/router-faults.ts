import type { Injected } from './faults.ts'
import { injected, simulatedBy } from './network-faults.ts'
import type { RouterFault } from './simulated-faults.ts'
import type { World } from './world.ts'

/** Carries out what is wrong between a host and the internet. */
export function disturbRouter(world: World, fault: RouterFault): Injected {
  const simulated = simulatedBy(world, fault)
  const machine = simulated.machine(fault.host)
  switch (fault.kind) {
    case 'rebind': {
      for (const name of machine.rebind(fault.address)) {
        const addresses = Object.values(world.host(name).place.addresses)
        world.trace.record(name, 'host:moved', { addresses })
      }
      return injected(() => {})
    }
    case 'no-route': {
      const { addresses, nat } = machine.host
      const seen = nat === undefined ? addresses : [...addresses, nat.publicAddress]
      return injected(simulated.network.faults.noRoute(...seen))
    }
    case 'firewall':
      return injected(machine.host.closeFirewall(fault.policy, simulated.clock.nowMs))
  }
}
