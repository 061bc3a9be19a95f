import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'

/** Most addresses read of one announcement (NT-DISC-008). */
const ADDRESSES_MAX = 16

/** Field 1 with a length before it: `repeated bytes addr = 1`. */
const TAG_ADDRESS = 0x0a

/**
 * The addresses of an `Announce` message (NT-DISC-001). Written from PROTOCOL.md and nothing else: the page is somebody
 * else's application, and shares no code with the node that it listens to.
 *
 * @throws {RangeError} when the bytes are no such message
 */
export function readAnnouncement(bytes: Uint8Array): Multiaddr[] {
  const addresses: Multiaddr[] = []
  let position = 0
  while (position < bytes.length && addresses.length < ADDRESSES_MAX) {
    if (bytes[position] !== TAG_ADDRESS) {
      throw new RangeError(
        `field tag ${bytes[position]} at byte ${position}, wanted ${TAG_ADDRESS}`,
      )
    }
    const { value: length, end: start } = readVarint(bytes, position + 1)
    if (start + length > bytes.length) {
      throw new RangeError(`an address of ${length} bytes at byte ${start} of ${bytes.length}`)
    }
    addresses.push(multiaddr(bytes.subarray(start, start + length)))
    position = start + length
  }
  return addresses
}

function readVarint(bytes: Uint8Array, start: number): { value: number; end: number } {
  let value = 0
  // No length here is longer than the message, so four bytes are plenty.
  for (let index = 0; index < 4; index += 1) {
    const byte = bytes[start + index]
    if (byte === undefined) break
    value |= (byte & 0x7f) << (7 * index)
    if (byte < 0x80) return { value, end: start + index + 1 }
  }
  throw new RangeError(`no length at byte ${start}`)
}
