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
    check({ domain }, { target }) {
      if (domain !== target.zone) fail(`the domain "${target.zone}"`, `"${domain}"`)
    },
  }),
  infoCase({
    id: 'NT-ISSUE-001/proof-servers',
    title: 'each proof server of the info has a peer id and binary multiaddrs',
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
  check,
}: Pick<Case, 'id' | 'title'> & {
  readonly check: (info: IssueInfo, context: CheckContext) => void
}): Case {
  return {
    id,
    title,
    role: 'issue',
    byHand: (target) => send(target, { protocol: 'info', shows: 'one frame with an IssueInfo' }),
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
