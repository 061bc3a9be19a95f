// What an issue server asks of its CA, and what it makes of refusals: the suite stands between the two.
import { setTimeout as delay } from 'node:timers/promises'
import type { CaScript, PlayedCa } from '../../players/played-ca.ts'
import type { Case, CheckContext, KeyType } from '../../suite/case.ts'
import type { Limits } from '../../suite/rate-limits.ts'
import { ERRORS, IssueRequest, readCommonName } from '../../wire/index.ts'
import { notByHand } from '../by-hand.ts'
import { connectIdentified, expectCode, fail, needAddress, newCaller } from '../exchange.ts'
import {
  expectOrderError,
  namesOf,
  newKey,
  obtain,
  order,
  ORDER_CASE_MS,
  playCa,
  playDns,
  toLookAt,
} from './order.ts'
import { goodProof, publicIpv4 } from './played-proofs.ts'
import { errorFor, UNKNOWN_CRYPTO } from './request.ts'

const REQUESTS_AT_ONCE = 10
/** RFC 5280, upper bound of a common name. */
const COMMON_NAME_LENGTH_MAX = 64
const RETRY_AFTER_SECONDS = 1
const HOUR_MS = 3_600_000

export const CA_CASES: readonly Case[] = [
  refusalCase({
    id: 'NT-ISSUE-027/ca-refuses-a-name',
    problem: { problem: 'rejectedIdentifier', status: 403 },
    what: 'a CA that says rejectedIdentifier',
    error: ERRORS.OTHER,
  }),
  caCase({
    id: 'NT-ISSUE-037/bad-nonce',
    title: 'a CA that refuses nonces is asked again with new ones',
    async run(context, ca) {
      const caller = await newCaller(context)
      const addresses = [publicIpv4(context)]
      const [own] = namesOf(context, caller, addresses)
      context.defer(ca.follow(own, { problem: 'badNonce', status: 400, count: 3 }))
      await obtain(context, caller, { addresses, key: newKey() })
    },
  }),
  commonNameCase('Ed25519'),
  commonNameCase('RSA'),
  caCase({
    id: 'NT-ISSUE-031/one-order-at-the-ca',
    title: `${REQUESTS_AT_ONCE} requests for the same at the same time make one order at the CA`,
    async run(context, ca) {
      const caller = await newCaller(context)
      await connectIdentified(context, caller, needAddress(context.target, 'issue'))
      const wish = { addresses: [publicIpv4(context)], key: newKey() }
      await Promise.all(
        Array.from({ length: REQUESTS_AT_ONCE }, () => obtain(context, caller, wish)),
      )
      const [own] = namesOf(context, caller, wish.addresses)
      const count = ordersFor(ca, own)
      if (count !== 1) fail('one order at the CA', `${count}`)
    },
  }),
  caCase({
    id: 'NT-ISSUE-030/no-order-at-the-ca',
    title: 'a certificate that is given again takes no order at the CA',
    async run(context, ca) {
      const caller = await newCaller(context)
      const wish = { addresses: [publicIpv4(context)], key: newKey() }
      await obtain(context, caller, wish)
      await obtain(context, caller, wish)
      const [own] = namesOf(context, caller, wish.addresses)
      const count = ordersFor(ca, own)
      if (count !== 1) fail('one order at the CA for two requests', `${count}`)
    },
  }),
  caCase({
    id: 'NT-ISSUE-015/nothing-is-ordered',
    title: 'a request that is refused orders nothing, whatever it is refused for',
    async run(context, ca) {
      const caller = await newCaller(context)
      const addresses = [publicIpv4(context)]
      const good = await goodProof(context.target, { id: caller.id, addresses })
      const old = await goodProof(context.target, { id: caller.id, addresses, ageMs: HOUR_MS })
      const requests: readonly (readonly [IssueRequest, number])[] = [
        [{ proofs: [good, old], supportedCryptos: [1] }, ERRORS.INVALID_PROOF],
        [{ proofs: [good], supportedCryptos: [UNKNOWN_CRYPTO] }, ERRORS.NO_MATCHING_CRYPTO],
      ]
      for (const [message, error] of requests) {
        const bytes = IssueRequest.encode(message)
        expectCode(await errorFor(context, caller, bytes), error, 'the refusal')
      }
      const [own] = namesOf(context, caller, addresses)
      const count = ordersFor(ca, own)
      if (count !== 0) fail('no order at the CA', `${count}`)
    },
  }),
  // Last of all: the server may leave the CA alone for a while then, whoever asks.
  {
    ...refusalCase({
      id: 'NT-ISSUE-027/ca-limits-rates',
      problem: { problem: 'rateLimited', status: 429, retryAfterSeconds: RETRY_AFTER_SECONDS },
      what: 'a CA that says rateLimited',
      error: ERRORS.RATE_LIMIT,
      afterwardsMs: 2_000 * RETRY_AFTER_SECONDS,
    }),
    alone: true,
  },
]

