import { HostClock } from './host-clock.ts'
import type { VirtualHost } from './host-context.ts'

/** A host that does nothing but be there; a test kills or pauses it by setting what it says. */
export function testHost(
  name: string,
  clock = new HostClock(),
): VirtualHost & { alive: boolean; paused: boolean } {
  return { name, alive: true, paused: false, skewMs: (nowMs) => clock.skewMs(nowMs) }
}
