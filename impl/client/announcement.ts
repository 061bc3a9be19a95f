import type { PeerId, PeerInfo } from '@libp2p/interface'
import { CODE_P2P, multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { MalformedError } from '../wire/errors.ts'
import { Announce } from '../wire/messages.ts'
import { isPublicAddress, modernAddress } from './addresses.ts'

/** What one announcement may hold (NT-DISC-008). */
export const ANNOUNCEMENT_ADDRESSES_MAX = 16
export const ANNOUNCEMENT_BYTES_MAX = 4 * 1024

const CODE_P2P_CIRCUIT = 290

/** The message that announces addresses: protobuf without a length before it (NT-DISC-001). */
export function encodeAnnouncement(addresses: readonly Multiaddr[]): Uint8Array {
  return Announce.encode({
    addr: addresses.slice(0, ANNOUNCEMENT_ADDRESSES_MAX).map(({ bytes }) => bytes),
  })
}

/** A pubsub message as it comes, from anybody. */
export interface PubsubMessage {
  readonly type: 'signed' | 'unsigned'
  readonly data: Uint8Array
  /** Who signed it; absent from an unsigned message. */
  readonly from?: PeerId
}

/**
 * The peer that a message announces, or `undefined` when it announces none. Never throws (NT-DISC-007): addresses
 * that are broken, those of somebody else (NT-DISC-003) and, unless allowed, private ones are left out.
 */
export function readAnnouncement(
  { type, data, from }: PubsubMessage,
  {
    self,
    allowPrivateAddresses,
  }: { readonly self: PeerId; readonly allowPrivateAddresses: boolean },
): PeerInfo | undefined {
  // Pubsub has checked the signature (NT-DISC-004). Our own announcements are no news (NT-DISC-010).
  if (type !== 'signed' || from === undefined || from.equals(self)) return undefined
  if (data.length > ANNOUNCEMENT_BYTES_MAX) return undefined
  let announced: Announce
  try {
    announced = Announce.decode(data)
  } catch (error) {
    if (error instanceof MalformedError) return undefined
    throw error
  }
  const addresses = new Map<string, Multiaddr>()
  for (const bytes of announced.addr.slice(0, ANNOUNCEMENT_ADDRESSES_MAX)) {
    const address = readAddress(bytes, from)
    if (address === undefined) continue
    if (allowPrivateAddresses || isPublicAddress(address)) {
      addresses.set(address.toString(), address)
    }
  }
  if (addresses.size === 0) return undefined
  return { id: from, multiaddrs: [...addresses.values()] }
}

function readAddress(bytes: Uint8Array, from: PeerId): Multiaddr | undefined {
  let address: Multiaddr
  try {
    const read = multiaddr(bytes)
    // The parser takes a text that is cut for a shorter one.
    if (Buffer.compare(multiaddr(read.toString()).bytes, bytes) !== 0) return undefined
    address = modernAddress(read)
  } catch {
    // The multiaddr parser throws errors of many kinds at bytes that are none.
    return undefined
  }
  const components = address.getComponents()
  if (components.length === 0) return undefined
  // The peer id before a /p2p-circuit is the relay's.
  const circuit = components.findLastIndex(({ code }) => code === CODE_P2P_CIRCUIT)
  const named = components.findLast(({ code }, index) => code === CODE_P2P && index > circuit)
  return named === undefined || named.value === from.toString() ? address : undefined
}
