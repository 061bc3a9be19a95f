import type { ClockOptions } from './clock.ts'
import { HostClock } from './host-clock.ts'
import type { VirtualHost } from './host-context.ts'
import { install, type Installed } from './install.ts'

/** Runs a story in a world of its own, which ends with it. The process must have been taken over. */
export async function inWorld<T>(
  story: (world: Installed) => Promise<T>,
  { seed = 'test', ...options }: ClockOptions & { readonly seed?: string } = {},
): Promise<T> {
  const world = install(seed, options)
  try {
    return await world.clock.drive(() => story(world))
  } finally {
    world.uninstall()
  }
}

/** A host that does nothing but be there; a test kills it by setting `alive`. */
export function testHost(name: string, clock = new HostClock()): VirtualHost & { alive: boolean } {
  return { name, alive: true, skewMs: (nowMs) => clock.skewMs(nowMs) }
}
