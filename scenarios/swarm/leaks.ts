import { setTimeout as sleep } from 'node:timers/promises'
import type { Simulated } from '../engine/drivers/driver.ts'

/**
 * A connection to a host whose power has failed is given up by the operating system after 15.4 minutes, and deadlines of
 * what has ended may still stand: AbortSignal.timeout has no way to be called off.
 */
export const SETTLE_MS = 20 * 60_000
/** Where stories run, which are no part of the world. */
const ENGINE = 'engine'

/** What is left of a world that has ended and should have left nothing. */
export async function leak(
  simulated: Simulated,
  settleMs = SETTLE_MS,
): Promise<
  | { readonly invariant: string; readonly problem: string; readonly hosts: readonly string[] }
  | undefined
> {
  await sleep(settleMs)
  const { network, clock } = simulated
  const complain = (
    invariant: string,
    problem: string,
    hosts: readonly string[],
  ): { invariant: string; problem: string; hosts: readonly string[] } => ({
    invariant,
    problem,
    hosts,
  })
  for (const host of network.hosts) {
    if (host.sockets === 0) continue
    return complain('no socket is left open', `${host.name} has ${host.sockets} left`, [host.name])
  }
  if (network.held > 0) {
    return complain('no bytes are held', `${network.held} packets are still on their way`, [])
  }
  const left = new Map([...clock.pendingByHost()].filter(([name]) => name !== ENGINE))
  if (left.size > 0) {
    const text = [...left].map(([name, count]) => `${name} has ${count}`).join(', ')
    return complain('no timer is left', `${text} left`, [...left.keys()])
  }
  return undefined
}
