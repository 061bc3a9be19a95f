// Announcements as conformance/vectors have them.
import { peerIdFromMultihash } from '@libp2p/peer-id'
import { decode as decodeMultihash } from 'multiformats/hashes/digest'
import { test } from 'tap'
import { vectorGroups } from '../../conformance/vectors/files.ts'
import { readAnnouncement } from './announcement.ts'

const peer = (hex: string) => peerIdFromMultihash(decodeMultihash(Buffer.from(hex, 'hex')))

test('NT-DISC-001 … 010 announcement: messages are read as the vectors say', async (t) => {
  for (const vector of vectorGroups('announcement').flatMap(({ tests }) => tests)) {
    const from = peer(vector.fromHex)
    const data = Buffer.from(vector.dataHex, 'hex')
    const read = readAnnouncement(
      vector.signed ? { type: 'signed', data, from } : { type: 'unsigned', data },
      { self: peer(vector.selfHex), allowPrivateAddresses: vector.privateAddresses },
    )
    const name = `announcement ${vector.tcId} ${vector.req} ${vector.comment}`
    const addresses = read?.multiaddrs.map(String) ?? []
    if (vector.result === 'acceptable') t.comment(`${name}: ${addresses.length} addresses`)
    else t.same(addresses.toSorted(), vector.addresses.toSorted(), name)
    if (read !== undefined) t.ok(read.id.equals(from), `${name}, of its sender`)
  }
})
