// NT-CLIENT-011 and NT-DISC: what a client announces, and when.
import { peerIdFromMultihash } from '@libp2p/peer-id'
import * as Digest from 'multiformats/hashes/digest'
import type { Case } from '../../suite/case.ts'
import type { Play } from '../../client/play.ts'
import { utter } from '../../players/played-gossip.ts'
import { addressName, Announce, TOPICS } from '../../wire/index.ts'
import { decoded, fail, hex } from '../exchange.ts'
import { clientCase, CLIENT_ZONE, wait, type ClientCaseInit } from './define.ts'
import { foundBy } from './discovering.ts'
import { good, makeSpeaker, said } from './speeches.ts'
import { addressesIn, announced, provenName, requested } from './served.ts'
import { ANSWER_AFTER_MS, GOOD_PLAY, GOOD_RUN, SERVE } from './serving.ts'

const STRANGER = addressName('198.51.100.66', CLIENT_ZONE)
const SECOND_MS = 1_000
/** After the answer: a busy machine, and gossipsub's own ways. */
const AT_ONCE_MS = 4_000
const INTERVAL_MS = { least: 8_000, most: 12_000 }
const LONG_CASE_MS = 90_000

/** A case that looks at the run with good servers. */
function announcing(init: Pick<ClientCaseInit, 'id' | 'title' | 'level' | 'judge'>): Case {
  return clientCase({ ...init, shared: GOOD_RUN, play: GOOD_PLAY, timeoutMs: LONG_CASE_MS })
}

/** The peer id of the client, which it has shown in its request. */
function peerIdOf(play: Play): string {
  const callerId = play.eventsOf('request')[0]?.callerId ?? new Uint8Array(0)
  return peerIdFromMultihash(Digest.decode(callerId)).toString()
}

