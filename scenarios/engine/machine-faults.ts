import type { Injected } from './faults.ts'
import { injected, simulatedBy } from './network-faults.ts'
import type { MachineFault } from './simulated-faults.ts'
import { breakStores } from './store-faults.ts'
import type { World } from './world.ts'

/** Carries out what is wrong with one machine. */
export function disturbMachine(world: World, fault: MachineFault): Injected {
  const simulated = simulatedBy(world, fault)
  const machine = simulated.machine(fault.host)
  switch (fault.kind) {
    case 'clock':
      return injected(machine.clock.disturb(fault, simulated.clock.nowMs))
    case 'sleep':
      return injected(machine.sleep())
    case 'disk': {
      const { disk, plan } = world.host(fault.host)
      const ends = [breakStores(fault.host, fault.problem)]
      // Our servers keep nothing of libp2p's on their disks; applications do.
      if (plan.role === 'client') ends.push(disk.problems.begin(fault.problem))
      return injected(() => {
        for (const end of ends) end()
      })
    }
  }
}
