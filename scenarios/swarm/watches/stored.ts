import type { World } from '../../engine/world.ts'
import type { Complaint } from '../eventually.ts'
import { Sufferings, type Watch } from './watch.ts'

/**
 * What a client has is on its disk, with the key (NT-CLIENT-013). Few worlds start a client again on its disk: it is
 * seen before that whether it could go on from there.
 */
export const certificatesAreStored: Watch = {
  name: 'a certificate is on the disk of its client, with its key',
  open(world) {
    const sufferings = new Sufferings()
    return (entry) => {
      sufferings.note(entry)
      const { host, event } = entry
      if (event !== 'certificate:obtained' && event !== 'certificate:renewed') return undefined
      // What could not be written is not there, and the client goes on without it.
      if (sufferings.has(host, 'disk')) return undefined
      return unstored(world, host)
    }
  },
}

async function unstored(world: World, name: string): Promise<Complaint | undefined> {
  const { node, disk } = world.host(name)
  const certificate = node.services.nodetrust?.certificate
  if (certificate === undefined) return undefined
  const { chain, key, serial } = certificate
  for await (const { value } of disk.datastore.query({})) {
    // JSON writes the ends of lines otherwise than PEM.
    const text = Buffer.from(value)
      .toString('utf8')
      .replaceAll(String.raw`\n`, '\n')
    if (text.includes(chain) && text.includes(key)) return undefined
  }
  return { problem: `${name} has certificate ${serial}, and not on its disk`, hosts: [name] }
}
