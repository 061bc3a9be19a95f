import type { Driver, DriverName } from './driver.ts'

export { DRIVER_NAMES } from './driver.ts'
export type { DriverName } from './driver.ts'

/** Readies this process for a driver, before libp2p and its like are loaded: a simulation must be there first. */
export async function prepareProcess(name: DriverName): Promise<void> {
  if (name === 'sim') await import('../sim/register.ts')
}

/**
 * Opens a place for a world.
 *
 * @param seed of a driver that goes by one: what happens in its world depends on nothing else
 */
export async function openDriver(
  name: DriverName,
  { seed }: { readonly seed?: string | undefined } = {},
): Promise<Driver> {
  // A simulation replaces what others load: each is loaded where it is asked for.
  switch (name) {
    case 'memory':
      return (await import('./memory.ts')).memoryDriver()
    case 'tcp':
      return (await import('./tcp.ts')).tcpDriver()
    case 'sim': {
      const { simDriver } = await import('./sim.ts')
      return simDriver(seed === undefined ? {} : { seed })
    }
  }
}
