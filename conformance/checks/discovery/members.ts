// The suite's peers that speak gossipsub with a server. They are few, and the same in each run: gossipsub counts the
// peers of an address, those that left less than an hour ago among them, and passes nothing on to more than ten
// (IPColocationFactorThreshold and retainScore of libp2p's defaults).
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { gossipsub, StrictNoSign, StrictSign, type GossipSub } from '@libp2p/gossipsub'
import { createHash } from 'node:crypto'
import { hostname } from 'node:os'
import { openCaller, type Caller } from '../../players/caller.ts'
import type { CheckContext } from '../../suite/case.ts'
import type { Target } from '../../suite/target.ts'
import { TOPICS } from '../../wire/index.ts'
import { loopbackAddress } from '../exchange.ts'

/** What a peer does, with whether it signs messages and takes signed ones alone. */
const SIGNS = { sender: true, hearer: true, unruly: true, forger: false, credulous: false } as const
export type Part = keyof typeof SIGNS

export interface Member {
  readonly caller: Caller
  readonly pubsub: GossipSub
  /** Data of the messages on a topic that came since it was made. */
  readonly heard: (topic: string) => readonly Uint8Array[]
}

/** A peer that has subscribed to the topics, and is connected with nobody but this server: what it hears, it has from there. */
export function findMember(context: CheckContext, address: string, part: Part): Promise<Member> {
  return context.shared(`gossip ${part} ${address}`, async () => {
    const sourceAddress = loopbackAddress(context)
    const caller = await openCaller({
      key: await generateKeyPairFromSeed('Ed25519', seedOf(context.target, address, part)),
      ...(sourceAddress === undefined ? {} : { sourceAddress }),
      services: {
        pubsub: gossipsub({
          globalSignaturePolicy: SIGNS[part] ? StrictSign : StrictNoSign,
          allowPublishToZeroTopicPeers: true,
        }),
      },
    })
    const pubsub = caller.node.services['pubsub'] as unknown as GossipSub
    const heard = new Map<string, Uint8Array[]>()
    pubsub.addEventListener('message', ({ detail: { topic, data } }) => {
      heard.get(topic)?.push(data)
    })
    for (const topic of Object.values(TOPICS)) {
      heard.set(topic, [])
      pubsub.subscribe(topic)
    }
    const value: Member = { caller, pubsub, heard: (topic) => heard.get(topic) ?? [] }
    return { value, close: () => caller.close() }
  })
}

/** The same in every run of this target: of its secrets where it has some, so that nobody else can be this peer. */
function seedOf({ players, dns01 }: Target, address: string, part: Part): Uint8Array {
  const secret = players?.proofKey ?? dns01?.writerKey ?? hostname()
  return createHash('sha256').update([secret, address, part].join('\n')).digest()
}