export const ANNOUNCING_CASES: readonly Case[] = [
  announcing({
    id: 'NT-CLIENT-011/form',
    title: 'the address is announced as /dns4/<ip4 name>/tcp/<port>/tls/ws/p2p/<id>',
    async judge(play, context) {
      const addresses = addressesIn(await announced(play, context))
      const wanted = `/dns4/${provenName(play)}/tcp/${play.listenPort}/tls/ws/p2p/${peerIdOf(play)}`
      if (addresses.length !== 1 || addresses[0] !== wanted) {
        fail(`the address ${wanted} and no other`, addresses.join(', ') || 'none')
      }
    },
  }),
  clientCase({
    id: 'NT-CLIENT-011/proven-names-only',
    title:
      'a name that the client has not proven is not announced, although the certificate has it',
    play: {
      ...SERVE,
      issue: ({ certify, answer, send, idName, addressNames }) => {
        const names = [...addressNames, STRANGER]
        send({ ...answer(certify({ names: [idName, ...names] })), altnames: names })
      },
    },
    async judge(play, context) {
      const addresses = addressesIn(await announced(play, context))
      if (addresses.some((address) => address.includes(STRANGER))) {
        fail(`no address with ${STRANGER}, which was not proven`, addresses.join(', '))
      }
      if (!addresses.some((address) => address.includes(provenName(play)))) {
        fail(
          `an address with ${provenName(play)}, which was proven`,
          addresses.join(', ') || 'none',
        )
      }
    },
  }),
  clientCase({
    id: 'NT-CLIENT-011/certified-names-only',
    title: 'a name that was proven and is not in altnames is not announced',
    play: {
      ...SERVE,
      proofs: [
        {
          script: async ({ prove, give }) =>
            give(await prove({ addresses: ['127.0.0.1', '127.0.0.9'] })),
        },
      ],
      issue: ({ answer, send, addressNames }) =>
        send({
          ...answer(),
          altnames: addressNames.filter((name) => name.startsWith('ip4127-0-0-1.')),
        }),
    },
    async judge(play, context) {
      const addresses = addressesIn(await announced(play, context))
      const other = addressName('127.0.0.9', CLIENT_ZONE)
      if (addresses.some((address) => address.includes(other))) {
        fail(`no address with ${other}, which altnames does not have`, addresses.join(', '))
      }
    },
  }),
  announcing({
    id: 'NT-DISC-001/no-length',
    title: 'an announcement is the message Announce, without a length in front',
    async judge(play, context) {
      const { data } = (await announced(play, context)).message
      const wanted = 'an Announce with an address, without a length in front'
      const { addr } = decoded(() => Announce.decode(data), data, wanted)
      if (addr.length === 0) fail(wanted, hex(data))
    },
  }),
  announcing({
    id: 'NT-DISC-002/publishes-on',
    title: `announcements are published on ${TOPICS.deployed}`,
    async judge(play, context) {
      const { message } = await announced(play, context)
      if (message.topic === TOPICS.deployed) return
      if (message.topic === TOPICS.specification) {
        return {
          verdict: 'nonstrict',
          reason: `published on ${message.topic} only, where deployed peers do not listen`,
        }
      }
      fail(`an announcement on ${TOPICS.deployed}`, `one on "${message.topic}"`)
    },
  }),
  announcing({
    id: 'NT-DISC-002/subscribes-to-both',
    title: 'both spellings of the topic are subscribed to',
    async judge(play, context) {
      for (const wanted of Object.values(TOPICS)) {
        const subscribed = (): true | undefined =>
          play.eventsOf('subscription').some((one) => one.subscribed && one.topic === wanted)
            ? true
            : undefined
        await wait(play, context, subscribed, { expected: `a subscription to ${wanted}` })
      }
    },
  }),
  announcing({
    id: 'NT-DISC-003/from-the-sender',
    title: 'an announcement is from the peer whose addresses are in it',
    async judge(play, context) {
      const announcement = await announced(play, context)
      const { from } = announcement.message
      const peerId = peerIdOf(play)
      if (from === undefined || peerIdFromMultihash(Digest.decode(from)).toString() !== peerId) {
        fail(`a message from ${peerId}`, from === undefined ? 'one from nobody' : hex(from))
      }
      const foreign = addressesIn(announcement).filter(
        (address) => !address.endsWith(`/p2p/${peerId}`),
      )
      if (foreign.length > 0) fail(`addresses that end in /p2p/${peerId}`, foreign.join(', '))
    },
  }),
  announcing({
    id: 'NT-DISC-004/signed',
    title: 'announcements are signed by their sender',
    async judge(play, context) {
      const { message } = await announced(play, context)
      if (!message.signed)
        fail('a message with a right signature of its sender', hex(message.bytes))
    },
  }),
  announcing({
    id: 'NT-DISC-005/at-once',
    title: 'the first announcement is sent at once when there is a certificate',
    level: 'SHOULD',
    async judge(play, context) {
      const { atMs: requestedMs } = await requested(play, context)
      const { atMs } = await announced(play, context)
      const afterMs = atMs - requestedMs - ANSWER_AFTER_MS
      if (afterMs > AT_ONCE_MS)
        fail(`an announcement within ${AT_ONCE_MS} ms`, `one after ${afterMs} ms`)
    },
  }),
  announcing({
    id: 'NT-DISC-005/every-10-s',
    title: 'announcements are repeated every 10 s',
    level: 'SHOULD',
    async judge(play, context) {
      const first = await announced(play, context)
      const next = (): number | undefined =>
        // One that could not be sent to all is repeated sooner, and has the same content.
        play.eventsOf('message').find(({ atMs }) => atMs - first.atMs > SECOND_MS)?.atMs
      const atMs = await wait(play, context, next, {
        expected: 'another announcement after 10 s',
        withinMs: INTERVAL_MS.most + 3 * SECOND_MS,
      })
      const afterMs = atMs - first.atMs
      if (afterMs < INTERVAL_MS.least || afterMs > INTERVAL_MS.most) {
        fail('another announcement after 10 s', `one after ${afterMs} ms`)
      }
    },
  }),
  announcing({
    id: 'NT-DISC-006/not-before',
    title: 'nothing is announced before there is a certificate',
    async judge(play, context) {
      const { atMs: requestedMs } = await requested(play, context)
      const { atMs } = await announced(play, context)
      if (atMs < requestedMs + ANSWER_AFTER_MS) {
        fail(
          'no announcement before the certificate was given',
          `one ${requestedMs + ANSWER_AFTER_MS - atMs} ms before`,
        )
      }
    },
  }),
  announcing({
    id: 'NT-DISC-010/own-announcement',
    title: 'a client to which its own announcement comes back does not find itself',
    async judge(play, context) {
      const { message } = await announced(play, context)
      const [neighbour] = play.neighbours
      neighbour?.send(message.bytes)
      const last = await makeSpeaker()
      const topic = TOPICS.deployed
      neighbour?.send(await utter({ topic, key: last.key, ...said([good(last.peerId)]) }))
      const lastFound = async (): Promise<true | undefined> =>
        (await foundBy(play)).some(({ id }) => id === last.peerId) ? true : undefined
      await wait(play, context, lastFound, {
        expected: `the peer ${last.peerId}, which was announced after it`,
      })
      const own = peerIdOf(play)
      if ((await foundBy(play)).some(({ id }) => id === own)) {
        fail('other peers alone', `that the client has found itself, ${own}`)
      }
    },
  }),
]
