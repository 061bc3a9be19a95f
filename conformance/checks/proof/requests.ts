// Many requests: each gets a proof of its own, about its own caller, and nobody may ask without end.
import { setTimeout as delay } from 'node:timers/promises'
import type { Case } from '../../suite/case.ts'
import { ERRORS } from '../../wire/index.ts'
import { again, atOnce, send } from '../by-hand.ts'
import { answer, errorOf, fail, hex, newCaller, open, same } from '../exchange.ts'
import { expectRateLimit } from '../rate-limit.ts'
import { getProof } from './get-proof.ts'

const CALLERS = 4
/**
 * At once from each caller: servers may refuse more streams (NT-WIRE-010), and more requests. With the first one of each
 * caller these are 20, which our sample configuration grants an address at once.
 */
const STREAMS = 4

export const REQUEST_CASES: readonly Case[] = [
  {
    id: 'NT-PROOF-013/concurrent-callers',
    title: 'requests of different peers at the same time never mix ids or addresses',
    role: 'proof',
    timeoutMs: 30_000,
    byHand: (target) =>
      atOnce(
        send(target, {
          protocol: 'proof',
          shows: 'in each answer the id of who is "connected as" there',
        }),
      ),
    async run(context) {
      const callers = await Promise.all(Array.from({ length: CALLERS }, () => newCaller(context)))
      const first = await Promise.all(callers.map((caller) => getProof(context, { caller })))
      await Promise.all(
        callers.flatMap((caller, index) =>
          Array.from({ length: STREAMS }, async () => {
            const { proof } = await getProof(context, { caller })
            if (!same(proof.id, caller.id)) {
              fail(`the id of its caller, ${hex(caller.id)}`, hex(proof.id))
            }
            const wanted = first[index]?.proof.addrs[0]?.address
            const [address] = proof.addrs
            if (proof.addrs.length !== 1 || address?.address !== wanted) {
              fail(`the address "${wanted}", as alone`, JSON.stringify(proof.addrs))
            }
          }),
        ),
      )
    },
  },
  {
    id: 'NT-PROOF-014/fresh-proof',
    title: 'a second request gets a new proof with a later timestamp',
    role: 'proof',
    byHand: (target) =>
      send(target, { protocol: 'proof', shows: 'the second time, a later timestamp' }),
    async run(context) {
      const caller = await newCaller(context)
      const one = await getProof(context, { caller })
      await delay(20, undefined, { signal: context.signal })
      const other = await getProof(context, { caller })
      if (other.proof.timestamp <= one.proof.timestamp) {
        fail(
          `a timestamp later than the one of the first proof, ${one.proof.timestamp}`,
          `${other.proof.timestamp}`,
        )
      }
      if (same(one.signature, other.signature)) {
        fail('another signature than that of the first proof', hex(other.signature))
      }
    },
  },
  {
    id: 'NT-PROOF-011/rate-limit',
    title: 'whoever asks for proofs without end gets error 1 (E_RATE_LIMIT)',
    role: 'proof',
    intrusive: true,
    alone: true,
    timeoutMs: 40_000,
    byHand: (target) =>
      again(send(target, { protocol: 'proof', shows: 'sooner or later 02 08 01' })),
    async run(context) {
      const caller = await newCaller(context)
      await expectRateLimit(context, {
        caller,
        protocol: 'proof',
        async request(quiet) {
          const stream = await open(quiet, { caller, protocol: 'proof' })
          const message = await answer(quiet, stream, 'a proof, or error 1')
          stream.closeWrite()
          return errorOf(message)
        },
        usual: [ERRORS.OK],
      })
    },
  },
]
