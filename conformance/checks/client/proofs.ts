// NT-CLIENT-002 to 004: how a client collects proofs.
import { setTimeout as delay } from 'node:timers/promises'
import { multiaddr } from '@multiformats/multiaddr'
import type { Case, CheckContext } from '../../suite/case.ts'
import { goodProof, type Play } from '../../client/play.ts'
import type { ProofScript } from '../../players/played-proof.ts'
import { frame, ProofResponse, ProofWrapper } from '../../wire/index.ts'
import { fail } from '../exchange.ts'
import { clientCase } from './define.ts'
import { beside, expectGivenOnly, proves } from './given.ts'
import { expectCertificate, expectFailure } from './outcome.ts'
import { closes, cut, hangs, OVERSIZE, refusesProof, resets, says } from './scripts.ts'

const SERVERS_AT_ONCE = 3
const DRIP_MS = 1_000

const LEFT_OUT: readonly (readonly [slug: string, what: string, ProofScript[]])[] = [
  [
    'refusing',
    'proof servers that refuse',
    [refusesProof(1), refusesProof(3), refusesProof(9), refusesProof(77)],
  ],
  ['silent-ends', 'proof servers that end the stream without an answer', [closes, resets]],
  [
    'broken-answers',
    'proof servers whose answers cannot be read',
    [
      async ({ stream, prove }) =>
        says(cut(ProofResponse.encode({ error: 0, proof: await prove() })))({ stream }),
      says(frame(Uint8Array.of(0xff, 0xff))),
      says(frame(new Uint8Array(0))),
      says(OVERSIZE),
      says(frame(ProofResponse.encode({ error: 0, proof: Uint8Array.of(1, 2, 3) }))),
      says(
        frame(
          ProofResponse.encode({
            error: 0,
            proof: ProofWrapper.encode({
              proof: Uint8Array.of(0xff),
              signature: new Uint8Array(64),
            }),
          }),
        ),
      ),
    ],
  ],
  [
    'no-proof-inside',
    'a proof server that says OK and gives no proof',
    [says(frame(ProofResponse.encode({ error: 0 })))],
  ],
  [
    'refusal-with-proof',
    'a proof server that refuses and adds a proof',
    [
      async ({ stream, prove }) =>
        says(frame(ProofResponse.encode({ error: 3, proof: await prove() })))({ stream }),
    ],
  ],
]

export const PROOF_CASES: readonly Case[] = [
  clientCase({
    id: 'NT-CLIENT-002/in-parallel',
    title: 'all proof servers are asked at the same time: none answers before all have been asked',
    play: () => {
      // Each waits for the others, and a client that asks one after the other waits for ever.
      let asked = 0
      const all = Promise.withResolvers<void>()
      const script: ProofScript = async (one) => {
        asked += 1
        if (asked === SERVERS_AT_ONCE) all.resolve()
        await all.promise
        await goodProof(one)
      }
      return { proofs: Array.from({ length: SERVERS_AT_ONCE }, () => ({ script })) }
    },
    async judge(play, context) {
      await expectCertificate(play, context, 'from servers that answer when all have been asked')
      // Who asks one after the other has given up the first ones when the last one answers.
      expectGivenOnly(play, SERVERS_AT_ONCE)
    },
  }),
  clientCase({
    id: 'NT-CLIENT-002/all-asked',
    title: 'every proof server of the list is asked, and each proof is passed on',
    play: { proofs: beside(proves('198.51.100.1'), proves('198.51.100.2'), proves('2001:db8::7')) },
    async judge(play, context) {
      await expectCertificate(play, context, 'with four good proof servers')
      const asked = new Set(play.eventsOf('proof').map(({ server }) => server))
      if (asked.size !== 4) fail('that 4 proof servers are asked', `${asked.size}`)
      expectGivenOnly(play, 4)
    },
  }),
  ...LEFT_OUT.map(([slug, what, scripts]) =>
    clientCase({
      id: `NT-CLIENT-002/${slug}`,
      title: `${what} are left out, and a good one is enough`,
      play: { proofs: beside(...scripts) },
      async judge(play, context) {
        await expectCertificate(play, context, `although there are ${what}`)
        expectGivenOnly(play, 1)
      },
    }),
  ),
  clientCase({
    id: 'NT-CLIENT-002/senseless-entries',
    title: 'proof servers whose id or addresses cannot be read are left out',
    play: {
      proofs: [
        { script: goodProof, listed: (truth) => ({ ...truth, id: Uint8Array.of(1, 2, 3) }) },
        {
          script: goodProof,
          listed: (truth) => ({ ...truth, addrs: [Uint8Array.of(0xff, 0xff, 0x03)] }),
        },
        {
          script: goodProof,
          listed: (truth) => ({ ...truth, addrs: [Uint8Array.of(0xff), ...truth.addrs] }),
        },
      ],
    },
    async judge(play, context) {
      await expectCertificate(play, context, 'although two proof servers of the list make no sense')
    },
  }),
  clientCase({
    id: 'NT-ISSUE-004/client-dnsaddr',
    title: 'a proof server at /dnsaddr/<name>/tcp/<port>, as 2018 wrote it, is asked',
    play: {
      proofs: [
        {
          script: goodProof,
          listed: (truth) => ({
            ...truth,
            addrs: truth.addrs.map((bytes) => {
              const text = multiaddr(bytes)
                .toString()
                .replace(/^\/ip4\/[^/]+/, '/dnsaddr/localhost')
              return multiaddr(text).bytes
            }),
          }),
        },
      ],
    },
    async judge(play, context) {
      await expectCertificate(play, context, 'with a proof of a server at /dnsaddr/localhost/tcp/…')
    },
  }),
  clientCase({
    id: 'NT-CLIENT-003/nothing-sent',
    title: 'without a proof the client fails, and sends nothing to the issue server',
    play: { proofs: [{ script: refusesProof(9) }, { script: closes }] },
    judge: expectNothingSent,
  }),
  clientCase({
    id: 'NT-CLIENT-003/no-proof-servers',
    title: 'with an empty list of proof servers the client fails, and sends nothing',
    play: { proofs: [] },
    judge: expectNothingSent,
  }),
  clientCase({
    id: 'NT-CLIENT-004/hanging',
    title: 'proof servers that take the question and never answer do not hold up the rest',
    play: { proofs: beside(hangs, hangs) },
    async judge(play, context) {
      await expectCertificate(play, context, 'although two proof servers hang')
      expectGivenOnly(play, 1)
    },
  }),
  clientCase({
    id: 'NT-CLIENT-004/dripping',
    title: 'a proof server whose answer comes byte by byte does not hold up the rest',
    play: {
      proofs: beside(async ({ stream, prove }) => {
        const bytes = frame(ProofResponse.encode({ error: 0, proof: await prove() }))
        for (const byte of bytes) {
          if (!stream.send(Uint8Array.of(byte))) return
          await delay(DRIP_MS)
        }
      }),
    },
    async judge(play, context) {
      await expectCertificate(play, context, 'although one proof server takes minutes')
      expectGivenOnly(play, 1)
    },
  }),
]

async function expectNothingSent(play: Play, context: CheckContext): Promise<void> {
  await expectFailure(play, context, 'there is no proof')
  const sent = play.events.some(({ kind }) => kind === 'request' || kind === 'nonsense')
  if (sent) fail('that nothing is sent to the issue server', 'a request')
}
