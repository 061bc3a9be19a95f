import { setTimeout as sleep } from 'node:timers/promises'
import { multiaddr } from '@multiformats/multiaddr'
import { tlsAnswer } from '../../engine/invariants.ts'
import type { World } from '../../engine/world.ts'
import type { Complaint } from '../eventually.ts'
import { Sufferings, timeOfDay, type Watch } from './watch.ts'

/** An announcement may be on its way for so long. */
const ANNOUNCED_MS_MAX = 5_000
/** Between the end and what is told of it, a clock can be set back by its drift. */
const EARLY_MS_MAX = 1_000
/** A clock that is set is noticed within a minute. */
const NOTICED_MS_MAX = 65_000
/** From the end of a certificate until it is looked whether it is still served. */
const LOOK_MS = 3_000

/** When a certificate ends, it ends: it is neither announced nor served (NT-CLIENT-012, NT-DISC-006). */
export const expiredIsOver: Watch = {
  name: 'no certificate is announced or served after its end',
  open(world) {
    const sufferings = new Sufferings()
    const ends = new Map<string, number>()
    const heard = new Map<string, string>()
    return (entry) => {
      sufferings.note(entry)
      const { atMs, host, event, detail } = entry
      if (event === 'certificate:obtained' || event === 'certificate:renewed') {
        ends.set(host, Number(detail['notAfter']))
      }
      if (event === 'host:started' || event === 'host:stopped' || event === 'fault:crash')
        ends.delete(host)
      if (event === 'peer:heard') heard.set(host, String(detail['address']))
      if (event === 'announced') {
        const lateMs = timeOfDay(world, host) - (ends.get(host) ?? Number.POSITIVE_INFINITY)
        if (
          lateMs > ANNOUNCED_MS_MAX &&
          sufferings.isWell(host, { atMs, forMs: ANNOUNCED_MS_MAX, but: 'clock' })
        ) {
          const problem = `${host} announces itself ${lateMs} ms after the end of its certificate`
          return { problem, hosts: [host] }
        }
      }
      if (event === 'certificate:expired') {
        ends.delete(host)
        const earlyMs = Number(detail['notAfter']) - timeOfDay(world, host)
        if (earlyMs > EARLY_MS_MAX) {
          const problem = `${host} gives up a certificate ${earlyMs} ms before its end`
          return { problem, hosts: [host] }
        }
        const address = heard.get(host)
        return address === undefined ? undefined : stillServed(world, host, address)
      }
      for (const [name, notAfter] of ends) {
        const lateMs = timeOfDay(world, name) - notAfter
        if (lateMs < NOTICED_MS_MAX) continue
        const wasWell = sufferings.isWell(name, { atMs, forMs: NOTICED_MS_MAX, but: 'clock' })
        if (!world.host(name).running || !wasWell) continue
        const problem = `${name} has a certificate that ended ${lateMs} ms ago`
        return { problem, hosts: [name] }
      }
      return undefined
    }
  },
}

async function stillServed(
  world: World,
  name: string,
  address: string,
): Promise<Complaint | undefined> {
  const since = world.trace.entries.length
  await sleep(LOOK_MS)
  const host = world.host(name)
  const hasChanged = (): boolean =>
    world.trace.entries
      .slice(since)
      .some((entry) => entry.host === name && /^(certificate|host|fault):/.test(entry.event))
  if (hasChanged() || !host.running) return undefined
  const [dns, tcp] = multiaddr(address).getComponents()
  const [at] = Object.values(host.place.addresses)
  if (at === undefined) return undefined
  const { serial, problem = '' } = await tlsAnswer({
    host: world.driver.socketAddress(at),
    port: Number(tcp?.value),
    servername: dns?.value ?? '',
    roots: await world.rootCertificates(),
  })
  // While we looked, it may have got another one, which is what we saw.
  if (hasChanged() || (serial === undefined && !/expired/.test(problem))) return undefined
  return { problem: `${name} serves a certificate that has ended`, hosts: [name] }
}
