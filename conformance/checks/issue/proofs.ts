// Judging proofs (PROTOCOL.md, section 5): every way in which a proof can be wrong is error 2, and nothing is ordered.
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Caller } from '../../players/caller.ts'
import type { Case, CheckContext } from '../../suite/case.ts'
import {
  ADDRESS_TYPE,
  fields,
  join,
  makeProof,
  Proof,
  proofBytes,
  ProofWrapper,
  signProof,
  varint,
} from '../../wire/index.ts'
import { evidence } from '../by-hand.ts'
import { newCaller } from '../exchange.ts'
import { getProof } from '../proof/get-proof.ts'
import { goodProof, playedKey, publicIpv4, publicIpv6 } from './played-proofs.ts'
import { expectProofsAccepted, expectProofsRefused } from './request.ts'

const AGE_MS_MAX = 300_000
/** A clock may differ by so much, and a request takes a while. */
const MARGIN_MS = 5_000

/** One proof; or several requests, where a requirement has several sides. */
interface ProofCase {
  readonly id: string
  /** Completes "an issue server refuses" or "accepts". */
  readonly what: string
  readonly make: (context: CheckContext, caller: Caller) => Promise<readonly Uint8Array[]>
}

const REFUSED: readonly ProofCase[] = [
  // Signatures.
  {
    id: 'NT-ISSUE-010/signed-by-another-key',
    what: 'a proof that is signed with a key which nobody trusts',
    make: async (context, caller) => [
      await makeProof(statement(context, caller), await generateKeyPair('Ed25519')),
    ],
  },
  {
    id: 'NT-ISSUE-010/signed-by-the-caller',
    what: "a proof that is signed with the caller's own key",
    make: async (context, caller) => [await makeProof(statement(context, caller), caller.key)],
  },
  {
    id: 'NT-ISSUE-010/one-bit-flipped',
    what: 'a proof with one bit of its signature flipped',
    make: (context, caller) =>
      withSignature(context, caller, (signature) => {
        signature[10] = (signature[10] ?? 0) ^ 1
        return signature
      }),
  },
  {
    id: 'NT-ISSUE-010/cut-signature',
    what: 'a proof whose signature lacks its last byte',
    make: (context, caller) => withSignature(context, caller, (bytes) => bytes.subarray(0, -1)),
  },
  {
    id: 'NT-ISSUE-010/empty-signature',
    what: 'a proof with an empty signature',
    make: (context, caller) => withSignature(context, caller, () => new Uint8Array(0)),
  },
  {
    id: 'NT-ISSUE-010/address-changed',
    what: 'a proof whose address was changed after it was signed',
    make: async (context, caller) => {
      const said = statement(context, caller)
      const signature = await playedKey(context.target).sign(proofBytes(said))
      const changed = proofBytes({ ...said, addresses: [publicIpv4(context)] })
      return [ProofWrapper.encode({ proof: changed, signature })]
    },
  },
  {
    id: 'NT-ISSUE-010/no-proof-at-all',
    what: 'bytes that are no ProofWrapper',
    make: async () => [Uint8Array.from([0xff, 0xff, 0xff])],
  },
  {
    id: 'NT-ISSUE-010/unsigned',
    what: 'a ProofWrapper without a signature',
    make: async (context, caller) => [fields([1, proofBytes(statement(context, caller))])],
  },
  // Time.
  {
    id: 'NT-ISSUE-011/too-old',
    what: 'a proof that is older than 300,000 ms',
    make: (context, caller) => aged(context, caller, AGE_MS_MAX + MARGIN_MS),
  },
  {
    id: 'NT-ISSUE-011/an-hour-old',
    what: 'a proof that is an hour old',
    make: (context, caller) => aged(context, caller, 3_600_000),
  },
  {
    id: 'NT-ISSUE-011/seconds',
    what: 'a proof whose timestamp is in seconds',
    make: (context, caller) => timestamped(context, caller, varint(Math.round(Date.now() / 1000))),
  },
  {
    id: 'NT-ISSUE-011/timestamp-0',
    what: 'a proof with the timestamp 0',
    make: (context, caller) => timestamped(context, caller, varint(0)),
  },
  {
    id: 'NT-ISSUE-011/negative-timestamp',
    what: 'a proof with a negative timestamp',
    make: (context, caller) => timestamped(context, caller, varint(-1n)),
  },
  {
    id: 'NT-ISSUE-012/too-far-ahead',
    what: 'a proof that is more than 300,000 ms in the future',
    make: (context, caller) => aged(context, caller, -AGE_MS_MAX - MARGIN_MS),
  },
  {
    id: 'NT-ISSUE-012/an-hour-ahead',
    what: 'a proof that is an hour in the future',
    make: (context, caller) => aged(context, caller, -3_600_000),
  },
  // Whom it is about.
  {
    id: 'NT-ISSUE-013/proof-of-another-peer',
    what: 'a proof that is about another peer',
    make: async (context, caller) => {
      const victim = await generateKeyPair('Ed25519')
      const { bytes: id } = victim.publicKey.toMultihash()
      return [await makeProof({ ...statement(context, caller), id }, playedKey(context.target))]
    },
  },
  {
    id: 'NT-ISSUE-013/empty-id',
    what: 'a proof about nobody',
    make: async (context, caller) => [
      await makeProof(
        { ...statement(context, caller), id: new Uint8Array(0) },
        playedKey(context.target),
      ),
    ],
  },
  {
    id: 'NT-ISSUE-013/id-that-only-begins-alike',
    what: "a proof whose id begins with the caller's and goes on",
    make: async (context, caller) => [
      await makeProof(
        { ...statement(context, caller), id: join(caller.id, Uint8Array.of(1)) },
        playedKey(context.target),
      ),
    ],
  },
  // How many.
  { id: 'NT-ISSUE-014/no-proofs', what: 'a request without proofs', make: async () => [] },
  {
    id: 'NT-ISSUE-018/no-address',
    what: 'a proof without an address',
    make: (context, caller) => signedAs(context, caller, []),
  },
  {
    id: 'NT-ISSUE-035/17-proofs',
    what: '17 proofs',
    make: (context, caller) => Promise.all(Array.from({ length: 17 }, () => good(context, caller))),
  },
  {
    id: 'NT-ISSUE-035/9-addresses',
    what: 'a proof with 9 addresses',
    make: async (context, caller) => {
      const addresses = Array.from({ length: 9 }, () => publicIpv4(context))
      return [await goodProof(context.target, { id: caller.id, addresses })]
    },
  },
]

