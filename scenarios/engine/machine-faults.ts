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
    case 'clock': {
      machine.clock.jump(fault.offsetMs)
      machine.clock.drift(fault.driftPpm, simulated.clock.nowMs)
      return injected(() => {
        machine.clock.drift(0, simulated.clock.nowMs)
        machine.clock.correct(simulated.clock.nowMs)
      })
    }
    case 'sleep':
      return injected(machine.sleep())
    case 'disk': {
      const end = breakStores(fault.host, fault.problem)
      const { disk, plan } = world.host(fault.host)
      // Our servers keep nothing of libp2p's on their disks; applications do.
      if (plan.role === 'client') disk.datastore.problem = fault.problem
      return injected(() => {
        end()
        // It may have another disk by now, which is a copy.
        disk.datastore.problem = undefined
        world.host(fault.host).disk.datastore.problem = undefined
      })
    }
  }
}
