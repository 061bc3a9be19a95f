import type { World } from '../../engine/world.ts'
import { Sufferings, type Watch } from './watch.ts'

/** As much of an issue server as tells what it has counted. */
interface Counting {
  budgets(): readonly {
    readonly budget: string
    readonly key: string
    readonly count: number
    readonly left: number
  }[]
}

/** What costs a CA's limit is counted, and once. Each request makes at most one order. */
export const budgetsAreCounted: Watch = {
  name: 'what the CA limits is counted once',
  open(world) {
    const sufferings = new Sufferings()
    const requests = new Map<string, number>()
    const issued = new Map<string, Map<string, number>>()
    return (entry) => {
      sufferings.note(entry)
      const { host, event, detail } = entry
      const disk = event === 'fault:crash' ? detail['disk'] : 'kept'
      if (disk === 'lost') requests.delete(host)
      // A torn disk has lost the last ones; what it still counts was asked for.
      if (disk === 'lost' || disk === 'torn') issued.delete(host)
      if (event === 'request:received') requests.set(host, (requests.get(host) ?? 0) + 1)
      if (event !== 'certificate:issued' || detail['fromCache'] === true) return undefined
      const set = [...(detail['names'] as string[])].toSorted().join(' ')
      const sets = issued.get(host) ?? new Map<string, number>()
      issued.set(host, sets.set(set, (sets.get(set) ?? 0) + 1))
      // Numbers that come back with time depend on who says what time it is.
      if (sufferings.has(host, 'clock')) return undefined
      const used = usedOf(world, host)
      if (used === undefined) return undefined
      const asked = requests.get(host) ?? 0
      for (const [key, count] of used.perDomain) {
        if (count <= asked) continue
        const problem = `${host} has counted ${count} certificates of ${key}, and was asked for ${asked}`
        return { problem, hosts: [host] }
      }
      const had = sets.get(set) ?? 0
      const counted = used.perSet.get(set) ?? 0
      if (counted < had) {
        const problem = `${host} has counted ${counted} certificates of the ${had} for ${set}`
        return { problem, hosts: [host] }
      }
      return undefined
    }
  },
}

/** What is used, by what it is counted for; nothing of a server that keeps to no budgets. A budget that is whole is not told. */
function usedOf(world: World, name: string) {
  const host = world.host(name)
  if (!host.running) return undefined
  const issue = host.node.services['issue'] as Counting | undefined
  const states = host.run(() => issue?.budgets() ?? [])
  if (states.length === 0) return undefined
  const of = (wanted: string): Map<string, number> =>
    new Map(
      states
        .filter(({ budget }) => budget === wanted)
        .map(({ key, count, left }) => [key.split(' ').toSorted().join(' '), count - left]),
    )
  return { perDomain: of('certificatesPerDomain'), perSet: of('certificatesPerSet') }
}
