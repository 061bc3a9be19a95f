// Every way in which a proof can be wrong: a requirement's negative cases, each with how it is made.
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Caller } from '../../players/caller.ts'
import type { CheckContext } from '../../suite/case.ts'
import {
  ADDRESS_TYPE,
  fields,
  join,
  makeProof,
  proofBytes,
  ProofWrapper,
  varint,
} from '../../wire/index.ts'
import { goodProof, playedKey, publicIpv4 } from './played-proofs.ts'
import {
  aged,
  AGE_MS_MAX,
  good,
  MARGIN_MS,
  signedAs,
  statement,
  timestamped,
  withSignature,
} from './proof-makers.ts'

/** One proof; or several requests, where a requirement has several sides. */
export interface ProofCase {
  readonly id: string
  /** Completes "an issue server refuses" or "accepts". */
  readonly what: string
  readonly make: (context: CheckContext, caller: Caller) => Promise<readonly Uint8Array[]>
}

export const REFUSED: readonly ProofCase[] = [
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

export const ILL_FORMED: readonly (readonly [slug: string, type: number, address: string])[] = [
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
