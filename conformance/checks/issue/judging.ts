// Judging a request (PROTOCOL.md, section 6): the first check that fails decides, nothing is ordered before all have
// passed, and a refusal says its number and nothing else.
import type { Case, CheckContext } from '../../suite/case.ts'
import type { Target } from '../../suite/target.ts'
import type { Caller } from '../../players/caller.ts'
import { ERRORS, fields, IssueRequest, join, varint, frame } from '../../wire/index.ts'
import { again, send } from '../by-hand.ts'
import { ask, expectCode, errorOf, fail, hex, newCaller } from '../exchange.ts'
import { expectRateLimit } from '../rate-limit.ts'
import { goodProof, publicIpv4 } from './played-proofs.ts'
import {
  acceptedRequest,
  errorFor,
  refusedRequest,
  requestCase,
  UNKNOWN_CRYPTO,
} from './request.ts'

const NO_CSR = Uint8Array.from(Buffer.from('no certificate signing request'))
const HOUR_MS = 3_600_000
const PROOFS = 5

export const JUDGING_CASES: readonly Case[] = [
  {
    id: 'NT-ISSUE-014/no-proofs-whoever-asks',
    title: 'an issue server refuses a request without proofs with error 2',
    role: 'issue',
    byHand: (target) =>
      send(target, { protocol: 'issue', bytes: frame(fields([2, 1])), shows: '02 08 02' }),
    async run(context) {
      const caller = await newCaller(context)
      const error = await errorFor(context, caller, fields([2, 1]))
      expectCode(error, ERRORS.INVALID_PROOF, 'the refusal of a request without proofs')
    },
  },
  {
    id: 'NT-ISSUE-044/rate-limit',
    title: 'whoever makes requests without end gets error 1 (E_RATE_LIMIT)',
    role: 'issue',
    intrusive: true,
    alone: true,
    timeoutMs: 40_000,
    byHand: (target) =>
      again(
        send(target, {
          protocol: 'issue',
          bytes: frame(fields([2, 1])),
          shows: '02 08 02 (no proofs), and sooner or later 02 08 01',
        }),
      ),
    async run(context) {
      const caller = await newCaller(context)
      await expectRateLimit(context, {
        caller,
        protocol: 'issue',
        request: (quiet) => errorFor(quiet, caller, fields([2, 1])),
        usual: [ERRORS.INVALID_PROOF],
      })
    },
  },
  ...Array.from({ length: PROOFS }, (_, position): Case => {
    return requestCase({
      id: `NT-ISSUE-015/bad-proof-${position + 1}-of-${PROOFS}`,
      title: `one bad proof among good ones, here number ${position + 1}, spoils the whole request`,
      async request(context, caller) {
        const proofs = Array.from({ length: PROOFS }, (_unused, index) =>
          proof(context, caller, index === position ? HOUR_MS : 0),
        )
        return refusedRequest(context, await Promise.all(proofs))
      },
      error: ERRORS.INVALID_PROOF,
      what: `the refusal of ${PROOFS} proofs, of which number ${position + 1} has expired`,
    })
  }),
  cryptoCase({
    id: 'NT-ISSUE-020/unknown-only',
    title: 'key types that the server does not know are none in common: error 4',
    cryptos: fields([2, UNKNOWN_CRYPTO]),
    error: ERRORS.NO_MATCHING_CRYPTO,
  }),
  cryptoCase({
    id: 'NT-ISSUE-020/none',
    title: 'no key type at all is none in common: error 4',
    cryptos: new Uint8Array(0),
    error: ERRORS.NO_MATCHING_CRYPTO,
  }),
  cryptoCase({
    id: 'NT-ISSUE-020/ecdsa-without-csr',
    title: 'P-256 alone is no key type in common where the server makes the key: error 4',
    cryptos: fields([2, 2]),
    error: ERRORS.NO_MATCHING_CRYPTO,
  }),
  cryptoCase({
    id: 'NT-WIRE-011/issue-huge-key-type',
    title: 'a key type of ten bytes is one that the server does not know: error 4',
    cryptos: join(Uint8Array.of(0x10), varint(-1)),
    error: ERRORS.NO_MATCHING_CRYPTO,
  }),
  // With a CSR that is none, whoever gets as far as the CSR says 9.
  cryptoCase({
    id: 'NT-ISSUE-020/unknown-and-known',
    title: 'key types that the server does not know are ignored beside one that it knows',
    cryptos: fields([2, UNKNOWN_CRYPTO], [2, 1]),
    error: ERRORS.OTHER,
    csr: true,
  }),
  cryptoCase({
    id: 'NT-WIRE-011/issue-packed-key-types',
    title: 'key types are read packed as well',
    cryptos: fields([2, Uint8Array.from([UNKNOWN_CRYPTO, 1])]),
    error: ERRORS.OTHER,
    csr: true,
  }),
  cryptoCase({
    id: 'NT-ISSUE-021/key-types-before-csr',
    title: 'key types are judged before the CSR: error 4',
    cryptos: fields([2, UNKNOWN_CRYPTO]),
    error: ERRORS.NO_MATCHING_CRYPTO,
    csr: true,
  }),
  requestCase({
    id: 'NT-ISSUE-021/proofs-before-key-types',
    title: 'proofs are judged before key types: a request with both faults gets error 2',
    request: async (context, caller) => acceptedRequest([await proof(context, caller, HOUR_MS)]),
    error: ERRORS.INVALID_PROOF,
    what: 'the refusal of an expired proof and an unknown key type',
  }),
  {
    id: 'NT-ISSUE-029/nothing-but-the-error',
    title: 'an answer with an error has no other field',
    role: 'issue',
    needs: ['played-proof-server'],
    byHand: (target) =>
      send(target, {
        protocol: 'issue',
        bytes: frame(fields([2, 1])),
        shows: '02 08 02, and no more',
      }),
    async run(context) {
      const caller = await newCaller(context)
      const good = await proof(context, caller, 0)
      const requests: readonly IssueRequest[] = [
        { proofs: [], supportedCryptos: [1] },
        { proofs: [good], supportedCryptos: [UNKNOWN_CRYPTO] },
        ...(context.target.capabilities.includes('csr')
          ? [{ proofs: [good], supportedCryptos: [1], csr: NO_CSR }]
          : []),
      ]
      for (const request of requests) {
        const message = await ask(context, {
          caller,
          protocol: 'issue',
          request: IssueRequest.encode(request),
        })
        const error = errorOf(message)
        if (error === ERRORS.OK) fail('an error', 'error 0 (OK)')
        if (message.length !== 2) {
          fail(`the error alone, as in ${hex(fields([1, error]))}`, hex(message))
        }
      }
    },
  },
  ...(
    [
      ['unspecified', '0.0.0.0'],
      ['broadcast', '255.255.255.255'],
      ['multicast', '224.0.0.251'],
      ['unspecified-ipv6', '::'],
      ['multicast-ipv6', 'ff02::1'],
    ] as const
  ).map(([slug, address]): Case => addressCase(`NT-ISSUE-034/${slug}`, address)),
  ...(
    [
      ['private', '10.1.2.3'],
      ['shared', '100.64.1.2'],
      ['loopback', '127.0.0.1'],
      ['link-local', '169.254.1.2'],
      ['documentation', '203.0.113.7'],
      ['loopback-ipv6', '::1'],
      ['unique-local-ipv6', 'fd00::1'],
      ['link-local-ipv6', 'fe80::1'],
      ['documentation-ipv6', '2001:db8::1'],
    ] as const
  ).map(([slug, address]): Case => privateCase(`NT-ISSUE-034/${slug}`, address)),
]

