// Judging proofs (PROTOCOL.md, section 5): every way in which a proof can be wrong is error 2, and nothing is ordered.
import ipaddr from 'ipaddr.js'
import type { Case, Finding } from '../../suite/case.ts'
import type { Target } from '../../suite/target.ts'
import { ADDRESS_TYPE, ERRORS, fields, join, signProof } from '../../wire/index.ts'
import { sendRequest } from '../by-hand.ts'
import { newCaller } from '../exchange.ts'
import { getProof, type ReceivedProof } from '../proof/get-proof.ts'
import { goodProof, playedKey, publicIpv4 } from './played-proofs.ts'
import { ILL_FORMED, REFUSED, type ProofCase } from './proof-faults.ts'
import { aged, AGE_MS_MAX, good, MARGIN_MS, signedAs, statement } from './proof-makers.ts'
import { acceptedRequest, expectProofsAccepted, refusedRequest, requestCase } from './request.ts'

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
  return requestCase({
    id,
    title: `an issue server refuses ${what} with error 2`,
    request: async (context, caller) => refusedRequest(context, await make(context, caller)),
    error: ERRORS.INVALID_PROOF,
    what: `the refusal of ${what}`,
  })
}

function acceptedCase({ id, what, make }: ProofCase): Case {
  return requestCase({
    id,
    title: `an issue server accepts ${what}`,
    request: async (context, caller) => acceptedRequest(await make(context, caller)),
    error: ERRORS.NO_MATCHING_CRYPTO,
    what: `${what} accepted, and the unknown key type refused`,
  })
}

const BELIEVED = '02 08 04 for the unknown key type, and not 02 08 02'

/** What proof servers sign has to be what issue servers believe. */
function believedCase(): Case {
  const id = 'NT-PROOF-006/believed-by-the-issue-server'
  return {
    id,
    title: 'the issue server of the zone believes what the proof server signs',
    role: 'proof',
    request: async (context, caller) =>
      acceptedRequest([(await getProof(context, { caller })).wrapper]),
    byHand: (target) => sendRequest(target, { id, shows: BELIEVED }),
    async run(context) {
      if (context.target.issue === undefined) {
        return { verdict: 'unsupported', reason: 'the target names no issue server' }
      }
      const caller = await newCaller(context)
      const received = await getProof(context, { caller })
      const uncertified = uncertifiedAddress(context.target, received)
      if (uncertified !== undefined) return uncertified
      await expectProofsAccepted(context, caller, [received.wrapper], 'a proof of the proof server')
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
    needs: ['played-proof-server'],
    request: async (context, caller) => {
      const { wrapper } = await getProof(context, { caller })
      return acceptedRequest([await good(context, caller), wrapper])
    },
    byHand: (target) => sendRequest(target, { id, shows: BELIEVED }),
    async run(context) {
      if (context.target.proof.length === 0) {
        return { verdict: 'unsupported', reason: 'the target names no proof server' }
      }
      const caller = await newCaller(context)
      const played = await good(context, caller)
      const received = await getProof(context, { caller })
      const uncertified = uncertifiedAddress(context.target, received)
      if (uncertified !== undefined) return uncertified
      const { wrapper } = received
      await expectProofsAccepted(context, caller, [played], 'a proof of one trusted key')
      await expectProofsAccepted(context, caller, [wrapper], 'a proof of the proof server')
      await expectProofsAccepted(context, caller, [played, wrapper], 'proofs of two trusted keys')
      return undefined
    },
  }
}

/** A proof is of the address that the suite calls from: where that is a private one, it has to be certified all the same. */
export function uncertifiedAddress(
  { capabilities }: Pick<Target, 'capabilities'>,
  { proof }: Pick<ReceivedProof, 'proof'>,
): Finding | undefined {
  if (capabilities.includes('private-addresses')) return undefined
  const address = proof.addrs.map((one) => one.address).find((text) => !isPublic(text))
  if (address === undefined) return undefined
  const reason = `the proof server sees the suite at ${address}, which is certified only where the target claims the capability "private-addresses"`
  return { verdict: 'unsupported', reason }
}

/** What is no address at all is for the issue server to say. */
function isPublic(text: string): boolean {
  return !ipaddr.isValid(text) || ipaddr.process(text).range() === 'unicast'
}
