// NT-CLIENT-005, 006 and 009: which proofs a client passes on, and how.
import { multiaddr } from '@multiformats/multiaddr'
import type { Case } from '../../suite/case.ts'
import { goodProof, type ListedProof } from '../../client/play.ts'
import type { ProofScript } from '../../players/played-proof.ts'
import { Proof, ProofWrapper } from '../../wire/index.ts'
import { fail, hex, same } from '../exchange.ts'
import { clientCase, GOOD_OBTAIN } from './define.ts'
import { beside, expectLeftOut, givenBy } from './given.ts'
import { expectCertificate, onlyRequest } from './outcome.ts'
import { withUnknownField } from './scripts.ts'

/** libp2p's code of /p2p in multiaddrs. */
const CODE_P2P = 421
/** Of peers that are not there. */
const STRANGERS = [
  '002408011220fd1724385aa0c75b64fb78cd602fa1d991fdebf76b13c58ed702eac835e9f618',
  '1220fd1724385aa0c75b64fb78cd602fa1d991fdebf76b13c58ed702eac835e9f618',
].map((hexadecimal) => Uint8Array.from(Buffer.from(hexadecimal, 'hex')))
const [STRANGER = new Uint8Array(0)] = STRANGERS

export const PASSING_ON_CASES: readonly Case[] = [
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

function withoutId(address: Uint8Array): Uint8Array {
  return multiaddr(address).decapsulateCode(CODE_P2P).bytes
}
