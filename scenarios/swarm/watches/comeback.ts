import { Sufferings, type Watch } from './watch.ts'

/** Left of a certificate for it to be taken up again. */
const LEFT_MS_MIN = 1_000

/** A client that is started again on its disk goes on with its certificate (NT-CLIENT-013). */
export const certificatesAreKept: Watch = {
  name: 'a client that comes back has its certificate',
  open(world) {
    const sufferings = new Sufferings()
    /** When the certificate that each client has ends, by the world's time of day. */
    const ends = new Map<string, number>()
    const expected = new Set<string>()
    return (entry) => {
      sufferings.note(entry)
      const { host, event, detail } = entry
      const clock = world.driver.simulated?.clock
      const now = clock === undefined ? Date.now() : clock.epochMs + clock.nowMs
      const sound = !sufferings.has(host, 'clock') && !sufferings.has(host, 'disk')
      switch (event) {
        case 'certificate:expired':
          ends.delete(host)
          break
        case 'fault:crash':
          if (sound && detail['disk'] === 'kept' && ends.has(host)) expected.add(host)
          else {
            expected.delete(host)
            ends.delete(host)
          }
          break
        case 'certificate:renewed':
        case 'certificate:obtained': {
          const left = (ends.get(host) ?? 0) - now
          const isNew = detail['fromStore'] !== true
          const wanted = event === 'certificate:obtained' && expected.delete(host)
          ends.set(host, Number(detail['notAfter']))
          if (!wanted || !sound || !isNew || left < LEFT_MS_MIN) break
          const problem = `${host} had a certificate for ${Math.round(left / 1000)} s more on its disk, and asked for another`
          return { problem, hosts: [host] }
        }
      }
      return undefined
    }
  },
}