interface CryptoCase {
  readonly id: string
  readonly title: string
  /** Fields of `supportedCryptos`. */
  readonly cryptos: Uint8Array
  readonly error: number
  /** Whether a CSR that is none comes with it. */
  readonly csr?: true
}

function cryptoCase({ id, title, cryptos, error, csr }: CryptoCase): Case {
  return requestCase({
    id,
    title,
    needs: csr === true ? ['csr'] : [],
    request: async (context, caller) =>
      join(
        fields([1, await proof(context, caller, 0)]),
        cryptos,
        csr === true ? fields([16, NO_CSR]) : new Uint8Array(0),
      ),
    error,
    what: title,
  })
}

/** No node can have such an address, in no network. */
function addressCase(id: string, address: string): Case {
  return requestCase({
    id,
    title: `an issue server refuses ${address}, which no node can have`,
    request: async (context, { id: peer }) =>
      refusedRequest(context, [
        await goodProof(context.target, { id: peer, addresses: [address] }),
      ]),
    error: ERRORS.INVALID_PROOF,
    what: `the refusal of a proof of ${address}`,
  })
}

/** Refused, unless the target says that it runs in a test network, where they are what there is. */
function privateCase(id: string, address: string): Case {
  const isTestNetwork = ({ capabilities }: Target): boolean =>
    capabilities.includes('private-addresses')
  return requestCase({
    id,
    title: `an issue server refuses ${address}, which is not public, unless it is told otherwise`,
    async request(context, { id: peer }) {
      const proofs = [await goodProof(context.target, { id: peer, addresses: [address] })]
      return isTestNetwork(context.target)
        ? acceptedRequest(proofs)
        : refusedRequest(context, proofs)
    },
    // In a test network the proof counts, and the unknown key type is what is wrong.
    error: (target) => (isTestNetwork(target) ? ERRORS.NO_MATCHING_CRYPTO : ERRORS.INVALID_PROOF),
    what: `the refusal of ${address}, or in a test network of the unknown key type`,
  })
}

function proof(context: CheckContext, { id }: Caller, ageMs: number): Promise<Uint8Array> {
  return goodProof(context.target, { id, addresses: [publicIpv4(context)], ageMs })
}
