// NT-CLIENT-002 to 006 and 009: how a client collects proofs, and which it passes on.
import { setTimeout as delay } from 'node:timers/promises'
import type { Case, CheckContext } from '../../suite/case.ts'
import { goodProof, type ListedProof, type Play } from '../../client/play.ts'
import type { ProofScript } from '../../players/played-proof.ts'
import { multiaddr } from '@multiformats/multiaddr'
import { frame, Proof, ProofResponse, ProofWrapper } from '../../wire/index.ts'
import { fail, hex, same } from '../exchange.ts'
import { clientCase, GOOD_OBTAIN } from './define.ts'
import { expectCertificate, expectFailure, onlyRequest } from './outcome.ts'
import {
  closes,
  cut,
  hangs,
  OVERSIZE,
  refusesProof,
  resets,
  says,
  withUnknownField,
} from './scripts.ts'

/** Beside a good one, which is last: a client that takes the first answer is seen. */
const beside = (...bad: readonly ListedProof['script'][]): readonly ListedProof[] => [
  ...bad.map((script) => ({ script })),
  { script: goodProof },
]

/** Of peers that are not there. */
const STRANGERS = [
  '002408011220fd1724385aa0c75b64fb78cd602fa1d991fdebf76b13c58ed702eac835e9f618',
  '1220fd1724385aa0c75b64fb78cd602fa1d991fdebf76b13c58ed702eac835e9f618',
].map((hexadecimal) => Uint8Array.from(Buffer.from(hexadecimal, 'hex')))
const [STRANGER = new Uint8Array(0)] = STRANGERS

const SERVERS_AT_ONCE = 3
const DRIP_MS = 1_000
/** libp2p's code of /p2p in multiaddrs. */
const CODE_P2P = 421

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

