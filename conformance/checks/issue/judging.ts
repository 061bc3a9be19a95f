// Judging a request (PROTOCOL.md, section 6): the first check that fails decides, nothing is ordered before all have
// passed, and a refusal says its number and nothing else.
import type { Case, CheckContext } from '../../suite/case.ts'
import type { Caller } from '../../players/caller.ts'
import { ERRORS, fields, IssueRequest, join, varint, frame } from '../../wire/index.ts'
import { evidence, send } from '../by-hand.ts'
import { ask, expectCode, errorOf, fail, hex, needAddress, newCaller } from '../exchange.ts'
import { expectRateLimit } from '../rate-limit.ts'
import { goodProof, publicIpv4 } from './played-proofs.ts'
import { errorFor, expectProofsAccepted, expectProofsRefused, UNKNOWN_CRYPTO } from './request.ts'

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
    byHand: () => evidence('NT-ISSUE-044/rate-limit', 'sooner or later error 1'),
    async run(context) {
      const caller = await newCaller(context)
      const address = needAddress(context.target, 'issue')
      await caller.connect(address, { signal: context.signal })
      await expectRateLimit(context, (quiet) => errorFor(quiet, caller, fields([2, 1])), [
        ERRORS.INVALID_PROOF,
      ])
    },
  },
  ...Array.from({ length: PROOFS }, (_, position): Case => {
    const id = `NT-ISSUE-015/bad-proof-${position + 1}-of-${PROOFS}`
    return {
      id,
      title: `one bad proof among good ones, here number ${position + 1}, spoils the whole request`,
      role: 'issue',
      needs: ['played-proof-server'],
      byHand: () => evidence(id, 'error 2 (E_INVALID_PROOF)'),
      async run(context) {
        const caller = await newCaller(context)
        const proofs = await Promise.all(
          Array.from({ length: PROOFS }, (_unused, index) =>
            proof(context, caller, index === position ? HOUR_MS : 0),
          ),
        )
        const what = `${PROOFS} proofs, of which number ${position + 1} has expired`
        await expectProofsRefused(context, caller, proofs, what)
      },
    }
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
  {
    id: 'NT-ISSUE-021/proofs-before-key-types',
    title: 'proofs are judged before key types: a request with both faults gets error 2',
    role: 'issue',
    needs: ['played-proof-server'],
    byHand: () => evidence('NT-ISSUE-021/proofs-before-key-types', 'error 2 (E_INVALID_PROOF)'),
    async run(context) {
      const caller = await newCaller(context)
      const expired = await proof(context, caller, HOUR_MS)
      const bytes = IssueRequest.encode({ proofs: [expired], supportedCryptos: [UNKNOWN_CRYPTO] })
      const what = 'the refusal of an expired proof and an unknown key type'
      expectCode(await errorFor(context, caller, bytes), ERRORS.INVALID_PROOF, what)
    },
  },
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
  return {
    id,
    title,
    role: 'issue',
    needs: ['played-proof-server', ...(csr === true ? (['csr'] as const) : [])],
    byHand: () => evidence(id, `error ${error}`),
    async run(context) {
      const caller = await newCaller(context)
      const bytes = join(
        fields([1, await proof(context, caller, 0)]),
        cryptos,
        csr === true ? fields([16, NO_CSR]) : new Uint8Array(0),
      )
      expectCode(await errorFor(context, caller, bytes), error, title)
    },
  }
}

/** No node can have such an address, in no network. */
function addressCase(id: string, address: string): Case {
  return {
    id,
    title: `an issue server refuses ${address}, which no node can have`,
    role: 'issue',
    needs: ['played-proof-server'],
    byHand: () => evidence(id, 'error 2 (E_INVALID_PROOF)'),
    async run(context) {
      const caller = await newCaller(context)
      const proofs = [await goodProof(context.target, { id: caller.id, addresses: [address] })]
      await expectProofsRefused(context, caller, proofs, `a proof of ${address}`)
    },
  }
}

/** Refused, unless the target says that it runs in a test network, where they are what there is. */
function privateCase(id: string, address: string): Case {
  return {
    id,
    title: `an issue server refuses ${address}, which is not public, unless it is told otherwise`,
    role: 'issue',
    needs: ['played-proof-server'],
    byHand: () => evidence(id, 'error 2, or in a test network none for the proof'),
    async run(context) {
      const caller = await newCaller(context)
      const proofs = [await goodProof(context.target, { id: caller.id, addresses: [address] })]
      if (context.target.capabilities.includes('private-addresses')) {
        await expectProofsAccepted(
          context,
          caller,
          proofs,
          `a proof of ${address} in a test network`,
        )
      } else {
        await expectProofsRefused(context, caller, proofs, `a proof of ${address}`)
      }
    },
  }
}

function proof(context: CheckContext, { id }: Caller, ageMs: number): Promise<Uint8Array> {
  return goodProof(context.target, { id, addresses: [publicIpv4(context)], ageMs })
}
