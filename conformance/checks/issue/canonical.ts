// The bytes that are signed are the bytes that count, and they have one form only (NT-ISSUE-017). 2018 verified its own
// encoding of what it had read: unknown, repeated and reordered fields passed unsigned.
import type { Case, CheckContext } from '../../suite/case.ts'
import type { Caller } from '../../players/caller.ts'
import {
  ADDRESS_TYPE,
  ERRORS,
  fields,
  join,
  proofBytes,
  ProofWrapper,
  signProof,
  varint,
} from '../../wire/index.ts'
import { playedKey, publicIpv4 } from './played-proofs.ts'
import { refusedRequest, requestCase } from './request.ts'

interface Parts {
  readonly id: Uint8Array
  readonly timestamp: number
  /** The content of `addrs`. */
  readonly address: Uint8Array
  /** Another address, which nobody has signed. */
  readonly otherAddress: Uint8Array
  readonly canonical: Uint8Array
}

type Form = (parts: Parts) => Uint8Array

const FORMS: readonly (readonly [slug: string, what: string, form: Form])[] = [
  [
    'unknown-field',
    'an unknown field',
    ({ canonical }) => join(canonical, fields([9, 'unsigned'])),
  ],
  [
    'unknown-field-in-address',
    'an unknown field in an address',
    ({ id, timestamp, address }) =>
      fields([1, id], [2, timestamp], [3, join(address, fields([9, 'unsigned']))]),
  ],
  ['repeated-id', 'its id twice', ({ id, canonical }) => join(fields([1, id]), canonical)],
  [
    'repeated-timestamp',
    'its timestamp twice',
    ({ id, timestamp, address }) =>
      fields([1, id], [2, timestamp - 1], [2, timestamp], [3, address]),
  ],
  [
    'reordered-fields',
    'its fields in another order',
    ({ id, timestamp, address }) => fields([3, address], [2, timestamp], [1, id]),
  ],
  [
    'reordered-address',
    'the fields of its address in another order',
    ({ id, timestamp, address }) => {
      const type = address.subarray(0, 2)
      return fields([1, id], [2, timestamp], [3, join(address.subarray(2), type)])
    },
  ],
  [
    'long-varint',
    'its timestamp in more bytes than needed',
    ({ id, timestamp, address }) =>
      join(fields([1, id]), Uint8Array.of(0x10), varint(timestamp, 9), fields([3, address])),
  ],
]

export const CANONICAL_CASES: readonly Case[] = [
  ...FORMS.flatMap(([slug, what, form]) => [
    canonicalCase({
      id: `NT-ISSUE-017/signed-${slug}`,
      what: `a proof with ${what}, signed over the bytes as they are`,
      make: async (parts, context) => signProof(form(parts), playedKey(context.target)),
    }),
    canonicalCase({
      id: `NT-ISSUE-017/unsigned-${slug}`,
      what: `a proof with ${what}, signed over the canonical encoding instead`,
      make: async (parts, context) =>
        ProofWrapper.encode({
          proof: form(parts),
          signature: await playedKey(context.target).sign(parts.canonical),
        }),
    }),
  ]),
  canonicalCase({
    id: 'NT-ISSUE-017/address-added',
    what: 'a proof to which an address was added that is not signed',
    make: async ({ canonical, otherAddress }, context) =>
      ProofWrapper.encode({
        proof: join(canonical, fields([3, otherAddress])),
        signature: await playedKey(context.target).sign(canonical),
      }),
  }),
]

function canonicalCase({
  id,
  what,
  make,
}: {
  readonly id: string
  readonly what: string
  readonly make: (parts: Parts, context: CheckContext) => Promise<Uint8Array>
}): Case {
  return requestCase({
    id,
    title: `an issue server refuses ${what}, with error 2`,
    request: async (context, caller) =>
      refusedRequest(context, [await make(partsOf(context, caller), context)]),
    error: ERRORS.INVALID_PROOF,
    what: `the refusal of ${what}`,
  })
}

function partsOf(context: CheckContext, { id }: Caller): Parts {
  const [one, other] = [publicIpv4(context), publicIpv4(context)]
  const timestamp = Date.now()
  return {
    id,
    timestamp,
    address: fields([1, ADDRESS_TYPE.IPv4], [2, one]),
    otherAddress: fields([1, ADDRESS_TYPE.IPv4], [2, other]),
    canonical: proofBytes({ id, timestamp, addresses: [one] }),
  }
}