const collecting: readonly Case[] = [
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

const passingOn: readonly Case[] = [
  clientCase({
    id: 'NT-CLIENT-005/another-peer',
    title:
      'a proof of a server that authenticates as another peer than the listed one is not taken',
    play: {
      proofs: [
        // Its address without the id at its end, under somebody else's name; then with its id at the end.
        ...STRANGERS.map((id, index): ListedProof => ({
          script: goodProof,
          listed: (truth) => ({
            ...truth,
            id,
            addrs: index === 0 ? truth.addrs.map(withoutId) : truth.addrs,
          }),
        })),
        { script: goodProof },
      ],
    },
    async judge(play, context) {
      await expectCertificate(
        play,
        context,
        'although two proof servers are others than they should be',
      )
      const impostors = play.eventsOf('proof').filter(({ server }) => server < 2)
      const given = new Set(
        impostors.flatMap(({ wrapper }) => (wrapper === undefined ? [] : [hex(wrapper)])),
      )
      const used = onlyRequest(play).proofs.some((proof) => given.has(hex(proof)))
      if (used) fail('no proof of a server that is another peer', 'a request with one')
    },
  }),
  clientCase({
    id: 'NT-CLIENT-006/byte-for-byte',
    title: 'a proof is passed on as it came, with what the client does not know in it',
    play: {
      proofs: [
        {
          script: async ({ prove, give }) => {
            // Nobody may read it anew and write what it has understood: the signature is over the bytes.
            const { proof, signature } = ProofWrapper.decode(await prove())
            give(ProofWrapper.encode({ proof: withUnknownField(proof), signature }))
          },
        },
      ],
    },
    async judge(play, context) {
      await expectCertificate(play, context, 'for a proof with a field that is not known')
      const [wrapper] = givenBy(play)
      const [sent] = onlyRequest(play).proofs
      if (wrapper === undefined || sent === undefined)
        return fail('one proof in the request', 'none')
      const [given, passed] = [ProofWrapper.decode(wrapper), ProofWrapper.decode(sent)]
      const right = same(given.proof, passed.proof) && same(given.signature, passed.signature)
      if (!right) fail(`the proof as it came, ${hex(wrapper)}`, hex(sent))
    },
  }),
  clientCase({
    id: 'NT-CLIENT-006/key-types',
    title: 'supportedCryptos is [1], which every server can read',
    shared: GOOD_OBTAIN,
    async judge(play, context) {
      await expectCertificate(play, context, 'from good servers')
      const { supportedCryptos } = onlyRequest(play)
      if (!supportedCryptos.includes(1) || supportedCryptos.length !== 1) {
        fail('supportedCryptos [1]', `[${supportedCryptos.join(', ')}]`)
      }
    },
  }),
  clientCase({
    id: 'NT-CLIENT-009/about-another-peer',
    title: 'a proof about another peer is left out',
    play: {
      proofs: beside(async ({ prove, give }) => give(await prove({ id: STRANGER }))),
    },
    async judge(play, context) {
      await expectCertificate(play, context, 'although one proof is about another peer')
      expectLeftOut(play, 'a proof about another peer')
    },
  }),
  ...(
    [
      ['unspecified', ['0.0.0.0']],
      ['broadcast', ['255.255.255.255']],
      ['multicast', ['224.0.0.1', 'ff02::1']],
      ['none', []],
      ['too-many', Array.from({ length: 9 }, (_, index) => `198.51.100.${index + 1}`)],
    ] as const
  ).map(([slug, addresses]) =>
    clientCase({
      id: `NT-CLIENT-009/addresses-${slug}`,
      title: `a proof whose addresses are ${addresses.length === 0 ? 'none' : addresses.length > 8 ? 'more than 8' : addresses.join(' and ')} is left out`,
      play: { proofs: beside(async ({ prove, give }) => give(await prove({ addresses }))) },
      async judge(play, context) {
        await expectCertificate(play, context, 'from the other proof')
        expectLeftOut(play, `a proof for ${addresses.join(', ') || 'no address'}`)
      },
    }),
  ),
  clientCase({
    id: 'NT-CLIENT-009/addresses-no-ip',
    title: 'proofs whose addresses are no IP addresses, or of another type, are left out',
    play: {
      proofs: beside(
        ...[
          { type: 1, address: 'localhost' },
          { type: 1, address: '010.0.0.1' },
          { type: 2, address: '127.0.0.1' },
          { type: 2, address: 'fe80::1%eth0' },
        ].map((address): ProofScript => ({ give, callerId }) => {
          const proof = Proof.encode({ id: callerId, timestamp: Date.now(), addrs: [address] })
          give(ProofWrapper.encode({ proof, signature: new Uint8Array(64) }))
        }),
      ),
    },
    async judge(play, context) {
      await expectCertificate(play, context, 'from the other proof')
      expectLeftOut(play, 'a proof whose address is none')
    },
  }),
]

export const PROOF_CASES: readonly Case[] = [...collecting, ...passingOn]

function proves(...addresses: readonly string[]): ProofScript {
  return async ({ prove, give }) => give(await prove({ addresses }))
}

function withoutId(address: Uint8Array): Uint8Array {
  return multiaddr(address).decapsulateCode(CODE_P2P).bytes
}

/** The proofs that were given, in the order of the servers; of the good one alone, which is last. */
function givenBy(play: Play, servers: (index: number) => boolean = () => true): Uint8Array[] {
  return play
    .eventsOf('proof')
    .flatMap(({ server, wrapper }) => (wrapper === undefined || !servers(server) ? [] : [wrapper]))
}

/** Fails unless the request holds exactly so many of the proofs that were given. */
function expectGivenOnly(play: Play, count: number): void {
  const given = new Set(givenBy(play).map(hex))
  const { proofs } = onlyRequest(play)
  const right = proofs.filter((proof) => given.has(hex(proof))).length
  if (right !== count || proofs.length !== count) {
    fail(
      `${count} proofs in the request, as they came`,
      `${proofs.length} proofs, ${right} of them as they came`,
    )
  }
}

/** Fails where the request holds a proof of another server than the last, which is the good one. */
function expectLeftOut(play: Play, what: string): void {
  const last = play.init.proofs.length - 1
  const bad = new Set(givenBy(play, (server) => server !== last).map(hex))
  if (bad.size === 0) fail('that all proof servers are asked', 'that one was not')
  if (onlyRequest(play).proofs.some((proof) => bad.has(hex(proof)))) {
    fail(`a request without ${what}`, 'a request with it')
  }
}