const ILL_FORMED: readonly (readonly [slug: string, type: number, address: string])[] = [
  ['octet-256', ADDRESS_TYPE.IPv4, '8.8.8.256'],
  ['leading-zero', ADDRESS_TYPE.IPv4, '8.8.8.010'],
  ['three-octets', ADDRESS_TYPE.IPv4, '8.8.8'],
  ['number', ADDRESS_TYPE.IPv4, '134744072'],
  ['hexadecimal-octet', ADDRESS_TYPE.IPv4, '0x8.8.8.8'],
  ['ipv6-as-ipv4', ADDRESS_TYPE.IPv4, '2001:4860::8888'],
  ['ipv4-as-ipv6', ADDRESS_TYPE.IPv6, '8.8.8.8'],
  ['host-name', ADDRESS_TYPE.IPv4, 'dns.example'],
  ['port', ADDRESS_TYPE.IPv4, '8.8.8.8:443'],
  ['space', ADDRESS_TYPE.IPv4, '8.8.8.8 '],
  ['empty', ADDRESS_TYPE.IPv4, ''],
  ['zone-id', ADDRESS_TYPE.IPv6, 'fe80::1%eth0'],
  ['two-gaps', ADDRESS_TYPE.IPv6, '2001::4860::1'],
  ['brackets', ADDRESS_TYPE.IPv6, '[2001:4860::1]'],
  ['unknown-type', 3, '8.8.8.8'],
]