function caCase({
  id,
  title,
  keyType,
  run,
}: Pick<Case, 'id' | 'title' | 'keyType'> & {
  readonly run: (context: CheckContext, ca: PlayedCa) => Promise<void>
}): Case {
  return {
    id,
    title,
    role: 'issue',
    needs: ['played-proof-server', 'played-ca', 'csr'],
    ...(keyType === undefined ? {} : { keyType }),
    timeoutMs: ORDER_CASE_MS,
    byHand: () =>
      notByHand(id, {
        why: 'the suite stands before the CA, and answers or looks there while the order is under way',
        shows: 'the order as its client sees it is among the messages',
      }),
    async run(context) {
      const ca = await playCa(context)
      if (ca === undefined) return { verdict: 'unsupported', reason: 'there is no players.acme' }
      await playDns(context)
      await run(context, ca)
      return undefined
    },
  }
}

function refusalCase({
  id,
  problem,
  what,
  error,
  afterwardsMs = 0,
}: {
  readonly id: string
  readonly problem: CaScript
  readonly what: string
  readonly error: number
  /** How long others are to leave the server in peace. @default 0 */
  readonly afterwardsMs?: number
}): Case {
  return caCase({
    id,
    title: `an order is answered with error ${error} after ${what}`,
    async run(context, ca) {
      const caller = await newCaller(context)
      const addresses = [publicIpv4(context)]
      const [own] = namesOf(context, caller, addresses)
      context.defer(ca.follow(own, problem))
      // The server's own limit is waited for, and its CA's is what may be looked at.
      const limits: Limits = {
        request(name) {
          const request = context.limits.request(name)
          const refused = (count: number): boolean =>
            ordersFor(ca, own) === 0 && request.refused(count)
          return { ...request, refused }
        },
      }
      const response = await order({ ...context, limits }, caller, { addresses, key: newKey() })
      await delay(afterwardsMs, undefined, { signal: context.signal })
      expectOrderError(response, error, what)
    },
  })
}

/** The request that the server makes for a caller without one: CAs do with it what they like. */
function commonNameCase(keyType: KeyType): Case {
  return caCase({
    id: `NT-ISSUE-025/${keyType.toLowerCase()}-caller`,
    title: `the CSR that the server makes for a caller with an ${keyType} key has no common name of over 64 bytes`,
    keyType,
    async run(context, ca) {
      const caller = await newCaller(context, { keyType })
      const addresses = [publicIpv4(context)]
      const [own] = namesOf(context, caller, addresses)
      await toLookAt(obtain(context, caller, { addresses }))
      const made = ca.requests.findLast(
        ({ csr }) => csr !== undefined && Buffer.from(csr).includes(own),
      )
      if (made?.csr === undefined) fail(`a CSR with the name "${own}" at the CA`, 'none')
      const commonName = readCommonName(made.csr)
      const allowed = own.length <= COMMON_NAME_LENGTH_MAX ? [undefined, own] : [undefined]
      if (!allowed.includes(commonName)) {
        fail(
          own.length <= COMMON_NAME_LENGTH_MAX
            ? `the common name "${own}", or none`
            : `no common name, as "${own}" has ${own.length} characters`,
          `"${commonName}"`,
        )
      }
    },
  })
}

function ordersFor({ requests }: PlayedCa, name: string): number {
  return requests.filter(({ step, names }) => step === 'newOrder' && names.includes(name)).length
}
