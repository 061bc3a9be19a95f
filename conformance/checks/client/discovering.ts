// NT-DISC: what a client makes of announcements, right and wrong. One client hears all of them, each from a peer of its
// own; when it has found the last one, everything else has been judged as well.
import { setTimeout as delay } from 'node:timers/promises'
import type { Case, CheckContext } from '../../suite/case.ts'
import { OUT_FILES } from '../../client/environment.ts'
import type { Play, PlayInit } from '../../client/play.ts'
import { utter } from '../../players/played-gossip.ts'
import { TOPICS } from '../../wire/index.ts'
import { fail } from '../exchange.ts'
import { clientCase, wait } from './define.ts'
import { outFile } from './outcome.ts'
import { observed } from './served.ts'
import {
  good,
  makeSpeaker,
  said,
  SPEECHES,
  STRANGER,
  type Said,
  type Speaker,
  type Speech,
} from './speeches.ts'

const ADDRESSES_MAX = 16
const SECOND_MS = 1_000
const LONG_CASE_MS = 90_000

interface Found {
  readonly id: string
  readonly addresses: readonly string[]
}

interface Heard {
  readonly peerIds: Readonly<Record<Speech, string>>
  readonly found: readonly Found[]
}

const DISCOVER: Partial<PlayInit> = { testcase: 'discover', neighbours: 2, privateAddresses: false }

/** Says everything, and waits until the client has found the peer that spoke last. */
async function heard(play: Play, context: CheckContext): Promise<Heard> {
  return await observed(context, 'discovered', async () => {
    const both = (): true | undefined => (play.eventsOf('neighbour').length >= 2 ? true : undefined)
    await wait(play, context, both, {
      expected: 'connections to both of NT_DISCOVERY_PEERS, with gossipsub',
    })
    // Whether that is to both topics, is for another check to say.
    const subscribed = (): true | undefined =>
      play.eventsOf('subscription').some((one) => one.subscribed) ? true : undefined
    await wait(play, context, subscribed, { expected: 'a subscription to the topics' })
    await delay(SECOND_MS / 2)
    const [honest, forger] = play.neighbours
    const speakers = new Map<Speech, Speaker>()
    for (const speech of Object.keys(SPEECHES) as Speech[]) {
      const speaker = await makeSpeaker()
      speakers.set(speech, speaker)
      for (const message of SPEECHES[speech](speaker) as readonly Said[]) {
        const bytes = await utter({ topic: TOPICS.deployed, key: speaker.key, ...message })
        // Who passes on what nobody signed is soon not listened to any more.
        const forged = message.signature !== undefined
        // The first one shows that both are heard.
        const neighbour = forged || speech === 'good' ? forger : honest
        neighbour?.send(bytes)
      }
    }
    const last = await makeSpeaker()
    const lastBytes = await utter({
      topic: TOPICS.deployed,
      key: last.key,
      ...said([good(last.peerId)]),
    })
    honest?.send(lastBytes)
    await wait(
      play,
      context,
      async () => ((await foundBy(play)).some(({ id }) => id === last.peerId) ? true : undefined),
      {
        expected: `the announced peer ${last.peerId} in ${OUT_FILES.peers}, after all that was announced before it`,
      },
    )
    await delay(SECOND_MS)
    const peerIds = Object.fromEntries(
      [...speakers].map(([speech, { peerId }]) => [speech, peerId]),
    ) as Record<Speech, string>
    return { peerIds, found: await foundBy(play) }
  })
}

/** All that the client has written of peers so far. */
export async function foundBy(play: Play): Promise<readonly Found[]> {
  const text = (await outFile(play, OUT_FILES.peers)) ?? ''
  // The last line may not be whole yet.
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n')
  return lines.flatMap((line): readonly Found[] => {
    if (line === '') return []
    try {
      const { id, addresses } = JSON.parse(line) as Partial<Found>
      if (typeof id === 'string' && Array.isArray(addresses))
        return [{ id, addresses: addresses.map(String) }]
    } catch {
      // Said below.
    }
    return fail(`a line {"id": "…", "addresses": ["…"]} in ${OUT_FILES.peers}`, line)
  })
}

interface Sight {
  readonly peerId: string
  /** Each time that the client has told of the peer. */
  readonly found: readonly Found[]
  /** All addresses that it told. */
  readonly addresses: readonly string[]
}

function discovering({
  id,
  title,
  speech,
  level,
  look,
}: Pick<Case, 'id' | 'title' | 'level'> & {
  readonly speech: Speech
  readonly look: (sight: Sight) => void
}): Case {
  return clientCase({
    id,
    title,
    ...(level === undefined ? {} : { level }),
    shared: 'discover',
    play: DISCOVER,
    timeoutMs: LONG_CASE_MS,
    async judge(play, context) {
      const { peerIds, found } = await heard(play, context)
      const peerId = peerIds[speech]
      const ofPeer = found.filter((one) => one.id === peerId)
      look({ peerId, found: ofPeer, addresses: ofPeer.flatMap(({ addresses }) => addresses) })
    },
  })
}