const ACCEPTED: readonly ProofCase[] = [
  {
    id: 'NT-ISSUE-010/good-proof',
    what: 'a proof that is signed with a trusted key',
    make: async (context, caller) => [await good(context, caller)],
  },
  {
    id: 'NT-ISSUE-011/almost-too-old',
    what: 'a proof that is almost 300,000 ms old',
    make: (context, caller) => aged(context, caller, AGE_MS_MAX - MARGIN_MS),
  },
  {
    id: 'NT-ISSUE-012/almost-too-far-ahead',
    what: 'a proof that is almost 300,000 ms in the future',
    make: (context, caller) => aged(context, caller, -AGE_MS_MAX + MARGIN_MS),
  },
  {
    id: 'NT-ISSUE-016/other-spelling-of-ipv6',
    what: 'an IPv6 address in another spelling than RFC 5952 has',
    make: (context, caller) =>
      signedAs(context, caller, [{ type: ADDRESS_TYPE.IPv6, address: '2001:4860:0:0:0::8A' }]),
  },
  {
    id: 'NT-ISSUE-016/mapped-ipv6',
    what: 'an IPv4-mapped address of type IPv6',
    make: (context, caller) =>
      signedAs(context, caller, [
        { type: ADDRESS_TYPE.IPv6, address: `::ffff:${publicIpv4(context)}` },
      ]),
  },
  {
    id: 'NT-ISSUE-035/16-proofs',
    what: '16 proofs, one of them with 8 addresses',
    make: async (context, caller) => {
      const addresses = Array.from({ length: 8 }, () => publicIpv4(context))
      const many = await goodProof(context.target, { id: caller.id, addresses })
      return [many, ...(await Promise.all(Array.from({ length: 15 }, () => good(context, caller))))]
    },
  },
  {
    id: 'NT-ISSUE-019/replay',
    what: 'a proof that the same peer used before',
    make: async (context, caller) => {
      const proofs = [await good(context, caller)]
      await expectProofsAccepted(context, caller, proofs, 'a proof')
      return proofs
    },
  },
  {
    id: 'NT-WIRE-011/issue-unknown-field-in-wrapper',
    what: 'a ProofWrapper with a field that nobody knows',
    make: async (context, caller) => [
      join(await good(context, caller), fields([15, 'not of this version'])),
    ],
  },
]

export const PROOF_JUDGING_CASES: readonly Case[] = [
  ...REFUSED.map(refusedCase),
  ...ILL_FORMED.map(([slug, type, address]) =>
    refusedCase({
      id: `NT-ISSUE-016/${slug}`,
      what: `a well signed proof with the address "${address}" of type ${type}`,
      make: (context, caller) => signedAs(context, caller, [{ type, address }]),
    }),
  ),
  refusedCase({
    id: 'NT-WIRE-012/issue-address',
    what: 'a well signed proof with an address that is not UTF-8',
    make: async (context, caller) => {
      const address = fields([1, ADDRESS_TYPE.IPv4], [2, Uint8Array.from([0x38, 0xc3, 0x28])])
      const { id, timestamp } = statement(context, caller)
      return [
        await signProof(fields([1, id], [2, timestamp], [3, address]), playedKey(context.target)),
      ]
    },
  }),
  ...ACCEPTED.map(acceptedCase),
  believedCase(),
  mixedKeysCase(),
]

function refusedCase({ id, what, make }: ProofCase): Case {
  return {
    id,
    title: `an issue server refuses ${what} with error 2`,
    role: 'issue',
    needs: ['played-proof-server'],
    byHand: () => evidence(id, 'error 2 (E_INVALID_PROOF)'),
    async run(context) {
      const caller = await newCaller(context)
      await expectProofsRefused(context, caller, await make(context, caller), what)
    },
  }
}

