// What an issue server tells of itself before anybody asks for a certificate.
import { peerIdFromMultihash } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import * as Digest from 'multiformats/hashes/digest'
import type { Case, CheckContext } from '../../suite/case.ts'
import { IssueInfo, isPeerMultihash } from '../../wire/index.ts'
import { send } from '../by-hand.ts'
import { answer, decoded, fail, hex, newCaller, open } from '../exchange.ts'

export const INFO_CASES: readonly Case[] = [
  infoCase({
    id: 'NT-ISSUE-001/zone',
    title: 'the info has the zone, in lower case and without a dot at its ends',
    shows: 'field 1 is the zone',
    check({ domain }, { target }) {
      if (domain !== target.zone) fail(`the domain "${target.zone}"`, `"${domain}"`)
    },
  }),
  infoCase({
    id: 'NT-ISSUE-001/proof-servers',
    title: 'each proof server of the info has a peer id and binary multiaddrs',
    shows: 'in each field 2, field 1 is a peer id and each field 2 a multiaddr, both in bytes',
    check({ proofs }) {
      for (const { id, addrs, display } of proofs) {
        if (!isPeerMultihash(id)) fail(`the multihash of a peer id for "${display}"`, hex(id))
        for (const bytes of addrs) readAddress(bytes)
      }
    },
  }),
  infoCase({
    id: 'NT-ISSUE-002/addresses-name-their-server',
    title: 'an address of a proof server that ends in /p2p names the id of that server',
    shows:
      'in each field 2, the end of each multiaddr (a5 03, its length and bytes) is field 1, where it has such an end',
    check({ proofs }) {
      for (const { id, addrs } of proofs) {
        const own = peerIdFromMultihash(Digest.decode(id)).toString()
        for (const bytes of addrs) {
          const last = readAddress(bytes).getComponents().at(-1)
          if (last?.name === 'p2p' && last.value !== own) {
            fail(`an address that ends in /p2p/${own}`, readAddress(bytes).toString())
          }
        }
      }
    },
  }),
  infoCase({
    id: 'NT-ISSUE-002/known-proof-servers',
    title: 'the info lists the proof servers that the target names, by their ids',
    shows: 'field 1 of one field 2 is the id of each of your proof servers',
    check({ proofs }, { target }) {
      const listed = proofs.map(({ id }) => peerIdFromMultihash(Digest.decode(id)).toString())
      for (const { addresses } of target.proof) {
        const known = multiaddr(addresses[0] ?? '')
          .getComponents()
          .at(-1)?.value
        if (known !== undefined && !listed.includes(known)) {
          fail(`the proof server ${known} in the list`, listed.join(', ') || 'an empty list')
        }
      }
    },
  }),
  infoCase({
    id: 'NT-ISSUE-003/displays',
    title:
      'there is at least one proof server, and each has a name for people that no other one has',
    shows: 'each field 2 has a field 3, each another text',
    check({ proofs }) {
      const displays = proofs.map(({ display }) => display)
      const right = displays.length > 0 && new Set(displays).size === displays.length
      if (!right || displays.includes('')) {
        fail('at least one proof server, each with another display', JSON.stringify(displays))
      }
    },
  }),
]

function infoCase({
  id,
  title,
  shows,
  check,
}: Pick<Case, 'id' | 'title'> & {
  /** In what `protoc --decode_raw` prints. */
  readonly shows: string
  readonly check: (info: IssueInfo, context: CheckContext) => void
}): Case {
  return {
    id,
    title,
    role: 'issue',
    byHand: (target) =>
      send(target, { protocol: 'info', shows: `in the IssueInfo, behind the length: ${shows}` }),
    async run(context) {
      const stream = await open(context, { caller: await newCaller(context), protocol: 'info' })
      const bytes = await answer(context, stream, 'an IssueInfo')
      stream.closeWrite()
      check(
        decoded(() => IssueInfo.decode(bytes), bytes, 'an IssueInfo'),
        context,
      )
    },
  }
}

function readAddress(bytes: Uint8Array) {
  try {
    return multiaddr(bytes)
  } catch (error) {
    return fail('a binary multiaddr', `${hex(bytes)} (${(error as Error).message})`)
  }
}