function expectFound({ peerId, addresses }: Sight, wanted = good(peerId)): void {
  if (!addresses.some((address) => address === wanted || `${address}/p2p/${peerId}` === wanted)) {
    fail(`the address ${wanted}`, addresses.join(', ') || 'that the peer was not found')
  }
}

function expectIgnored({ peerId, found }: Sight, what: string): void {
  if (found.length > 0) fail(`that ${what} is ignored`, `that ${peerId} was found by it`)
}

export const DISCOVERING_CASES: readonly Case[] = [
  discovering({
    id: 'NT-DISC-002/hears-deployed-topic',
    title: `an announcement on ${TOPICS.deployed} is heard`,
    speech: 'good',
    look: expectFound,
  }),
  discovering({
    id: 'NT-DISC-002/hears-specified-topic',
    title: `an announcement on ${TOPICS.specification} is heard`,
    speech: 'other-topic',
    look: (sight) => expectFound(sight),
  }),
  discovering({
    id: 'NT-CLIENT-011/reads-legacy',
    title:
      '/dnsaddr/<ip4 name>/tcp/<port>/wss/ipfs/<id> is read as /dns4/<ip4 name>/tcp/<port>/tls/ws/p2p/<id>',
    speech: 'legacy',
    look: (sight) => expectFound(sight),
  }),
  discovering({
    id: 'NT-CLIENT-011/reads-legacy-ip6',
    title:
      '/dnsaddr/<ip6 name>/tcp/<port>/wss/ipfs/<id> is read as /dns6/<ip6 name>/tcp/<port>/tls/ws/p2p/<id>',
    speech: 'legacy-ip6',
    look: (sight) =>
      expectFound(sight, `/dns6/ip62606-4700--7.nt.example/tcp/4002/tls/ws/p2p/${sight.peerId}`),
  }),
  discovering({
    id: 'NT-DISC-003/foreign-address',
    title: 'an address that names another peer than the sender is dropped, and the others are kept',
    speech: 'foreign',
    look(sight) {
      expectFound(sight)
      const foreign = sight.addresses.filter((address) => address.includes(STRANGER))
      if (foreign.length > 0) fail('no address of another peer', foreign.join(', '))
    },
  }),
  discovering({
    id: 'NT-DISC-003/foreign-only',
    title: 'an announcement with addresses of another peer only tells nothing of its sender',
    speech: 'foreign-only',
    look: (sight) => expectIgnored(sight, 'an announcement of another peer'),
  }),
  discovering({
    id: 'NT-DISC-004/unsigned-ignored',
    title: 'a message that is not signed is dropped',
    speech: 'unsigned',
    look: (sight) => expectIgnored(sight, 'a message that is not signed'),
  }),
  discovering({
    id: 'NT-DISC-004/wrongly-signed-ignored',
    title: 'a message whose signature is wrong is dropped',
    speech: 'spoilt',
    look: (sight) => expectIgnored(sight, 'a message whose signature is wrong'),
  }),
  discovering({
    id: 'NT-DISC-007/nonsense',
    title: 'bytes that are no announcement are ignored, and the client goes on',
    speech: 'nonsense',
    look: (sight) => expectIgnored(sight, 'what is no announcement'),
  }),
  discovering({
    id: 'NT-DISC-007/empty',
    title: 'an announcement without an address is ignored',
    speech: 'empty',
    look: (sight) => expectIgnored(sight, 'an announcement without an address'),
  }),
  discovering({
    id: 'NT-DISC-001/reads-no-length',
    title: 'an announcement with a length in front is none',
    speech: 'framed',
    look: (sight) => expectIgnored(sight, 'an announcement with a length in front'),
  }),
  discovering({
    id: 'NT-DISC-007/broken-among-good',
    title: 'of an announcement with broken addresses the good ones are kept',
    speech: 'broken-among-good',
    look(sight) {
      expectFound(sight)
      if (sight.addresses.length > sight.found.length)
        fail('the good address alone', sight.addresses.join(', '))
    },
  }),
  discovering({
    id: 'NT-DISC-008/sixteen-addresses',
    title: `at most ${ADDRESSES_MAX} addresses of an announcement count`,
    speech: 'many',
    look({ found }) {
      const most = Math.max(0, ...found.map(({ addresses }) => addresses.length))
      if (most === 0 || most > ADDRESSES_MAX) fail(`1 to ${ADDRESSES_MAX} addresses`, `${most}`)
    },
  }),
  discovering({
    id: 'NT-DISC-008/too-long',
    title: 'an announcement of more than 4 KiB is ignored',
    speech: 'too-long',
    look: (sight) => expectIgnored(sight, 'an announcement of more than 4 KiB'),
  }),
  discovering({
    id: 'NT-DISC-008/private-addresses',
    title: 'private addresses count only where NT_PRIVATE_ADDRESSES is 1',
    speech: 'private',
    look: (sight) => expectIgnored(sight, 'an announcement of private addresses'),
  }),
  discovering({
    id: 'NT-DISC-011/repeated',
    title: 'an announcement that is repeated is passed on at most now and then',
    speech: 'repeated',
    look({ found }) {
      if (found.length !== 1)
        fail('one line for ten announcements within a second', `${found.length} lines`)
    },
  }),
]