function acceptedCase({ id, what, make }: ProofCase): Case {
  return {
    id,
    title: `an issue server accepts ${what}`,
    role: 'issue',
    needs: ['played-proof-server'],
    byHand: () => evidence(id, 'error 4 for the unknown key type, and not error 2'),
    async run(context) {
      const caller = await newCaller(context)
      await expectProofsAccepted(context, caller, await make(context, caller), what)
    },
  }
}

/** What proof servers sign has to be what issue servers believe. */
function believedCase(): Case {
  const id = 'NT-PROOF-006/believed-by-the-issue-server'
  return {
    id,
    title: 'the issue server of the zone believes what the proof server signs',
    role: 'proof',
    needs: ['private-addresses'],
    byHand: () => evidence(id, 'error 4 for the unknown key type, and not error 2'),
    async run(context) {
      if (context.target.issue === undefined) {
        return { verdict: 'unsupported', reason: 'the target names no issue server' }
      }
      const caller = await newCaller(context)
      const { wrapper } = await getProof(context, { caller })
      await expectProofsAccepted(context, caller, [wrapper], 'a proof of the proof server')
      return undefined
    },
  }
}

/** The proof server's key and the suite's: two trusted keys, and proofs of both in one request. */
function mixedKeysCase(): Case {
  const id = 'NT-ISSUE-036/proofs-of-two-keys'
  return {
    id,
    title: 'an issue server that trusts several proof keys accepts proofs of each, also together',
    role: 'issue',
    needs: ['played-proof-server', 'private-addresses'],
    byHand: () => evidence(id, 'error 4 for the unknown key type, and not error 2'),
    async run(context) {
      if (context.target.proof.length === 0) {
        return { verdict: 'unsupported', reason: 'the target names no proof server' }
      }
      const caller = await newCaller(context)
      const played = await good(context, caller)
      const { wrapper } = await getProof(context, { caller })
      await expectProofsAccepted(context, caller, [played], 'a proof of one trusted key')
      await expectProofsAccepted(context, caller, [wrapper], 'a proof of the proof server')
      await expectProofsAccepted(context, caller, [played, wrapper], 'proofs of two trusted keys')
      return undefined
    },
  }
}

function statement(context: CheckContext, { id }: Caller) {
  return { id, addresses: [publicIpv4(context)], timestamp: Date.now() }
}

function good(context: CheckContext, { id }: Caller): Promise<Uint8Array> {
  return goodProof(context.target, { id, addresses: [publicIpv4(context)] })
}

async function aged(
  context: CheckContext,
  { id }: Caller,
  ageMs: number,
): Promise<readonly Uint8Array[]> {
  return [await goodProof(context.target, { id, addresses: [publicIpv6(context)], ageMs })]
}

async function withSignature(
  context: CheckContext,
  caller: Caller,
  change: (signature: Uint8Array) => Uint8Array,
): Promise<readonly Uint8Array[]> {
  const { proof, signature } = ProofWrapper.decode(await good(context, caller))
  return [ProofWrapper.encode({ proof, signature: change(signature) })]
}

/** Well signed, whatever the addresses are. */
async function signedAs(
  { target }: CheckContext,
  { id }: Caller,
  addrs: Proof['addrs'],
): Promise<readonly Uint8Array[]> {
  return [await signProof(Proof.encode({ id, timestamp: Date.now(), addrs }), playedKey(target))]
}

/** Well signed, whatever the time is; `timestamp` is a varint. */
async function timestamped(
  context: CheckContext,
  { id }: Caller,
  timestamp: Uint8Array,
): Promise<readonly Uint8Array[]> {
  const address = fields([1, ADDRESS_TYPE.IPv4], [2, publicIpv4(context)])
  const proof = join(fields([1, id]), Uint8Array.of(0x10), timestamp, fields([3, address]))
  return [await signProof(proof, playedKey(context.target))]
}
