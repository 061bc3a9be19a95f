// Many requests: each gets a proof of its own, about its own caller, and nobody may ask without end.
import { setTimeout as delay } from 'node:timers/promises'
import type { Case, CheckContext, Finding } from '../../suite/case.ts'
import { ERRORS, errorText, type RawStream } from '../../wire/index.ts'
import { evidence, send } from '../by-hand.ts'
import { answer, errorOf, fail, hex, newCaller, open, same } from '../exchange.ts'
import { getProof, readProof } from './get-proof.ts'

const CALLERS = 4
const ROUNDS = 5
/** At once from each caller: servers may refuse more streams than these (NT-WIRE-010). */
const STREAMS = 5
/** More than one would grant a peer that is in its right mind, in a time that refills little. */
const FLOOD_REQUESTS_MAX = 10_000
const FLOOD_MS_MAX = 20_000
const FLOOD_STREAMS = 4

export const REQUEST_CASES: readonly Case[] = [
  {
    id: 'NT-PROOF-013/concurrent-callers',
    title: 'requests of different peers at the same time never mix ids or addresses',
    role: 'proof',
    timeoutMs: 30_000,
    byHand: () => evidence('NT-PROOF-013/concurrent-callers', '100 requests of four peers at once'),
    async run(context) {
      const callers = await Promise.all(Array.from({ length: CALLERS }, () => newCaller(context)))
      const first = await Promise.all(callers.map((caller) => getProof(context, { caller })))
      for (let round = 0; round < ROUNDS; round++) {
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
      }
    },
  },
  {
    id: 'NT-PROOF-014/fresh-proof',
    title: 'a second request gets a new proof with a later timestamp',
    role: 'proof',
    byHand: (target) =>
      send(target, { protocol: 'proof', then: 'the second time, a later timestamp' }),
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
    byHand: () =>
      evidence(
        'NT-PROOF-011/rate-limit',
        `sooner or later error 1 among ${FLOOD_REQUESTS_MAX} answers`,
      ),
    run: flood,
  },
]

async function flood(context: CheckContext): Promise<Finding | void> {
  const caller = await newCaller(context)
  // Thousands of the same bytes are no evidence; the last answers are.
  const quiet: CheckContext = { ...context, wire: { record: () => undefined } }
  let requests = 0
  let limited: Uint8Array | undefined
  const over = AbortSignal.timeout(FLOOD_MS_MAX)
  const askOn = async (): Promise<void> => {
    while (limited === undefined && requests < FLOOD_REQUESTS_MAX && !over.aborted) {
      requests += 1
      const stream = await open(quiet, { caller, protocol: 'proof' })
      const message = await readAnswer(context, stream)
      if (errorOf(message) === ERRORS.OK) readProof(message)
      else limited ??= message
    }
  }
  await Promise.all(Array.from({ length: FLOOD_STREAMS }, askOn))
  if (limited === undefined) {
    fail('error 1 (E_RATE_LIMIT) at some time', `${requests} proofs, one after the other`)
  }
  const error = errorOf(limited)
  if (error !== ERRORS.RATE_LIMIT) {
    fail('error 1 (E_RATE_LIMIT)', `error ${errorText(error)} after ${requests} requests`)
  }
}

async function readAnswer(context: CheckContext, stream: RawStream): Promise<Uint8Array> {
  const message = await answer(context, stream, 'a proof, or error 1')
  stream.closeWrite()
  return message
}
