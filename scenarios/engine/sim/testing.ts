import { HostClock } from './host-clock.ts'
import type { VirtualHost } from './host-context.ts'

/** A host that does nothing but be there; a test kills it by setting `alive`. */
export function testHost(name: string, clock = new HostClock()): VirtualHost & { alive: boolean } {
  return { name, alive: true, skewMs: (nowMs) => clock.skewMs(nowMs) }
}
