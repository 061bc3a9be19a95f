import type { TraceEntry } from '../../engine/trace.ts'
import type { World } from '../../engine/world.ts'
import type { Complaint } from '../eventually.ts'
import { Sufferings, type Watch } from './watch.ts'

/** PROTOCOL.md: how long a value lives after it was last set (NT-DNS01-008). */
const LIFETIME_MS = 120_000
/** One that ends while it is asked for may be there or not. */
const MARGIN_MS = 2_000

/** What writers have been told stands on a DNS server. */
class Model {
  readonly #ends = new Map<string, number>()

  set(key: string, atMs: number): void {
    this.#ends.set(key, atMs + LIFETIME_MS)
  }

  remove(key: string): void {
    this.#ends.delete(key)
  }

  /** The values of a name that are there for sure. */
  values(name: string, atMs: number): readonly string[] {
    return [...this.#ends]
      .filter(([key, endMs]) => key.startsWith(`${name} `) && endMs - MARGIN_MS > atMs)
      .map(([key]) => key.slice(name.length + 1))
  }
}

/** A removal removes one value: that of nobody else, and that one (NT-DNS01-007, NT-DNS01-015). */
export const removalsRemoveOneValue: Watch = {
  name: 'a DNS server answers the challenges that it was given and no others',
  open(world) {
    const models = new Map<string, Model>()
    const sufferings = new Sufferings()
    return (entry) => {
      sufferings.note(entry)
      const { atMs, host, event, detail } = entry
      if (event === 'fault:crash' || event.startsWith('host:')) models.delete(host)
      if (!isOfDnsServer(entry)) return undefined
      const model = models.get(host) ?? new Model()
      models.set(host, model)
      const key = `${String(detail['name'])} ${String(detail['value'])}`
      if (event === 'challenge:set') {
        model.set(key, atMs)
        const writer = world.hostOfPeer(String(detail['writer']))
        if (world.hostsOf('issue').every(({ name }) => name !== writer)) {
          return { problem: `${host} lets ${writer} set a challenge`, hosts: [host, writer] }
        }
      }
      if (event !== 'challenge:removed') return undefined
      model.remove(key)
      const isSame = (): boolean => models.get(host) === model
      const isWell = (): boolean => sufferings.isWell(host, { atMs: world.trace.elapsedMs })
      if (!isWell()) return undefined
      return compare(world, {
        host,
        name: String(detail['name']),
        value: String(detail['value']),
        model,
        goes: () => isSame() && isWell(),
      })
    }
  },
}

/** Issue servers tell of challenges too, but not of their values. */
function isOfDnsServer({ event, detail }: TraceEntry): boolean {
  return event.startsWith('challenge:') && typeof detail['value'] === 'string'
}

async function compare(
  world: World,
  asked: {
    readonly host: string
    readonly name: string
    readonly value: string
    readonly model: Model
    /** Whether the server has run all the time. */
    readonly goes: () => boolean
  },
): Promise<Complaint | undefined> {
  const { host, name, value, model, goes } = asked
  const before = model.values(name, world.trace.elapsedMs)
  const seen = await world.challengesOn(host, name).catch(() => undefined)
  if (seen === undefined || !goes()) return undefined
  const after = model.values(name, world.trace.elapsedMs)
  const lost = before.find((one) => after.includes(one) && !seen.includes(one))
  if (lost !== undefined) {
    return {
      problem: `${host} has lost ${lost} for ${name} when ${value} was removed`,
      hosts: [host],
    }
  }
  const stays = seen.includes(value) && !after.includes(value)
  return stays
    ? { problem: `${host} still answers ${value} for ${name}, which it has removed`, hosts: [host] }
    : undefined
}
