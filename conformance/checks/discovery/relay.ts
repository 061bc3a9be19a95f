// Announcements pass through issue and DNS servers, as far as they are announcements.
import { multiaddr } from '@multiformats/multiaddr'
import { setTimeout as delay } from 'node:timers/promises'
import type { Case, CheckContext, Finding } from '../../suite/case.ts'
import { Announce, TOPICS } from '../../wire/index.ts'
import { notByHand } from '../by-hand.ts'
import { addressOf, fail } from '../exchange.ts'
import { findMember, type Member, type Part } from './members.ts'

/** Gossipsub's heart beats every second; what is gossip only takes two of them. */
const PASSED_ON_MS_MAX = 8_000
const AFTER_MS = 1_500
const ASK_AGAIN_MS = 100
const PUBLISH_AGAIN_MS = 500
/** NT-DISC-008. */
const ANNOUNCEMENT_BYTES_MAX = 4 * 1024

const SERVERS = [
  ['issue', 'the issue server'],
  ['dns01', 'the DNS server'],
] as const
type Server = (typeof SERVERS)[number][0]

export const RELAY_CASES: readonly Case[] = SERVERS.flatMap(([server, name]): readonly Case[] => [
  ...([TOPICS.deployed, TOPICS.specification] as const).map((topic) =>
    relayCase({
      id: `NT-DISC-009/${server}-${topic === TOPICS.deployed ? 'deployed' : 'specified'}-topic`,
      title: `${name} passes on announcements on ${topic}`,
      server,
      async run(context, address) {
        const { sender, hearer } = await join(context, address, topic, ['sender', 'hearer'])
        await expectPassedOn(context, { sender, hearer, topic })
      },
    }),
  ),
  relayCase({
    id: `NT-DISC-007/${server}-noise`,
    title: `${name} survives what is no announcement, and passes on the next one`,
    server,
    async run(context, address) {
      const topic = TOPICS.deployed
      const parts = ['unruly', 'sender', 'hearer'] as const
      const { unruly, sender, hearer } = await join(context, address, topic, parts)
      for (const bytes of [[], [0xff], [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f], [0x0a, 1, 0xff]]) {
        await unruly.pubsub.publish(topic, Uint8Array.from(bytes))
      }
      await expectPassedOn(context, { sender, hearer, topic })
    },
  }),
  relayCase({
    id: `NT-DISC-008/${server}-too-long`,
    title: `${name} does not pass on a message of more than 4 KiB`,
    server,
    level: 'SHOULD',
    async run(context, address) {
      const topic = TOPICS.deployed
      const parts = ['unruly', 'sender', 'hearer'] as const
      const { unruly, sender, hearer } = await join(context, address, topic, parts)
      await expectPassedOn(context, { sender, hearer, topic })
      await unruly.pubsub.publish(topic, new Uint8Array(ANNOUNCEMENT_BYTES_MAX + 1))
      await expectPassedOn(context, { sender, hearer, topic })
      await delay(AFTER_MS, undefined, { signal: context.signal })
      if (hearer.heard(topic).some(({ length }) => length > ANNOUNCEMENT_BYTES_MAX)) {
        fail(`no message of more than ${ANNOUNCEMENT_BYTES_MAX} bytes`, 'that it was passed on')
      }
    },
  }),
  relayCase({
    id: `NT-DISC-004/${server}-unsigned`,
    title: `${name} does not pass on a message that is not signed`,
    server,
    async run(context, address) {
      const topic = TOPICS.deployed
      // Who is credulous takes unsigned messages: whether one comes is up to the server.
      const parts = ['forger', 'credulous', 'sender', 'hearer'] as const
      const { forger, credulous, sender, hearer } = await join(context, address, topic, parts)
      await forger.pubsub.publish(topic, announcement(forger, context))
      await expectPassedOn(context, { sender, hearer, topic })
      await delay(AFTER_MS, undefined, { signal: context.signal })
      const { length } = credulous.heard(topic)
      if (length > 0) {
        fail('no unsigned message', `${length} of them`)
      }
    },
  }),
])

function relayCase({
  id,
  title,
  server,
  level,
  run,
}: Pick<Case, 'id' | 'title' | 'level'> & {
  readonly server: Server
  readonly run: (context: CheckContext, address: string) => Promise<void>
}): Case {
  return {
    id,
    title,
    role: 'discovery',
    ...(level === undefined ? {} : { level }),
    timeoutMs: 30_000,
    byHand: () =>
      notByHand(id, {
        why: 'it takes two peers that speak gossipsub and know the server alone',
        shows: 'what one publishes and the other hears is among the messages',
      }),
    async run(context): Promise<Finding | void> {
      const address = addressOf(context.target, server)
      if (address === undefined) {
        return { verdict: 'unsupported', reason: 'the target does not say where that server is' }
      }
      await run(context, address)
    },
  }
}

/** The suite's peers of these names, subscribed to the topic, and knowing that the server has. */
async function join<Name extends Part>(
  context: CheckContext,
  address: string,
  topic: string,
  parts: readonly Name[],
): Promise<Readonly<Record<Name, Member>>> {
  const members = await Promise.all(
    parts.map(async (part) => [part, await joinAs(context, address, { topic, part })] as const),
  )
  return Object.fromEntries(members) as Record<Name, Member>
}

async function joinAs(
  context: CheckContext,
  address: string,
  { topic, part }: { readonly topic: string; readonly part: Part },
): Promise<Member> {
  const member = await findMember(context, address, part)
  await member.caller.connect(address, { signal: context.signal })
  const server = multiaddr(address).getComponents().at(-1)?.value
  const subscribed = (): boolean =>
    member.pubsub.getSubscribers(topic).some((peer) => peer.toString() === server)
  const deadline = performance.now() + PASSED_ON_MS_MAX
  while (!subscribed()) {
    if (performance.now() > deadline) {
      fail(`a server that has subscribed to ${topic}`, `none within ${PASSED_ON_MS_MAX} ms`)
    }
    await delay(ASK_AGAIN_MS, undefined, { signal: context.signal })
  }
  return member
}

/** Publishes until it is heard: who has just come is not in everybody's mesh yet. */
async function expectPassedOn(
  context: CheckContext,
  {
    sender,
    hearer,
    topic,
  }: { readonly sender: Member; readonly hearer: Member; readonly topic: string },
): Promise<void> {
  const { signal, wire } = context
  const deadline = performance.now() + PASSED_ON_MS_MAX
  const data = announcement(sender, context)
  const isHeard = (): boolean =>
    hearer.heard(topic).some((bytes) => Buffer.compare(bytes, data) === 0)
  while (!isHeard()) {
    if (performance.now() > deadline) {
      fail(`the announcement on ${topic}, passed on`, `nothing within ${PASSED_ON_MS_MAX} ms`)
    }
    wire.record({ direction: 'sent', channel: `pubsub ${topic}`, bytes: data })
    await sender.pubsub.publish(topic, data)
    await delay(PUBLISH_AGAIN_MS / 5, undefined, { signal })
    for (let waited = 0; waited < 4 && !isHeard(); waited++) {
      await delay(PUBLISH_AGAIN_MS / 5, undefined, { signal })
    }
  }
}

/** What a client would announce (NT-DISC-001): each time at another port, so that it is no older one that is heard. */
function announcement({ caller }: Member, { random }: CheckContext): Uint8Array {
  const port = 1 + Math.floor(random() * 65_535)
  const address = `/dns4/ip48-8-8-8.invalid/tcp/${port}/tls/ws/p2p/${caller.peerId}`
  return Announce.encode({ addr: [multiaddr(address).bytes] })
}
